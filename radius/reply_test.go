package radius

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// registering is the largest challenge of a login.
func registering() login.Reply {
	return login.Reply{
		Verdict: login.Challenge, Code: login.CodeOTPInvalid, Factor: "totp", State: strings.Repeat("s", 128),
		Message: strings.Repeat("m", 200),
		Prompt: login.Prompt{
			Step: login.StepRegisterTOTP, Echo: true, Expires: 599*time.Second + 900*time.Millisecond, AttemptsLeft: 2,
			MaskedAddress: "a***e@example.org", ResendAfter: 1500 * time.Millisecond, Choices: []string{"totp", "email"},
			OTPAuthURI: login.Secret("otpauth://totp/Corp:alice?secret=" + strings.Repeat("JBSWY3DP", 30)),
			SecretKey:  "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
		},
	}
}

// serveReply lets a client ask, and returns the request and the reply to it.
func serveReply(t *testing.T, rep login.Reply, ui bool) (req, reply []byte) {
	t.Helper()
	return serveReplyTo(t, rep, func(_ *Config, c *Client) { c.UI = ui })
}

// serveReplyTo lets a client of that kind ask, and returns the request and the reply to it.
func serveReplyTo(t *testing.T, rep login.Reply, kind func(*Config, *Client)) (req, reply []byte) {
	t.Helper()
	calls := 0
	b := newBench(t, &logins{begin: replying(&calls, rep)}, kind)
	req = handmade(t, 1, 1, unsignedMA(), pap(t, 1, "p"),
		avp(rfc2865.ProxyState_Type, "first"), avp(rfc2865.UserName_Type, "echo-me"), avp(rfc2865.ProxyState_Type, "second"))
	replies := b.exchange(req)
	if len(replies) != 1 {
		t.Fatalf("%d replies, dropped %v", len(replies), b.vpn().Dropped)
	}
	return req, replies[0]
}

func types(r *Response) (list []codec.Type) {
	for _, a := range r.Packet.Attributes {
		list = append(list, a.Type)
	}
	return list
}

func TestReplyHoldsWhatItsKindMay(t *testing.T) {
	const ma, message, state = rfc2869.MessageAuthenticator_Type, rfc2865.ReplyMessage_Type, rfc2865.State_Type
	const proxy, prompt, timeout = rfc2865.ProxyState_Type, rfc2869.Prompt_Type, rfc2865.SessionTimeout_Type
	for verdict, want := range map[login.Verdict][]codec.Type{
		login.Accept:    {ma, message, proxy, proxy},
		login.Reject:    {ma, message, proxy, proxy},
		login.Challenge: {ma, message, state, prompt, timeout, proxy, proxy},
	} {
		rep := registering()
		rep.Verdict = verdict
		req, reply := serveReply(t, rep, false)
		r := open(t, req, reply)
		if got := types(r); !slices.Equal(got, want) {
			t.Errorf("%v: attributes %v, want %v", verdict, got, want)
		}
		var states []string
		for _, a := range r.Packet.Attributes {
			if a.Type == proxy {
				states = append(states, string(a.Attribute))
			}
		}
		if !slices.Equal(states, []string{"first", "second"}) {
			t.Errorf("%v: Proxy-State %q", verdict, states)
		}
		if strings.Contains(string(reply), "echo-me") {
			t.Errorf("%v: the reply repeats the user's name", verdict)
		}
	}
}

func TestUIAttributesRoundTrip(t *testing.T) {
	sent := registering()
	req, reply := serveReply(t, sent, true)
	if len(reply) >= goodReply {
		t.Errorf("the largest challenge has %d octets, want less than %d", len(reply), goodReply)
	}
	want := sent
	want.Prompt.Expires = 599 * time.Second   // rounded down
	want.Prompt.ResendAfter = 2 * time.Second // rounded up
	if got := open(t, req, reply).Reply; !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	for _, secret := range []login.Secret{sent.Prompt.OTPAuthURI, sent.Prompt.SecretKey} {
		if strings.Contains(string(reply), secret.Reveal()[:20]) {
			t.Error("a secret can be read on the wire")
		}
	}
}

