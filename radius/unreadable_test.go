package radius

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// hiding is a User-Password under a shared secret, in a packet with this Request Authenticator.
func hiding(t testing.TB, secret login.Secret, password string, auth [authSize]byte) *codec.AVP {
	t.Helper()
	hidden, err := codec.NewUserPassword([]byte(password), []byte(secret.Reveal()), auth[:])
	if err != nil {
		t.Fatal(err)
	}
	return &codec.AVP{Type: rfc2865.UserPassword_Type, Attribute: hidden}
}

// TestR2GarbageIsAskedOfNobody has a client that signs nothing and has another shared secret, with each
// character set and mode, at the first request and at an answer.
func TestR2GarbageIsAskedOfNobody(t *testing.T) {
	const tries = 1000
	for _, tt := range []struct {
		charset Charset
		mode    login.Mode
		state   string
		most    int // how many of the tries may look like a password by chance
		code    login.Code
		text    string
	}{
		{CharsetAuto, login.ModeChallenge, "", 2, login.CodePasswordInvalid, "Wrong username or password."},
		{CharsetLatin1, login.ModeChallenge, "", 2, login.CodePasswordInvalid, "Wrong username or password."},
		{CharsetUTF8, login.ModeChallenge, "", 2, login.CodePasswordInvalid, "Wrong username or password."},
		{CharsetAuto, login.ModeAppend, "", 2, login.CodePasswordInvalid, "Wrong username, password or code."},
		{CharsetAuto, login.ModeOTPOnly, "", 2, login.CodePasswordInvalid, "Wrong username, password or code."},
		{CharsetAuto, login.ModeChallenge, "s", 2, login.CodeOTPInvalid, "Wrong code."},
		{CharsetUTF8, login.ModeChallenge, "s", 2, login.CodeOTPInvalid, "Wrong code."},
	} {
		t.Run(fmt.Sprintf("charset %d, mode %d, state %q", tt.charset, tt.mode, tt.state), func(t *testing.T) {
			r := rand.New(rand.NewSource(1))
			asked := 0
			wrong := login.Reply{Message: "Wrong username or password."}
			l := &logins{begin: replying(&asked, wrong), resume: func(context.Context, login.Answer) (login.Reply, error) {
				asked++
				return wrong, nil
			}}
			var log bytes.Buffer
			var events []login.Event
			b := newBench(t, l, func(cfg *Config, c *Client) {
				cfg.Logger, cfg.Refused = slog.New(slog.NewTextHandler(&log, nil)), func(e login.Event) { events = append(events, e) }
				c.Charset, c.Mode, c.UI = tt.charset, tt.mode, true
			})
			for n := range tries {
				p := codec.Packet{Code: codec.CodeAccessRequest, Identifier: byte(n)}
				r.Read(p.Authenticator[:])
				p.Attributes = codec.Attributes{
					avp(rfc2865.UserName_Type, fmt.Sprintf("user%d", n%3)), hiding(t, "another-shared-secret", "wonderland-1", p.Authenticator),
				}
				if tt.state != "" {
					p.Attributes = append(p.Attributes, avp(rfc2865.State_Type, tt.state))
				}
				packet, err := p.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				before := asked
				replies := b.exchange(packet)
				if asked > before {
					continue
				}
				if reply := open(t, packet, replies[len(replies)-1]); reply.Verdict != login.Reject || reply.Code != tt.code || reply.Message != tt.text {
					t.Fatalf("%v, %s: %q", reply.Verdict, reply.Code, reply.Message)
				}
				b.clock.advance(100 * time.Millisecond)
			}
			if asked > tt.most {
				t.Errorf("%d of %d were asked about, want at most %d", asked, tries, tt.most)
			}
			if got := b.vpn().Unreadable; got != uint64(tries-asked) || len(events) != tries-asked {
				t.Errorf("%d counted and %d in the audit, want %d", got, len(events), tries-asked)
			}
			for _, e := range events {
				if !strings.HasSuffix(e.Reason, "the shared secrets may differ") || e.Code != tt.code {
					t.Fatalf("the audit has %+v", e)
				}
			}
			if got := strings.Count(log.String(), "the shared secrets may differ"); got != 2 {
				t.Errorf("%d lines in 100 seconds, want one a minute:\n%s", got, log.String())
			}
		})
	}
}

