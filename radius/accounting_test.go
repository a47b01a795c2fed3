package radius

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc6911"
)

// books is what records accounting in tests.
type books struct {
	mu      sync.Mutex
	records []AccountingRecord
	err     error
	hangs   chan struct{}
}

func (k *books) record(ctx context.Context, r AccountingRecord) error {
	if k.hangs != nil {
		select {
		case <-k.hangs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.records = append(k.records, r)
	}
	return k.err
}

func (k *books) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.records)
}

// accountingBench is a bench whose accounting is recorded in books.
func accountingBench(t testing.TB, change func(*Config, *Client)) (*bench, *books) {
	t.Helper()
	k := &books{}
	return newBench(t, &logins{}, func(cfg *Config, c *Client) {
		cfg.Accounting = Accounting{Listen: []string{"127.0.0.1:0"}, Record: k.record}
		if change != nil {
			change(cfg, c)
		}
	}), k
}

// account serves packets of the test's client, one after the other, and returns the replies to them.
func (b *bench) account(packets ...[]byte) [][]byte {
	before := len(b.wire.replies())
	for _, p := range packets {
		b.accountFrom(testFrom, p)
	}
	return b.wire.replies()[before:]
}

func (b *bench) accountFrom(from netip.AddrPort, packet []byte) {
	b.accounting.receive(datagram{bytes: bytes.Clone(packet), from: from, socket: b.wire})
	for b.Stats().AccountingQueued > 0 {
		b.accounting.serve(b.accounting.queue.pop())
	}
}