// Session-Timeout 0 means "no limit" to some clients, and "over" to others.
func TestChallengeThatEndsSoonHasASecond(t *testing.T) {
	for expires, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Second, 999 * time.Millisecond: time.Second, time.Second: time.Second,
		2*time.Second - 1: time.Second, 2 * time.Second: 2 * time.Second,
	} {
		rep := login.Reply{Verdict: login.Challenge, Message: "m", State: "s", Prompt: login.Prompt{Expires: expires}}
		req, reply := serveReply(t, rep, false)
		if got := open(t, req, reply).Prompt.Expires; got != want {
			t.Errorf("%v was sent as %v, want %v", expires, got, want)
		}
	}
}

func TestHiddenAttributesFitAndHaveTheirOwnSalt(t *testing.T) {
	req, reply := serveReply(t, registering(), true)
	r := open(t, req, reply)
	salts := make(map[string]bool)
	hidden := append(values(r.Packet, DefaultVendorID, attrOTPAuthURI), values(r.Packet, DefaultVendorID, attrSecretKey)...)
	if len(hidden) != 3 {
		t.Fatalf("%d hidden attributes, want the URI in two and the key in one", len(hidden))
	}
	for _, v := range hidden {
		if len(v) > maxVendorValue || v[0]&0x80 == 0 || salts[string(v[:2])] {
			t.Errorf("attribute of %d octets with salt %x", len(v), v[:2])
		}
		salts[string(v[:2])] = true
	}
}

func TestAcceptTellsUIClientsHowItCame(t *testing.T) {
	rep := login.Reply{Verdict: login.Accept, Code: login.CodeAccepted, Message: "Welcome.", Factor: "totp", Registered: true}
	req, reply := serveReply(t, rep, true)
	if got := open(t, req, reply).Reply; !reflect.DeepEqual(got, rep) {
		t.Errorf("read %+v, want %+v", got, rep)
	}
}

func TestRejectTellsUIClientsTheCodeOnly(t *testing.T) {
	rep := registering()
	rep.Verdict = login.Reject
	req, reply := serveReply(t, rep, true)
	want := login.Reply{Verdict: login.Reject, Code: rep.Code, Message: rep.Message}
	if got := open(t, req, reply).Reply; !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestLongMessageIsSplitBetweenCharacters(t *testing.T) {
	for _, message := range []string{strings.Repeat("x", 253), strings.Repeat("x", 254), "x" + strings.Repeat("ü", 300), strings.Repeat("€", 200)} {
		req, reply := serveReplyTo(t, login.Reply{Message: message}, func(_ *Config, c *Client) { c.Prompts = PromptsUTF8 })
		r := open(t, req, reply)
		if r.Message != message {
			t.Errorf("%d octets came back as %d", len(message), len(r.Message))
		}
		for _, part := range r.Messages {
			if !utf8.ValidString(part) {
				t.Errorf("a character was cut: %q", part)
			}
		}
	}
}

func TestReplyAlwaysHasAMessage(t *testing.T) {
	req, reply := serveReply(t, login.Reply{}, false)
	if r := open(t, req, reply); r.Verdict != login.Reject || r.Message == "" {
		t.Errorf("the zero reply is %v %q", r.Verdict, r.Message)
	}
}

func TestUnusableRepliesAreDropped(t *testing.T) {
	for name, rep := range map[string]login.Reply{
		"challenge without State": {Verdict: login.Challenge, Message: "m"},
		"State too long":          {Verdict: login.Challenge, Message: "m", State: strings.Repeat("s", 254)},
		"attribute too long":      {Verdict: login.Challenge, Message: "m", State: "s", Factor: strings.Repeat("f", 248)},
		"reply above 4096 octets": {Message: strings.Repeat("m", 4200)},
	} {
		calls := 0
		b := newBench(t, &logins{begin: replying(&calls, rep)}, func(_ *Config, c *Client) { c.UI = true })
		if b.exchange(request(t, 1, aliceMessage())); len(b.wire.replies()) != 0 {
			t.Errorf("%s: was sent", name)
		}
		b.wantDrops(t, DropReply, 1)
	}
}

func TestOversizedRepliesAreCounted(t *testing.T) {
	calls := 0
	b := newBench(t, &logins{begin: replying(&calls, login.Reply{Message: strings.Repeat("m", 1100)})}, nil)
	if b.exchange(request(t, 1, aliceMessage())); b.vpn().Oversized != 1 || b.vpn().Rejects != 1 {
		t.Errorf("counted %+v", b.vpn())
	}
}