// TestR2WhatCannotBeAPassword: with a Message-Authenticator the secret is right, so nothing is said of it,
// and an answer goes to the login, which asks again.
func TestR2WhatCannotBeAPassword(t *testing.T) {
	const nul, control, charset = "holds a NUL", "control characters", "is not UTF-8"
	for _, tt := range []struct {
		password string
		charset  Charset
		mode     login.Mode
		why      string
	}{
		{"right\x00anything", CharsetAuto, login.ModeChallenge, nul},
		{"\x00x", CharsetLatin1, login.ModeChallenge, nul},
		{"right\x00anything", CharsetUTF8, login.ModeAppend, nul},
		{"pass\x01word", CharsetAuto, login.ModeChallenge, control},
		{"pass\tword", CharsetAuto, login.ModeChallenge, control},
		{"password\n", CharsetUTF8, login.ModeChallenge, control},
		{"pass\x7fword", CharsetUTF8, login.ModeChallenge, control},
		{"\x81", CharsetLatin1, login.ModeChallenge, "no characters"},
		{"pass\x9dword", CharsetAuto, login.ModeChallenge, "no characters"},
		{"\x80\x9f", CharsetLatin1, login.ModeChallenge, ""},
		{"a\ufffdb", CharsetUTF8, login.ModeChallenge, ""},
		{"pass\u0085word", CharsetUTF8, login.ModeChallenge, control},
		{"gr\xfc\xdfe", CharsetUTF8, login.ModeChallenge, charset},
		{"password,123\x01456", CharsetAuto, login.ModeAppend, control},
		{"gr\xfc\xdfe", CharsetAuto, login.ModeChallenge, ""},
		{"gr\xfc\xdfe", CharsetLatin1, login.ModeChallenge, ""},
		{"grüße", CharsetUTF8, login.ModeChallenge, ""},
		{"\xa0\xff\xa4", CharsetLatin1, login.ModeChallenge, ""},
		{"пароль", CharsetAuto, login.ModeChallenge, ""},
		{"password,123456\r\n", CharsetAuto, login.ModeAppend, ""},
		{"123\t456\n", CharsetAuto, login.ModeOTPOnly, ""},
		{"", CharsetUTF8, login.ModeChallenge, ""},
	} {
		for _, signed := range []bool{false, true} {
			asked := 0
			var log bytes.Buffer
			var events []login.Event
			b := newBench(t, &logins{begin: replying(&asked, login.Reply{Message: "No."})}, func(cfg *Config, c *Client) {
				cfg.Logger, cfg.Refused = slog.New(slog.NewTextHandler(&log, nil)), func(e login.Event) { events = append(events, e) }
				c.Charset, c.Mode = tt.charset, tt.mode
			})
			make := packets{t: t}
			b.exchange(make.of(senderOf{signs: signed}, tt.password, ""))
			if (asked == 1) != (tt.why == "") {
				t.Errorf("%q, charset %d: asked %d times", tt.password, tt.charset, asked)
			}
			if tt.why == "" {
				continue
			}
			if len(events) != 1 || !strings.Contains(events[0].Reason, tt.why) || strings.Contains(events[0].Reason, "secrets") == signed {
				t.Errorf("%q, charset %d, signed %v: the audit has %+v", tt.password, tt.charset, signed, events)
			}
			if got := b.vpn().Unreadable; (got > 0) == signed || strings.Contains(log.String(), "secrets may differ") == signed {
				t.Errorf("%q, signed %v: counted %d, logged %q", tt.password, signed, got, log.String())
			}
			if strings.Contains(log.String(), "anything") || len(events) == 1 && strings.Contains(events[0].Reason, "anything") {
				t.Error("the password is in the log")
			}
		}
	}
	var answered login.Answer
	b := newBench(t, asked(nil, &answered), nil)
	b.exchange(request(t, 1, Message{Username: "alice", State: "s", Password: "12\x0034"}))
	if answered.Text != "12\x0034" {
		t.Errorf("a signed answer with a NUL arrived as %q", answered.Text)
	}
}