// accounted encodes an Accounting-Request as the codec does, which is none of our code.
func accounted(t testing.TB, id byte, attributes ...*codec.AVP) []byte {
	t.Helper()
	p := codec.Packet{Code: codec.CodeAccountingRequest, Identifier: id, Secret: []byte(testSecret.Reveal()), Attributes: attributes}
	packet, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// signAccounting puts a Message-Authenticator in front of the attributes of an Accounting-Request: its sum
// counts the Authenticator field as zero, and the Request Authenticator covers it.
func signAccounting(t testing.TB, id byte, attributes ...*codec.AVP) []byte {
	t.Helper()
	packet := accounted(t, id, slices.Concat([]*codec.AVP{unsignedMA()}, attributes)...)
	sum := testKey.messageAuthenticator(packet, [authSize]byte{}, headerSize+2)
	copy(packet[headerSize+2:], sum[:])
	auth := testKey.responseAuthenticator(packet, [authSize]byte{})
	copy(packet[4:], auth[:])
	return packet
}

func number(t codec.Type, n uint32) *codec.AVP {
	return &codec.AVP{Type: t, Attribute: binary.BigEndian.AppendUint32(nil, n)}
}

// start is a Start of a session, with more attributes.
func start(t testing.TB, id byte, session string, more ...*codec.AVP) []byte {
	t.Helper()
	return accounted(t, id, slices.Concat([]*codec.AVP{
		number(rfc2866.AcctStatusType_Type, 1), avp(rfc2866.AcctSessionID_Type, session), avp(rfc2865.UserName_Type, "alice"),
	}, more)...)
}

func (b *bench) accountingStats() AccountingStats { return b.Stats().Accounting["vpn"] }

func ptr(n uint64) *uint64 { return &n }

func TestC6AccountingIsRecordedThenAnswered(t *testing.T) {
	b, k := accountingBench(t, nil)
	request := accounted(t, 7,
		avp(rfc2865.ProxyState_Type, "first"),
		number(rfc2866.AcctStatusType_Type, 2), avp(rfc2866.AcctSessionID_Type, "5F0A"), avp(rfc2866.AcctMultiSessionID_Type, "M1"),
		avp(rfc2865.UserName_Type, "alice"), avp(rfc2865.Class_Type, "staff"), avp(rfc2865.Class_Type, "\x00\x01"),
		number(rfc2865.FramedIPAddress_Type, 0xc0000205), avp(rfc6911.FramedIPv6Address_Type, string(netip.MustParseAddr("2001:db8::5").AsSlice())),
		avp(rfc3162.FramedIPv6Prefix_Type, "\x00\x40\x20\x01\x0d\xb8\x00\x00\x00\x01"),
		avp(rfc2865.CallingStationID_Type, "198.51.100.9"), avp(rfc2865.CalledStationID_Type, "203.0.113.1"),
		avp(rfc2865.NASIdentifier_Type, "gw1"), number(rfc2865.NASIPAddress_Type, 0xcb007101), number(rfc2865.NASPort_Type, 17),
		avp(rfc2869.NASPortID_Type, "tun0"), number(rfc2865.ServiceType_Type, 2),
		number(rfc2866.AcctInputOctets_Type, 5), number(rfc2869.AcctInputGigawords_Type, 2), number(rfc2866.AcctOutputOctets_Type, 0),
		number(rfc2866.AcctInputPackets_Type, 9), number(rfc2866.AcctOutputPackets_Type, 8), number(rfc2866.AcctSessionTime_Type, 60),
		number(rfc2866.AcctDelayTime_Type, 3), number(rfc2869.EventTimestamp_Type, 1_700_000_000), number(rfc2866.AcctTerminateCause_Type, 1),
		avp(rfc2865.ProxyState_Type, "second"),
	)
	k.hangs = make(chan struct{}, 1)
	b.accounting.receive(datagram{bytes: request, from: testFrom, socket: b.wire})
	if len(b.wire.replies()) > 0 {
		t.Fatal("it was answered before it was recorded")
	}
	k.hangs <- struct{}{}
	b.accounting.serve(b.accounting.queue.pop())

	replies := b.wire.replies()
	if len(replies) != 1 || !codec.IsAuthenticResponse(replies[0], request, []byte(testSecret.Reveal())) {
		t.Fatalf("%d replies: %x", len(replies), replies)
	}
	p, err := codec.Parse(replies[0], []byte(testSecret.Reveal()))
	if err != nil || p.Code != codec.CodeAccountingResponse || p.Identifier != 7 || len(p.Attributes) != 2 ||
		string(p.Attributes[0].Attribute) != "first" || string(p.Attributes[1].Attribute) != "second" {
		t.Errorf("the response is %+v, %v", p, err)
	}
	at := time.Unix(1_700_000_000, 0).UTC()
	got, _ := json.Marshal(k.records)
	want, _ := json.Marshal([]AccountingRecord{{
		Client: "vpn", Address: testFrom.Addr(), Status: "Stop", SessionID: "5F0A", MultiSessionID: "M1", Username: "alice",
		Class: []string{"staff", "0x0001"}, FramedIP: "192.0.2.5", FramedIPv6: "2001:db8::5", FramedIPv6Prefix: "2001:db8:0:1::/64",
		CallingStationID: "198.51.100.9", CalledStationID: "203.0.113.1", NASIdentifier: "gw1", NASAddress: "203.0.113.1", NASPort: "17",
		NASPortID: "tun0", ServiceType: "Framed-User", InputOctets: ptr(2<<32 + 5), OutputOctets: ptr(0), Gigawords: true,
		InputPackets: ptr(9), OutputPackets: ptr(8), SessionSeconds: ptr(60), DelaySeconds: ptr(3), EventTime: &at, TerminateCause: "User-Request",
	}})
	if string(got) != string(want) {
		t.Errorf("recorded\n%s, want\n%s", got, want)
	}
}

// A client that is not answered throws people out, so whatever it sends is recorded and answered.
func TestEveryKindOfAccountingIsAnswered(t *testing.T) {
	session := avp(rfc2866.AcctSessionID_Type, "1")
	for want, attributes := range map[string][]*codec.AVP{
		"Start":          {number(rfc2866.AcctStatusType_Type, 1), session},
		"Stop":           {number(rfc2866.AcctStatusType_Type, 2), session},
		"Interim-Update": {number(rfc2866.AcctStatusType_Type, 3), session},
		"Accounting-On":  {number(rfc2866.AcctStatusType_Type, 7)},
		"Accounting-Off": {number(rfc2866.AcctStatusType_Type, 8)},
		"Tunnel-Start":   {number(rfc2866.AcctStatusType_Type, 9), session},
		"Failed":         {number(rfc2866.AcctStatusType_Type, 15), session},
		"4711":           {number(rfc2866.AcctStatusType_Type, 4711), session},
		"":               {session},
	} {
		b, k := accountingBench(t, nil)
		if replies := b.account(accounted(t, 1, attributes...)); len(replies) != 1 || len(k.records) != 1 || k.records[0].Status != want {
			t.Errorf("%q: %d replies, recorded %+v", want, len(replies), k.records)
		}
	}
	b, k := accountingBench(t, nil)
	odd := []*codec.AVP{
		avp(rfc2866.AcctStatusType_Type, "\x01"), avp(rfc2866.AcctInputOctets_Type, "12345"), avp(rfc2865.FramedIPAddress_Type, "x"),
		avp(rfc3162.FramedIPv6Prefix_Type, "\x00\xff"), avp(rfc2865.UserName_Type, ""),
	}
	if replies := b.account(accounted(t, 1), accounted(t, 2, odd...)); len(replies) != 2 || len(k.records) != 2 || k.records[1].InputOctets != nil {
		t.Errorf("%d replies, recorded %+v", len(replies), k.records)
	}
}

func TestAccountingThatIsNotTheClientsIsDropped(t *testing.T) {
	good := start(t, 1, "1")
	altered := func(at int, x byte) []byte {
		p := bytes.Clone(good)
		p[at] ^= x
		return p
	}
	signed := signAccounting(t, 1, avp(rfc2866.AcctSessionID_Type, "1"))
	badMA := bytes.Clone(signed)
	badMA[headerSize+4] ^= 1
	auth := testKey.responseAuthenticator(badMA, [authSize]byte{})
	copy(badMA[4:], auth[:])
	ofLogin := signAccounting(t, 1) // the sum of an Access-Request counts the field as it is
	sum := testKey.messageAuthenticator(ofLogin, authenticatorOf(ofLogin), headerSize+2)
	copy(ofLogin[headerSize+2:], sum[:])
	auth = testKey.responseAuthenticator(ofLogin, [authSize]byte{})
	copy(ofLogin[4:], auth[:])
	other := codec.Packet{Code: codec.CodeAccountingRequest, Identifier: 1, Secret: []byte("another-secret-of-some-length")}
	wrongSecret, err := other.Encode()
	if err != nil {
		t.Fatal(err)
	}
	response := bytes.Clone(good)
	response[0] = byte(codec.CodeAccountingResponse)
	cases := map[string]struct {
		packet []byte
		want   Reason
	}{
		"another shared secret":             {wrongSecret, DropBadAuthenticator},
		"authenticator altered":             {altered(5, 1), DropBadAuthenticator},
		"attribute altered":                 {altered(len(good)-1, 1), DropBadAuthenticator},
		"identifier altered":                {altered(1, 1), DropBadAuthenticator},
		"authenticator of a login, random":  {handmade(t, codec.CodeAccountingRequest, 1, avp(rfc2866.AcctSessionID_Type, "1")), DropBadAuthenticator},
		"Message-Authenticator wrong":       {badMA, DropBadSignature},
		"Message-Authenticator of a login":  {ofLogin, DropBadSignature},
		"two Message-Authenticators":        {accounted(t, 1, unsignedMA(), unsignedMA()), DropSignatureForm},
		"too short":                         {good[:19], DropMalformed},
		"length beyond the datagram":        {good[:len(good)-1], DropMalformed},
		"attribute length 1":                {altered(headerSize+1, 7), DropMalformed},
		"a login":                           {request(t, 1, aliceMessage()), DropLogin},
		"a response":                        {response, DropCode},
		"an unsigned Status-Server":         {handmade(t, codec.CodeStatusServer, 1), DropUnsigned},
		"Status-Server of another's secret": {bytes.Replace(request(t, 1, Message{Status: true}), []byte{80, 18}, []byte{80, 18, 0}, 1)[:38], DropBadSignature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b, k := accountingBench(t, nil)
			if replies := b.account(c.packet); len(replies) != 0 || k.count() != 0 {
				t.Errorf("%d replies, %d records", len(replies), k.count())
			}
			if got := b.accountingStats().Dropped; got[c.want] != 1 || len(got) != 1 {
				t.Errorf("dropped %v, want %s", got, c.want)
			}
			if b.Stats().AccountingRemembered != 0 {
				t.Error("it is remembered")
			}
		})
	}
	b, k := accountingBench(t, func(_ *Config, c *Client) { c.Addresses = networks("198.51.100.0/24") })
	if replies := b.account(good); len(replies) != 0 || k.count() != 0 || b.Stats().AccountingStrangers[DropUnknownClient] != 1 {
		t.Errorf("a stranger: %d replies, %d records, %+v", len(replies), k.count(), b.Stats().AccountingStrangers)
	}
}

