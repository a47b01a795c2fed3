package radius

import (
	"context"
	"reflect"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// asked is a Logins that keeps what it was asked.
func asked(begun *login.Request, continued *login.Answer) *logins {
	return &logins{
		begin: func(_ context.Context, r login.Request) (login.Reply, error) {
			*begun = r
			return login.Reply{Verdict: login.Challenge, State: "next", Message: "Code: "}, nil
		},
		resume: func(_ context.Context, a login.Answer) (login.Reply, error) {
			*continued = a
			return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
		},
	}
}

func TestRequestWithoutStateBegins(t *testing.T) {
	var begun login.Request
	var tagged [][]byte
	b := newBench(t, asked(&begun, nil), func(c *Config, cl *Client) {
		cl.UI, cl.Mode, cl.AppendDigits, cl.Language, cl.Profile = true, login.ModeAppend, 6, "ar", login.ProfileASASDI
		c.Tag = func(parts ...[]byte) login.Tag { tagged = parts; return login.Tag{7} }
	})
	packet := request(t, 1, Message{Username: "alice", Password: "wonderland-1", CallingStationID: "198.51.100.9"})
	b.exchange(packet)
	want := login.Request{
		Origin: login.Origin{
			Client: "vpn", Policy: "staff", UI: true, Address: testFrom.Addr(),
			CallingStationID: "198.51.100.9", RequestKey: login.Tag{7},
			Mode: login.ModeAppend, AppendDigits: 6, Language: "ar", Profile: login.ProfileASASDI,
		},
		Username: "alice", Password: "wonderland-1",
	}
	if begun != want {
		t.Errorf("began with %+v, want %+v", begun, want)
	}
	if len(tagged) != 2 || string(tagged[0]) != "vpn" || string(tagged[1]) != string(packet) {
		t.Error("the tag is not that of client and packet")
	}
}

func TestRequestWithStateContinues(t *testing.T) {
	for name, tt := range map[string]struct {
		message      Message
		text, action string
	}{
		"answer":                  {Message{Username: "alice", State: "s", Password: "755224"}, "755224", ""},
		"empty answer":            {Message{Username: "alice", State: "s"}, "", ""},
		"action without password": {Message{Username: "alice", State: "s", NoPassword: true, Action: login.ActionResend}, "", "resend"},
		"action and answer":       {Message{Username: "alice", State: "s", Password: "email", Action: login.ActionUseFactor}, "email", "use-factor"},
	} {
		var continued login.Answer
		b := newBench(t, asked(nil, &continued), nil)
		packet := request(t, 1, tt.message)
		replies := b.exchange(packet)
		if continued.Username != "alice" || continued.State != "s" || continued.Text != tt.text || string(continued.Action) != tt.action {
			t.Errorf("%s: continued with %+v", name, continued)
		}
		if continued.Client != "vpn" || len(replies) != 1 {
			t.Errorf("%s: client %q, %d replies", name, continued.Client, len(replies))
		}
	}
}

// An empty State is a State: taking the request for a new login would judge a code as a password.
func TestEmptyStateIsNoNewLogin(t *testing.T) {
	var continued login.Answer
	b := newBench(t, asked(nil, &continued), nil)
	b.exchange(handmade(t, 1, 1, unsignedMA(), avp(rfc2865.State_Type, ""), pap(t, 1, "755224")))
	if continued.Text != "755224" {
		t.Errorf("continued with %+v", continued)
	}
}

// radcli sends a User-Password without octets when a person types nothing: an empty answer.
func TestPasswordWithoutOctetsIsEmpty(t *testing.T) {
	begun, continued := login.Request{Password: "unset"}, login.Answer{Text: "unset"}
	name, nothing := avp(rfc2865.UserName_Type, "alice"), avp(rfc2865.UserPassword_Type, "")
	b := newBench(t, asked(&begun, &continued), nil)
	b.exchange(handmade(t, 1, 1, unsignedMA(), name, nothing))
	b.exchange(handmade(t, 1, 2, unsignedMA(), name, avp(rfc2865.State_Type, "s"), nothing))
	if begun.Password != "" || begun.Username != "alice" || continued.Text != "" || continued.State != "s" {
		t.Errorf("began with %+v, continued with %+v", begun, continued)
	}
}

func TestRequestsThatAreNoLoginAreRejected(t *testing.T) {
	name, password := avp(rfc2865.UserName_Type, "alice"), pap(t, 1, "p")
	chap := avp(rfc2865.CHAPPassword_Type, strings.Repeat("c", 17))
	state := avp(rfc2865.State_Type, "s")
	microsoft := func(number byte) *codec.AVP {
		return avp(rfc2865.VendorSpecific_Type, "\x00\x00\x01\x37"+string([]byte{number, 4})+"xx")
	}
	for what, tt := range map[string]struct {
		list []*codec.AVP
		code login.Code
		text string
	}{
		"CHAP":                  {[]*codec.AVP{name, chap}, login.CodeNotPermitted, login.MessageNeedsPAP},
		"CHAP and PAP":          {[]*codec.AVP{name, chap, password}, login.CodeNotPermitted, login.MessageNeedsPAP},
		"CHAP with State":       {[]*codec.AVP{name, chap, state}, login.CodeNotPermitted, login.MessageNeedsPAP},
		"MS-CHAP":               {[]*codec.AVP{name, microsoft(1)}, login.CodeNotPermitted, login.MessageNeedsPAP},
		"MS-CHAPv2":             {[]*codec.AVP{name, microsoft(25)}, login.CodeNotPermitted, login.MessageNeedsPAP},
		"EAP":                   {[]*codec.AVP{name, avp(rfc2869.EAPMessage_Type, "\x02\x00\x00\x05\x01")}, login.CodeNotPermitted, ""},
		"no password, no State": {[]*codec.AVP{name}, login.CodeNotPermitted, login.MessageNoPassword},
		"two passwords":         {[]*codec.AVP{name, password, password}, login.CodeNotPermitted, login.MessageMalformed},
		"two names":             {[]*codec.AVP{name, name, password}, login.CodeNotPermitted, login.MessageMalformed},
		"two States":            {[]*codec.AVP{name, password, state, state}, login.CodeStateInvalid, login.MessageMalformed},
		"password of 15 octets": {[]*codec.AVP{name, avp(rfc2865.UserPassword_Type, "123456789012345")}, login.CodeNotPermitted, login.MessageMalformed},
		"password of 144":       {[]*codec.AVP{name, avp(rfc2865.UserPassword_Type, strings.Repeat("x", 144))}, login.CodeNotPermitted, login.MessageMalformed},
		"authorize only":        {[]*codec.AVP{name, state, avp(rfc2865.ServiceType_Type, "\x00\x00\x00\x11")}, login.CodeNotPermitted, login.MessageMalformed},
	} {
		var events []login.Event
		b := newBench(t, &logins{}, func(cfg *Config, c *Client) {
			c.UI, cfg.Refused = true, func(e login.Event) { events = append(events, e) }
		})
		packet := handmade(t, 1, 1, append([]*codec.AVP{unsignedMA()}, tt.list...)...)
		replies := b.exchange(packet)
		if len(replies) != 1 {
			t.Errorf("%s: %d replies, dropped %v", what, len(replies), b.vpn().Dropped)
			continue
		}
		if r := open(t, packet, replies[0]); r.Verdict != login.Reject || r.Code != tt.code || r.Message != tt.text {
			t.Errorf("%s: %v %s %q", what, r.Verdict, r.Code, r.Message)
		}
		if len(events) != 1 || events[0].Reason == "" {
			t.Errorf("%s: the audit has %+v, want one event with its reason", what, events)
			continue
		}
		events[0].Reason = ""
		want := login.Event{
			Time: b.clock.Now(), Client: "vpn", Policy: "staff", Address: testFrom.Addr(), Username: "alice",
			Answered: true, Verdict: login.Reject, Code: tt.code,
		}
		if !reflect.DeepEqual(events[0], want) {
			t.Errorf("%s: the audit has %+v, want %+v", what, events[0], want)
		}
	}
}

// What Logins decide, they audit themselves: one verdict, one event.
func TestAskedRequestsAreNotAuditedTwice(t *testing.T) {
	calls := 0
	for _, begin := range []func(context.Context, login.Request) (login.Reply, error){
		replying(&calls, login.Reply{Message: "No."}), outage(&calls),
	} {
		b := newBench(t, &logins{begin: begin}, func(cfg *Config, c *Client) {
			c.OnOutage = OutageReject
			cfg.Refused = func(e login.Event) { t.Errorf("the audit has %+v", e) }
		})
		if replies := b.exchange(request(t, 1, aliceMessage())); len(replies) != 1 {
			t.Errorf("%d replies", len(replies))
		}
	}
	if calls != 2 {
		t.Errorf("asked %d times", calls)
	}
}

func TestLoginsLearnWhetherAnOutageIsAReject(t *testing.T) {
	for rule, want := range map[Outage]bool{OutageSilent: false, OutageReject: true} {
		var begun login.Request
		b := newBench(t, asked(&begun, nil), func(_ *Config, c *Client) { c.OnOutage = rule })
		if b.exchange(request(t, 1, aliceMessage())); begun.RejectOnOutage != want {
			t.Errorf("rule %d: RejectOnOutage is %v", rule, begun.RejectOnOutage)
		}
	}
}

func TestPasswordsAreTakenAsTheyAre(t *testing.T) {
	for sent, want := range map[string]string{
		"wonderland-1":           "wonderland-1",
		"":                       "",
		"exactly 16 octet":       "exactly 16 octet",
		strings.Repeat("x", 128): strings.Repeat("x", 128),
		"gr\xfc\xdfe":            "grüße", // ISO 8859-1
		"grüße":                  "grüße",
		"spaces, at the end   ":  "spaces, at the end   ",
		"padding is cut\x00\x00": "padding is cut",
	} {
		var begun login.Request
		b := newBench(t, asked(&begun, nil), nil)
		b.exchange(request(t, 1, Message{Username: "alice", Password: login.Secret(sent)}))
		if begun.Password != want {
			t.Errorf("%q arrived as %q, want %q", sent, begun.Password, want)
		}
	}
}

// TestR5Charset: what is not UTF-8 is Windows-1252, of which ISO 8859-1 is the printable part.
func TestR5Charset(t *testing.T) {
	for _, tt := range []struct {
		charset   Charset
		raw, want string
	}{
		{CharsetAuto, "\xe4", "ä"}, {CharsetAuto, "ä", "ä"},
		{CharsetUTF8, "\xe4", "\xe4"}, {CharsetUTF8, "ä", "ä"},
		{CharsetLatin1, "\xe4", "ä"}, {CharsetLatin1, "ä", "Ã¤"},
		{CharsetAuto, "10\x80", "10€"}, {CharsetLatin1, "10\x80", "10€"}, {CharsetUTF8, "10\x80", "10\x80"},
		{CharsetAuto, "\x93Caf\xe9\x94\x96\x9f", "“Café”–Ÿ"}, {CharsetLatin1, "\x8a\x9a\x8e\x9e\x8c\x9c", "ŠšŽžŒœ"},
		{CharsetAuto, "\xa0\xff", "\u00a0ÿ"}, {CharsetLatin1, "a\x81", "a\uFFFD"}, {CharsetAuto, "€\x80", "â‚¬€"},
	} {
		if got := tt.charset.text([]byte(tt.raw)); got != tt.want {
			t.Errorf("charset %d: %q is %q, want %q", tt.charset, tt.raw, got, tt.want)
		}
	}
}

// TestR5InsideAStaticChallenge: the halves of OpenVPN's SCRV1 are in the person's character set, and are checked as a
// whole password is.
func TestR5InsideAStaticChallenge(t *testing.T) {
	for password, want := range map[string]string{
		"Gr\xfc\xdfe\x80-1": "Grüße€-1", "Grüße€-1": "Grüße€-1", "plain": "plain", "a\x01b": "", "a\x00b": "", "a\x81": "",
	} {
		var begun login.Request
		b := newBench(t, asked(&begun, nil), func(_ *Config, c *Client) { c.Mode = login.ModeAppend })
		b.exchange(request(t, 1, Message{Username: "alice", Password: login.Secret(login.JoinStatic(password, "123456"))}))
		got, code, ok := login.SplitStatic(begun.Password)
		if got != want || ok != (want != "") || ok && code != "123456" {
			t.Errorf("%q arrived as %q, %q, %v; want %q", password, got, code, ok, want)
		}
	}
}
