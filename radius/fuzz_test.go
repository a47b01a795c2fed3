package radius

import (
	"bytes"
	"context"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// FuzzPacket sends datagrams through the whole path, once as they are and once signed, so that the
// fuzzer gets behind the Message-Authenticator. Whatever comes back must be a reply that a strict
// client believes, and it must not take more room than a packet has.
func FuzzPacket(f *testing.F) {
	f.Add(request(f, 1, aliceMessage()))
	f.Add(request(f, 2, Message{Username: "alice", State: "s", Password: "755224", Action: login.ActionResend}))
	f.Add(request(f, 3, Message{Status: true}))
	f.Add(handmade(f, 1, 4, pap(f, 4, "p"), avp(rfc2865.ProxyState_Type, "1"), unsignedMA()))
	f.Add(handmade(f, 1, 5, avp(rfc2865.CHAPPassword_Type, strings.Repeat("c", 17))))
	f.Add(handmade(f, 1, 6, unsignedMA(), avp(rfc2865.VendorSpecific_Type, "\x00\x00\x01\x37\x01\x04xx")))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		b := newBench(t, echoing(), func(_ *Config, c *Client) {
			c.MessageAuthenticator, c.ProxyStateLimit, c.UI = RuleOptional, maxAttributes, true
		})
		b.exchange(datagram)
		signed := bytes.Clone(datagram)
		if packet, ok := cut(signed); ok {
			if o, why := read(packet); why == "" && o.ma != 0 && !o.badMA {
				sum := testKey.messageAuthenticator(packet, o.auth, o.ma)
				copy(packet[o.ma:], sum[:])
			}
		}
		checkDecode(t, signed)
		replies := b.exchange(signed)
		for _, reply := range replies {
			if _, _, err := verify(testKey, datagram, reply, true); err != nil {
				t.Errorf("reply %x: %v", reply, err)
			}
		}
		if n := b.vpn().Dropped[DropPanic]; n != 0 {
			t.Errorf("%d panics", n)
		}
	})
}

// checkDecode checks that our decoder, which copies nothing, finds what the codec finds.
func checkDecode(t *testing.T, datagram []byte) {
	t.Helper()
	packet, ok := cut(datagram)
	if !ok {
		return
	}
	o, why := read(packet)
	want, err := codec.Parse(packet, testKey.secret)
	if (why == DropMalformed) != (err != nil) {
		t.Fatalf("read says %q, the codec %v", why, err)
	}
	if why != "" {
		return
	}
	got := o.decode(packet, testKey.secret)
	if len(got.Attributes) != len(want.Attributes) || got.Code != want.Code || got.Identifier != want.Identifier || got.Authenticator != want.Authenticator {
		t.Fatalf("decoded %+v, want %+v", got, want)
	}
	for i, a := range got.Attributes {
		if w := want.Attributes[i]; a.Type != w.Type || !bytes.Equal(a.Attribute, w.Attribute) {
			t.Errorf("attribute %d is %v, want %v", i, a, w)
		}
	}
}

// echoing is a Logins that puts what it was asked into every part of its replies.
func echoing() *logins {
	reply := func(verdict login.Verdict, text string) (login.Reply, error) {
		return login.Reply{
			Verdict: verdict, Message: text, State: "s" + text, Factor: text,
			Prompt: login.Prompt{OTPAuthURI: login.Secret(text), SecretKey: login.Secret(text), Choices: []string{text}},
		}, nil
	}
	return &logins{
		begin: func(_ context.Context, r login.Request) (login.Reply, error) {
			return reply(login.Challenge, r.Username+r.Password)
		},
		resume: func(_ context.Context, a login.Answer) (login.Reply, error) {
			return reply(login.Accept, a.Username+a.Text+string(a.Action))
		},
		vouch: func(state, _ string) bool { return len(state)%2 == 0 },
	}
}

// FuzzHidden checks that hiding and revealing are inverse, and that revealing takes anything.
func FuzzHidden(f *testing.F) {
	f.Add([]byte("JBSW Y3DP"), []byte{0x80, 1}, []byte("secret"))
	f.Add(bytes.Repeat([]byte("x"), 600), []byte(nil), []byte("s"))
	f.Add([]byte(nil), []byte("0123456789abcdef"), []byte("s"))
	f.Fuzz(func(t *testing.T, text, noise, secret []byte) {
		if len(secret) == 0 || len(text) > 2000 {
			return
		}
		auth := [authSize]byte{1, 2, 3}
		w := newSigner(login.Secret(secret)).write(codec.CodeAccessChallenge, 1, auth, DefaultVendorID)
		w.hidden(attrOTPAuthURI, login.Secret(text))
		p := finished(t, w)
		if got, err := revealText(p, DefaultVendorID, attrOTPAuthURI, auth); err != nil || got != login.Secret(text) {
			t.Errorf("%q came back as %q (%v)", text, got.Reveal(), err)
		}
		w = newSigner(login.Secret(secret)).write(codec.CodeAccessChallenge, 1, auth, DefaultVendorID)
		w.octets(rfc2865.VendorSpecific_Type, noise[:min(len(noise), maxValue)])
		w.vendorText(attrSecretKey, string(noise[:min(len(noise), maxVendorValue)]))
		p = finished(t, w)
		if got, err := revealText(p, DefaultVendorID, attrSecretKey, auth); err == nil && len(got) > len(noise) {
			t.Errorf("%d octets were revealed of %d", len(got), len(noise))
		}
		checkPassword(t, text, secret, auth)
		if plain, err := revealPassword(noise, secret, auth); err == nil && len(plain) > len(noise) {
			t.Errorf("a password of %d octets from %d", len(plain), len(noise))
		}
	})
}

// finished ends a packet and decodes it.
func finished(t *testing.T, w *writer) *codec.Packet {
	t.Helper()
	secret := w.key.secret
	packet, err := w.finish()
	if err != nil {
		t.Fatal(err)
	}
	p, err := codec.Parse(packet, secret)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkPassword checks that a password is revealed as it was hidden, but for trailing padding.
func checkPassword(t *testing.T, password, secret []byte, auth [authSize]byte) {
	t.Helper()
	hidden, err := codec.NewUserPassword(password, secret, auth[:])
	if err != nil {
		if len(password) <= maxPassword {
			t.Error(err)
		}
		return
	}
	got, err := revealPassword(hidden, secret, auth)
	if err != nil || !bytes.Equal(got, bytes.TrimRight(password, "\x00")) {
		t.Errorf("password %q came back as %q (%v)", password, got, err)
	}
}

// FuzzReply checks that a Caller survives anything, and believes nothing that is not signed.
func FuzzReply(f *testing.F) {
	req := request(f, 1, aliceMessage())
	f.Add([]byte("\x02\x01\x00\x14" + strings.Repeat("x", 16)))
	f.Add([]byte("\x0b\x01\x00\x26" + strings.Repeat("x", 16) + "\x50\x12" + strings.Repeat("y", 16)))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if _, _, err := verify(testKey, req, datagram, false); err == nil {
			t.Fatal("a reply that nobody signed was believed")
		}
		packet, ok := cut(bytes.Clone(datagram))
		if !ok {
			return
		}
		sum := testKey.responseAuthenticator(packet, authenticatorOf(req))
		copy(packet[4:], sum[:])
		if packet, o, err := verify(testKey, req, packet, false); err == nil {
			if r, err := decode(testKey, req, packet, o, DefaultVendorID); err == nil && r.Packet == nil {
				t.Error("a response without a packet")
			}
		}
	})
}