// What an operator can mend is logged with what to do, also where accounting came to the port for logins.
func TestC6DroppedAccountingSaysWhatToDo(t *testing.T) {
	var log bytes.Buffer
	b, _ := accountingBench(t, func(cfg *Config, _ *Client) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	b.put(start(t, 1, "1"))
	b.wantDrops(t, DropAccounting, 1)
	for _, c := range []struct {
		packet []byte
		want   string
	}{
		{nil, "accounting port to 1813"},
		{request(t, 1, aliceMessage()), "port for logins to 1812"},
		{handmade(t, codec.CodeAccountingRequest, 1), "same shared secret"},
	} {
		if c.packet != nil {
			log.Reset()
			b.account(c.packet)
		}
		if !strings.Contains(log.String(), c.want) {
			t.Errorf("%q is not in %s", c.want, log.String())
		}
	}
}

// Padding is no part of a packet (RFC 2865 §3), so it is not hashed.
func TestPaddedAccountingIsAnswered(t *testing.T) {
	b, _ := accountingBench(t, nil)
	padded := append(start(t, 1, "1"), 0, 0)
	if replies := b.account(padded, start(t, 1, "1")); len(replies) != 2 || !bytes.Equal(replies[0], replies[1]) || b.accountingStats().Starts != 1 {
		t.Errorf("%d replies, %+v", len(replies), b.accountingStats())
	}
}

// signedAccountingResponse reports whether an Accounting-Response is authentic and begins with its Message-Authenticator.
func signedAccountingResponse(reply, request []byte) bool {
	o, why := read(reply)
	return why == "" && o.code == codec.CodeAccountingResponse && o.ma == headerSize+2 && !o.badMA &&
		testKey.validMessageAuthenticator(reply, authenticatorOf(request), o.ma) && testKey.validResponse(reply, authenticatorOf(request))
}

func TestSignedAccountingGetsASignedResponse(t *testing.T) {
	for _, rule := range []Rule{RuleAuto, RuleRequired, RuleOptional} {
		b, _ := accountingBench(t, func(_ *Config, c *Client) { c.MessageAuthenticator = rule })
		signed := signAccounting(t, 3, number(rfc2866.AcctStatusType_Type, 1), avp(rfc2865.ProxyState_Type, "p"))
		plain := start(t, 4, "1", avp(rfc2865.ProxyState_Type, "p"))
		replies := b.account(signed, plain)
		if len(replies) != 2 {
			t.Fatalf("rule %d: %d replies", rule, len(replies))
		}
		if !signedAccountingResponse(replies[0], signed) {
			t.Errorf("rule %d: %x", rule, replies[0])
		}
		if o, why := read(replies[1]); why != "" || o.ma != 0 || !testKey.validResponse(replies[1], authenticatorOf(plain)) {
			t.Errorf("rule %d: %+v", rule, o)
		}
		select {
		case l := <-b.memory.news:
			t.Errorf("rule %d: accounting has taught %+v", rule, l)
		default:
		}
	}
}

func TestStatusServerOnTheAccountingPort(t *testing.T) {
	b, k := accountingBench(t, nil)
	status := request(t, 9, Message{Status: true})
	ask := func() bool {
		replies := b.account(status)
		for _, reply := range replies {
			if !signedAccountingResponse(reply, status) {
				t.Errorf("%x", reply)
			}
		}
		return len(replies) == 1
	}
	if !ask() || k.count() != 0 {
		t.Errorf("not answered, or recorded: %+v", b.accountingStats())
	}
	k.err = errors.New("disk full")
	if replies := b.account(start(t, 1, "1")); len(replies) != 0 {
		t.Error("what was not recorded was answered")
	}
	if ask() {
		t.Error("answered while records fail")
	}
	b.clock.advance(accountingPause)
	if !ask() {
		t.Error("not answered later: a client that waits for it never tries again")
	}
	k.err = nil
	b.account(start(t, 1, "1"))
	if !ask() {
		t.Error("not answered though records are made durable again")
	}
	for range 2 * statusBurst {
		b.account(status)
	}
	if b.accountingStats().Dropped[DropStatusLimit] == 0 {
		t.Errorf("not limited: %+v", b.accountingStats())
	}
	if b.put(status); !b.vpn().allowed() {
		t.Error("the limit is shared with the port for logins")
	}
}

// allowed reports that no Status-Server was beyond the limit of the port for logins.
func (s ClientStats) allowed() bool { return s.Dropped[DropStatusLimit] == 0 }

func TestC6RepeatsAreRecordedOnceAndAnsweredAlike(t *testing.T) {
	delayed := func(id byte, seconds uint32) []byte {
		return start(t, id, "1", number(rfc2866.AcctDelayTime_Type, seconds))
	}
	for _, c := range []struct {
		name    string
		play    func(b *bench)
		records int
		replies int
	}{
		{"the same packet", func(b *bench) { b.account(start(t, 1, "1"), start(t, 1, "1")) }, 1, 2},
		{"the same packet from another port and address", func(b *bench) {
			b.account(start(t, 1, "1"))
			b.accountFrom(netip.MustParseAddrPort("192.0.2.99:9"), start(t, 1, "1"))
		}, 1, 2},
		{"a later delay", func(b *bench) {
			b.account(delayed(1, 0))
			b.clock.advance(5 * time.Second)
			b.account(delayed(2, 5))
			b.clock.advance(5 * time.Second)
			b.account(delayed(3, 11))
		}, 1, 3},
		{"a first delay", func(b *bench) {
			b.account(start(t, 1, "1"))
			b.clock.advance(3 * time.Second)
			b.account(delayed(2, 3))
		}, 1, 2},
		{"another way, another Proxy-State", func(b *bench) {
			b.account(delayed(1, 0))
			b.clock.advance(time.Second)
			b.account(start(t, 2, "1", number(rfc2866.AcctDelayTime_Type, 1), avp(rfc2865.ProxyState_Type, "x")))
		}, 1, 2},
		{"a new Identifier and the same delay: the earlier one was answered", func(b *bench) {
			b.account(start(t, 1, "1"), start(t, 2, "1"), start(t, 1, "1"), start(t, 2, "1"))
		}, 2, 4},
		{"a delay that leads to another moment", func(b *bench) {
			b.account(delayed(1, 0))
			b.clock.advance(60 * time.Second)
			b.account(delayed(2, 5))
		}, 2, 2},
		{"another session", func(b *bench) { b.account(start(t, 1, "1"), start(t, 1, "2")) }, 2, 2},
		{"another attribute", func(b *bench) {
			b.account(delayed(1, 0))
			b.clock.advance(time.Second)
			b.account(start(t, 2, "1", number(rfc2866.AcctDelayTime_Type, 1), number(rfc2866.AcctInputOctets_Type, 1)))
		}, 2, 2},
		{"the same packet much later", func(b *bench) {
			b.account(start(t, 1, "1"))
			b.clock.advance(accountingKeep)
			b.account(start(t, 1, "1"))
		}, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, k := accountingBench(t, nil)
			c.play(b)
			if k.count() != c.records || len(b.wire.replies()) != c.replies {
				t.Errorf("%d records and %d replies, want %d and %d", k.count(), len(b.wire.replies()), c.records, c.replies)
			}
			st := b.accountingStats()
			if int(st.Starts) != c.records || int(st.Responses) != c.replies || int(st.Repeats) != c.replies-c.records || len(st.Dropped) != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
	t.Run("the reply is the same", func(t *testing.T) {
		b, _ := accountingBench(t, nil)
		p := start(t, 1, "1", avp(rfc2865.ProxyState_Type, "x"))
		if replies := b.account(p, p); !bytes.Equal(replies[0], replies[1]) {
			t.Errorf("%x", replies)
		}
	})
	t.Run("while the first is being recorded", func(t *testing.T) {
		b, k := accountingBench(t, nil)
		b.accounting.receive(datagram{bytes: start(t, 1, "1"), from: testFrom, socket: b.wire})
		b.accounting.receive(datagram{bytes: start(t, 1, "1"), from: testFrom, socket: b.wire})
		if b.Stats().AccountingQueued != 1 || b.accountingStats().Dropped[DropInProgress] != 1 {
			t.Fatalf("%d queued, %+v", b.Stats().AccountingQueued, b.accountingStats())
		}
		b.accounting.serve(b.accounting.queue.pop())
		if replies := b.account(start(t, 1, "1")); k.count() != 1 || len(replies) != 1 {
			t.Errorf("%d records, %d replies", k.count(), len(replies))
		}
	})
}

func TestWhatCouldNotBeRecordedIsNotAnswered(t *testing.T) {
	b, k := accountingBench(t, nil)
	k.err = errors.New("disk full")
	if replies := b.account(start(t, 1, "1"), start(t, 1, "1")); len(replies) != 0 || b.accountingStats().Dropped[DropNotRecorded] != 2 {
		t.Errorf("%d replies, %+v", len(replies), b.accountingStats())
	}
	k.err = nil
	if replies := b.account(start(t, 1, "1")); len(replies) != 1 || k.count() != 1 {
		t.Errorf("%d replies, %d records", len(replies), k.count())
	}
}

// A disk that hangs keeps no login waiting, and the accounting that it cannot take is bounded.
func TestC6AccountingTakesNothingFromLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := 0
		b := newBench(t, accepting(&logged), func(cfg *Config, c *Client) {
			cfg.Queue, cfg.Workers, cfg.Now = 1, 1, time.Now
			cfg.Accounting = Accounting{Listen: []string{"127.0.0.1:0"}, Record: func(ctx context.Context, _ AccountingRecord) error {
				<-ctx.Done()
				return ctx.Err()
			}}
		})
		b.accounting.start()
		const many = accountingWorkers + accountingQueue + 100
		for n := range many {
			b.accounting.receive(datagram{bytes: start(t, 1, fmt.Sprint(n)), from: testFrom, socket: b.wire})
		}
		synctest.Wait()
		if replies := b.exchange(request(t, 1, aliceMessage())); len(replies) != 1 || logged != 1 {
			t.Errorf("the login got %d replies", len(replies))
		}
		if full := b.accountingStats().Dropped[DropQueueFull]; full < 100-accountingWorkers || full > 100+accountingWorkers {
			t.Errorf("%+v", b.accountingStats())
		}
		b.accounting.drain() // in at most two deadlines: those in work, and those that waited
		st := b.Stats()
		if st.AccountingQueued != 0 || st.AccountingInFlight != 0 || st.AccountingRemembered != 0 || st.Accounting["vpn"].Responses != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAccountingMemoryIsBounded(t *testing.T) {
	s := newAccountingSeen(time.Minute, 100)
	now := time.Unix(1_700_000_000, 0)
	for n := range 1000 {
		p := start(t, 1, fmt.Sprint(n))
		e, what := s.begin("vpn", p, authenticatorOf(p), now)
		if what != accountingNew {
			t.Fatalf("%d is not new", n)
		}
		s.finish(e)
	}
	if s.size() > 100 || len(s.exact) != s.size() || len(s.content) != s.size() {
		t.Errorf("%d entries, %d and %d names", s.size(), len(s.exact), len(s.content))
	}
	// The same packet of another client is another record.
	p := start(t, 1, "999")
	if _, what := s.begin("other", p, authenticatorOf(p), now); what != accountingNew {
		t.Error("a record of one client hides that of another")
	}
	if _, what := s.begin("vpn", p, authenticatorOf(p), now); what != accountingRecorded {
		t.Error("forgotten")
	}
	now = now.Add(time.Minute)
	if _, what := s.begin("vpn", p, authenticatorOf(p), now); what != accountingNew || s.size() != 1 {
		t.Errorf("%d entries after their time", s.size())
	}
}

// Octets beyond 4 GiB come in two attributes.
func TestOctetsAreOneNumber(t *testing.T) {
	for _, c := range []struct {
		attributes []*codec.AVP
		want       string
	}{
		{nil, `{}`},
		{[]*codec.AVP{number(rfc2866.AcctInputOctets_Type, 0)}, `{"input_octets":0}`},
		{[]*codec.AVP{number(rfc2866.AcctInputOctets_Type, 1<<32-1), number(rfc2869.AcctInputGigawords_Type, 1)},
			`{"input_octets":8589934591,"gigawords":true}`},
		{[]*codec.AVP{number(rfc2869.AcctOutputGigawords_Type, 1<<32-1), number(rfc2866.AcctOutputOctets_Type, 1<<32-1)},
			`{"output_octets":18446744073709551615,"gigawords":true}`},
		{[]*codec.AVP{number(rfc2869.AcctOutputGigawords_Type, 0), number(rfc2866.AcctOutputOctets_Type, 7)}, `{"output_octets":7,"gigawords":true}`},
		{[]*codec.AVP{number(rfc2869.AcctInputGigawords_Type, 3)}, `{"input_octets":12884901888,"gigawords":true}`},
	} {
		b, k := accountingBench(t, nil)
		b.account(accounted(t, 1, c.attributes...))
		r := k.records[0]
		got, err := json.Marshal(AccountingRecord{InputOctets: r.InputOctets, OutputOctets: r.OutputOctets, Gigawords: r.Gigawords})
		if text := strings.Replace(string(got), `"client":"","address":""`, "", 1); err != nil || strings.Replace(text, "{,", "{", 1) != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// No text of a record is long, moves a cursor, hides, or is a password.
func TestTextsOfARecordAreClean(t *testing.T) {
	b, k := accountingBench(t, nil)
	hidden, err := codec.NewUserPassword([]byte("wonderland-1"), []byte(testSecret.Reveal()), make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	b.account(accounted(t, 1,
		avp(rfc2865.UserName_Type, "al\x1b[2Jice\r\n\u202e\x00"), avp(rfc2865.NASIdentifier_Type, strings.Repeat("ü", 120)),
		avp(rfc2865.CallingStationID_Type, "M\xfcller"), avp(rfc2866.AcctSessionID_Type, strings.Repeat("x", 128)),
		&codec.AVP{Type: rfc2865.UserPassword_Type, Attribute: hidden}))
	r := k.records[0]
	if r.Username != "al\ufffd[2Jice\ufffd\ufffd\ufffd\ufffd" || r.CallingStationID != "Müller" || len(r.SessionID) != 128 ||
		len(r.NASIdentifier) > 128 || !strings.HasSuffix(r.NASIdentifier, "ü…") {
		t.Errorf("%+v", r)
	}
	text, err := json.Marshal(r)
	if err != nil || bytes.Contains(text, []byte("wonderland")) || bytes.Contains(text, []byte(fmt.Sprintf("%x", hidden))) {
		t.Errorf("%v: %s", err, text)
	}
}

// Whatever is sent how often and in which way, and whatever becomes of the disk: a record is answered only
// when it is durable, each event is recorded once, and each that was recorded is answered at the next try.
func TestAccountingKeepsItsPromiseOverRandomRepeats(t *testing.T) {
	for seed := range int64(200) {
		random := rand.New(rand.NewSource(seed))
		b, k := accountingBench(t, func(cfg *Config, _ *Client) { cfg.Logger = slog.New(slog.DiscardHandler) })
		type event struct {
			session string
			began   time.Time
			last    []byte
			delay   uint32
		}
		var events []*event
		id := byte(0)
		for range 60 {
			b.clock.advance(time.Duration(random.Intn(3)) * time.Second)
			var e *event
			if len(events) == 0 || random.Intn(3) == 0 {
				e = &event{session: fmt.Sprint(len(events)), began: b.clock.Now()}
				events = append(events, e)
			} else {
				e = events[random.Intn(len(events))]
			}
			delay := uint32(b.clock.Now().Sub(e.began) / time.Second)
			if e.last == nil || delay > e.delay && random.Intn(2) == 0 {
				id++
				e.last, e.delay = start(t, id, e.session, number(rfc2866.AcctDelayTime_Type, delay)), delay
			}
			if k.err = nil; random.Intn(3) == 0 {
				k.err = errors.New("disk full")
			}
			before := len(b.wire.replies())
			b.accountFrom(netAddr(testFrom, uint16(1+random.Intn(9))), e.last)
			times := 0
			for _, r := range k.records {
				if r.SessionID == e.session {
					times++
				}
			}
			answered := len(b.wire.replies()) > before
			if !answered && k.err == nil {
				t.Fatalf("seed %d: session %s was not answered", seed, e.session)
			}
			if times > 1 || answered != (times == 1) {
				t.Fatalf("seed %d: session %s was recorded %d times, answered: %v", seed, e.session, times, answered)
			}
			if answered && !codec.IsAuthenticResponse(b.wire.replies()[before], e.last, []byte(testSecret.Reveal())) {
				t.Fatalf("seed %d: the response is not authentic", seed)
			}
		}
	}
}

// FuzzAccounting sends datagrams as they are and authentic, so that the fuzzer gets behind the
// authenticators. What comes back must be authentic, and what is recorded bounded and printable.
func FuzzAccounting(f *testing.F) {
	f.Add(start(f, 1, "1"))
	f.Add(signAccounting(f, 2, avp(rfc2865.ProxyState_Type, "p"), avp(rfc2865.Class_Type, "\x00")))
	f.Add(accounted(f, 3, number(rfc2869.AcctInputGigawords_Type, 1), avp(rfc3162.FramedIPv6Prefix_Type, "\x00\x80"), number(rfc2866.AcctStatusType_Type, 99)))
	f.Add(request(f, 4, Message{Status: true}))
	f.Add(accounted(f, 5, avp(rfc2865.UserName_Type, strings.Repeat("\u2028<\"", 50)), avp(rfc2866.AcctSessionID_Type, strings.Repeat("<", 253))))
	f.Fuzz(func(t *testing.T, packet []byte) {
		b, k := accountingBench(t, func(cfg *Config, _ *Client) { cfg.Logger = slog.New(slog.DiscardHandler) })
		b.account(packet)
		packet, ok := cut(bytes.Clone(packet))
		if !ok {
			return
		}
		if packet[0] == byte(codec.CodeAccountingRequest) {
			if o, why := read(packet); why == "" && o.ma != 0 && !o.badMA {
				sum := testKey.messageAuthenticator(packet, [authSize]byte{}, o.ma)
				copy(packet[o.ma:], sum[:])
			}
			auth := testKey.responseAuthenticator(packet, [authSize]byte{})
			copy(packet[4:], auth[:])
		}
		before := len(b.wire.replies())
		for _, reply := range b.account(packet)[:len(b.wire.replies())-before] {
			if !testKey.validResponse(reply, authenticatorOf(packet)) || reply[1] != packet[1] {
				t.Errorf("not authentic: %x", reply)
			}
		}
		for _, r := range k.records {
			text, err := json.Marshal(r)
			if err != nil || len(text) > 16<<10 {
				t.Errorf("%d bytes, %v", len(text), err)
			}
			for _, c := range r.Username + r.SessionID + r.MultiSessionID + strings.Join(r.Class, "") + r.CallingStationID + r.NASPortID {
				if !unicode.IsPrint(c) && c != unicode.ReplacementChar {
					t.Errorf("%q in %s", c, text)
				}
			}
		}
	})
}

func TestAccountingOverUDP(t *testing.T) {
	k := &books{}
	s := serving(t, &logins{}, func(cfg *Config, _ *Client) {
		cfg.Accounting = Accounting{Listen: []string{"0.0.0.0:0", "[::1]:0"}, Record: k.record}
	})
	addrs := s.AccountingAddrs()
	if len(addrs) != 2 || addrs[0] == s.Addrs()[0] {
		t.Fatalf("%v", addrs)
	}
	for n, to := range []string{fmt.Sprintf("127.0.0.5:%d", addrs[0].Port()), addrs[1].String()} {
		packet := &codec.Packet{Code: codec.CodeAccountingRequest, Identifier: byte(n), Secret: []byte(testSecret.Reveal())}
		packet.Add(rfc2866.AcctSessionID_Type, codec.Attribute("over UDP"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		reply, err := codec.Exchange(ctx, packet, to)
		cancel()
		if err != nil || reply.Code != codec.CodeAccountingResponse || k.count() != n+1 {
			t.Errorf("%s: %v, %v, %d records", to, reply, err, k.count())
		}
	}
	if err := s.Shutdown(t.Context()); err != nil { // an answer is counted when it has left
		t.Error(err)
	}
	if st, ok := s.Status(t.Context()).(Status); !ok || len(st.AccountingListeners) != 2 || st.Accounting["vpn"].Responses != 2 {
		t.Errorf("%+v", st)
	}
}

// A port that is taken is no reason not to serve logins, unless it was asked for.
func TestTakenAccountingPort(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, optional := range []bool{false, true} {
		var log bytes.Buffer
		b := newBench(t, &logins{}, func(cfg *Config, _ *Client) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			cfg.Accounting = Accounting{Listen: []string{taken.LocalAddr().String()}, Optional: optional}
		})
		err := b.Start()
		if (err == nil) != optional || !optional && !strings.Contains(err.Error(), "accounting on "+taken.LocalAddr().String()) {
			t.Errorf("optional %v: %v", optional, err)
		}
		if err != nil {
			continue
		}
		if !strings.Contains(log.String(), "accounting is not answered") || len(b.AccountingAddrs()) != 0 || b.Ready(t.Context()) != nil {
			t.Errorf("%s", log.String())
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestDefaultAccountingIsTheNextPort(t *testing.T) {
	for listen, want := range map[string]string{
		"0.0.0.0:1812":                     "0.0.0.0:1813",
		"[::]:1812 192.0.2.1:1645":         "[::]:1813 192.0.2.1:1646",
		"127.0.0.1:0":                      "127.0.0.1:0",
		"0.0.0.0:1812 0.0.0.0:1813":        "0.0.0.0:1814",
		"192.0.2.1:1812 0.0.0.0:1813":      "0.0.0.0:1814",
		"127.0.0.1:65535":                  "",
		"localhost:1812":                   "",
		"192.0.2.1:21812 [2001:db8::1]:99": "192.0.2.1:21813 [2001:db8::1]:100",
	} {
		if got := strings.Join(DefaultAccounting(strings.Fields(listen)), " "); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
	faulty := Config{Listen: []string{"0.0.0.0:1812"}, Accounting: Accounting{Listen: []string{"127.0.0.1:1812", "localhost:1"}}}
	err := faulty.Validate()
	if err == nil || strings.Count(err.Error(), "accounting_listen: ") != 2 || !strings.Contains(err.Error(), "would take the same packets") {
		t.Errorf("%v", err)
	}
}