func TestC10AnEAPRequestIsRefusedWithAnEAPFailure(t *testing.T) {
	eap := func(parts ...string) (list []*codec.AVP) {
		for _, part := range parts {
			list = append(list, avp(rfc2869.EAPMessage_Type, part))
		}
		return list
	}
	for name, tt := range map[string]struct {
		list       []*codec.AVP
		identifier byte
	}{
		"identity":          {eap("\x02\x07\x00\x0a\x01alice"), 7},
		"identifier 255":    {eap("\x02\xff\x00\x05\x01"), 255},
		"another method":    {eap("\x02\x2a\x00\x06\x03\x15"), 42},
		"in parts":          {eap("\x02", "\x09\x00\x05\x01"), 9},
		"an empty part":     {eap("", "\x02\x09", "\x00\x05\x01"), 9},
		"long":              {eap("\x02\x33\x01\x00\x01"+strings.Repeat("x", 240), strings.Repeat("y", 11)), 0x33},
		"EAP-Start":         {eap(""), 0},
		"cut":               {eap("\x02"), 0},
		"beside a password": {append(eap("\x02\x08\x00\x05\x01"), pap(t, 1, "right")), 8},
		"with a State":      {append(eap("\x02\x08\x00\x05\x01"), avp(rfc2865.State_Type, "good")), 8},
	} {
		for _, ui := range []bool{false, true} {
			b := newBench(t, &logins{}, func(_ *Config, c *Client) { c.UI = ui })
			packet := handmade(t, 1, 1, append([]*codec.AVP{unsignedMA(), avp(rfc2865.ProxyState_Type, "hop")}, tt.list...)...)
			replies := b.exchange(packet)
			if len(replies) != 1 {
				t.Fatalf("%s: %d replies", name, len(replies))
			}
			r := open(t, packet, replies[0]) // verifies both authenticators
			want := string([]byte{4, tt.identifier, 0, 4})
			if got, n := only(r.Packet, rfc2869.EAPMessage_Type); r.Verdict != login.Reject || n != 1 || string(got) != want {
				t.Errorf("%s: %d EAP-Messages, %x, want %x", name, n, got, want)
			}
			if _, n := only(r.Packet, rfc2865.ReplyMessage_Type); n != 0 {
				t.Errorf("%s: a Reply-Message stands beside the EAP-Message", name)
			}
		}
	}
	calls := 0
	b := newBench(t, &logins{begin: replying(&calls, login.Reply{Message: "No."})}, nil)
	packet := request(t, 1, aliceMessage())
	if r := open(t, packet, b.exchange(packet)[0]); r.Packet.Get(rfc2869.EAPMessage_Type) != nil || r.Message != "No." {
		t.Error("a request without EAP gets an EAP-Failure")
	}
}

// TestR2ADoubtedSecretIsTrustedAgain by the first password that is right, or after a while.
func TestR2ADoubtedSecretIsTrustedAgain(t *testing.T) {
	const latin1, garbage = "gr\xfc\xdfe", "\x01garbage"
	for name, restore := range map[string]func(*bench, *packets){
		"a right password": func(b *bench, make *packets) { b.exchange(make.of(senderOf{}, "right", "")) },
		"time":             func(b *bench, _ *packets) { b.clock.advance(doubtFor) },
	} {
		asked := 0
		b := newBench(t, judging(&asked), nil)
		make := &packets{t: t}
		steps := []struct {
			packet []byte
			asked  bool
		}{
			{make.of(senderOf{}, latin1, ""), true},
			{make.of(senderOf{}, garbage, ""), false},
			{make.of(senderOf{}, latin1, ""), false},
			{make.of(senderOf{}, "grüße", ""), true},
			{make.of(senderOf{signs: true}, latin1, ""), true},
		}
		for n, s := range steps {
			before := asked
			if b.exchange(s.packet); (asked > before) != s.asked {
				t.Errorf("%s: step %d was asked about, or not", name, n)
			}
		}
		restore(b, make)
		before := asked
		if b.exchange(make.of(senderOf{}, latin1, "")); asked == before {
			t.Errorf("%s: the secret is doubted still", name)
		}
	}
}
