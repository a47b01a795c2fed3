package radius

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

func TestMalformedPacketsAreDropped(t *testing.T) {
	good := request(t, 1, aliceMessage())
	with := func(change func(p []byte) []byte) []byte { return change(slices.Clone(good)) }
	length := func(n int) func([]byte) []byte {
		return func(p []byte) []byte { binary.BigEndian.PutUint16(p[2:], uint16(n)); return p }
	}
	many := make([]*codec.AVP, maxAttributes)
	for i := range many {
		many[i] = avp(rfc2865.Class_Type, "1")
	}
	for name, tt := range map[string]struct {
		packet []byte
		why    Reason
	}{
		"empty":                    {nil, DropMalformed},
		"19 octets":                {good[:19], DropMalformed},
		"length below 20":          {with(length(19)), DropMalformed},
		"length beyond datagram":   {with(length(len(good) + 1)), DropMalformed},
		"length above 4096":        {with(length(4097)), DropMalformed},
		"length cuts an attribute": {with(length(len(good) - 1)), DropMalformed},
		"attribute of one octet":   {with(func(p []byte) []byte { p[21] = 1; return p }), DropMalformed},
		"attribute of no octets":   {with(func(p []byte) []byte { p[21] = 0; return p }), DropMalformed},
		"attribute beyond the end": {with(func(p []byte) []byte { p[len(p)-17] = 19; return p }), DropMalformed},
		"201 attributes":           {handmade(t, 1, 1, append(many, unsignedMA())...), DropTooManyAttributes},
		"accounting":               {handmade(t, codec.CodeAccountingRequest, 1), DropAccounting},
		"a reply sent to a server": {handmade(t, codec.CodeAccessAccept, 1, unsignedMA()), DropCode},
		"change of authorization":  {handmade(t, codec.CodeCoARequest, 1, unsignedMA()), DropCode},
		"code that does not exist": {handmade(t, 200, 1), DropCode},
	} {
		b := newBench(t, &logins{}, nil)
		if b.exchange(tt.packet); len(b.wire.replies()) != 0 || b.vpn().Dropped[tt.why] != 1 {
			t.Errorf("%s: dropped %v, want %s", name, b.vpn().Dropped, tt.why)
		}
	}
}

func TestPaddingIsIgnored(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	replies := b.exchange(append(slices.Clone(packet), 0xff, 0xff), packet)
	if asked != 1 || len(replies) != 1 {
		t.Errorf("asked %d times, %d replies", asked, len(replies))
	}
}

func TestTwoHundredAttributesAreTaken(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	list := []*codec.AVP{unsignedMA(), pap(t, 1, "p")}
	for len(list) < maxAttributes {
		list = append(list, avp(rfc2865.Class_Type, "1"))
	}
	if b.exchange(handmade(t, 1, 1, list...)); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestStrangersAreDropped(t *testing.T) {
	b := newBench(t, &logins{}, func(_ *Config, c *Client) {
		c.Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	})
	b.exchange(request(t, 1, aliceMessage()))
	if got := b.Stats(); got.Strangers[DropUnknownClient] != 1 || got.Clients["vpn"].Requests != 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestDropsAreLoggedSparingly(t *testing.T) {
	var log bytes.Buffer
	b := newBench(t, &logins{}, func(c *Config, cl *Client) {
		c.Logger, cl.MessageAuthenticator = slog.New(slog.NewTextHandler(&log, nil)), RuleRequired
	})
	unsigned := signedRequest(t, "absent")
	for range 100 {
		b.exchange(unsigned)
	}
	if got := strings.Count(log.String(), "client=vpn address=192.0.2.7:40000 reason=message_authenticator_missing"); got != logBurst {
		t.Errorf("%d lines for 100 drops, want %d: %s", got, logBurst, log.String())
	}
	log.Reset()
	b.clock.advance(logEvery + time.Second)
	b.exchange(unsigned)
	if !strings.Contains(log.String(), "suppressed=97") {
		t.Errorf("the next line does not say how many were passed over: %s", log.String())
	}
	b.wantDrops(t, DropUnsigned, 101)
}
