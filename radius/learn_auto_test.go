package radius

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// judging is a Logins to which "right" is the password and "good" a State, and which counts who was asked.
func judging(asked *int) *logins {
	return &logins{
		begin: func(_ context.Context, r login.Request) (login.Reply, error) {
			*asked++
			if r.Password != "right" {
				return login.Reply{Message: "Wrong username or password."}, nil
			}
			return login.Reply{Verdict: login.Challenge, Message: "Code:", State: "good", Proof: login.ProofSecret}, nil
		},
		resume: func(_ context.Context, a login.Answer) (login.Reply, error) {
			*asked++
			switch {
			case a.State != "good":
				return login.Reply{Message: "Log in again."}, nil
			case a.Text != "123456":
				return login.Reply{Message: "Wrong code.", Proof: login.ProofState}, nil
			}
			return login.Reply{Verdict: login.Accept, Message: "Welcome.", Proof: login.ProofLogin}, nil
		},
	}
}

// senderOf is a program behind an address of the client: what it says of itself, and whether it signs.
type senderOf struct {
	nas   string
	signs bool
}

// packets makes requests of senders, no two of which are the same.
type packets struct {
	t      testing.TB
	serial byte
}

// of makes a request; a State makes it an answer.
func (m *packets) of(s senderOf, password, state string, more ...*codec.AVP) []byte {
	m.serial++
	list := []*codec.AVP{avp(rfc2865.UserName_Type, "alice"), pap(m.t, m.serial, password)}
	if s.signs {
		list = append(list, unsignedMA())
	}
	if s.nas != "" {
		list = append(list, avp(rfc2865.NASIdentifier_Type, s.nas))
	}
	if state != "" {
		list = append(list, avp(rfc2865.State_Type, state))
	}
	return handmade(m.t, codec.CodeAccessRequest, m.serial, append(list, more...)...)
}

// arrive serves a packet from an address, learns what it teaches, and returns why it was dropped.
func (b *bench) arrive(packet []byte, from string) (why Reason) {
	before := b.vpn().Dropped
	b.receive(datagram{bytes: packet, from: netip.AddrPortFrom(netip.MustParseAddr(from), 40000), socket: b.wire})
	b.serveAll()
	b.teach()
	for reason, n := range b.vpn().Dropped {
		if n != before[reason] {
			return reason
		}
	}
	return ""
}

// lessons returns what was learned since the last call.
func (b *bench) lessons() (all []login.Lesson) {
	for len(b.memory.news) > 0 {
		all = append(all, <-b.memory.news)
	}
	return all
}

func TestS1WhatOneAddressSignsCountsForTheClient(t *testing.T) {
	const nas, old, stranger = "192.0.2.5", "192.0.2.9", "192.0.2.251"
	var asked int
	var log bytes.Buffer
	b := newBench(t, judging(&asked), func(c *Config, _ *Client) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	make := packets{t: t}
	for _, tt := range []struct {
		from            string
		signs           bool
		password, state string
		want            Reason
		what            string
	}{
		{stranger, false, "\xff garbage", "", "", "garbage before anything is known"},
		{stranger, false, "garbage", "good", "", "garbage with a State that was seen on the network"},
		{old, false, "right", "", "", "an old NAS that cannot sign"},
		{nas, true, "right", "", "", "a NAS that signs"},
		{stranger, false, "garbage", "", DropUnlearned, "garbage was no reason to go on"},
		{stranger, false, "right", "", DropUnlearned, "nor is a right password now"},
		{stranger, false, "garbage", "good", DropUnlearned, "nor a State"},
		{nas, false, "right", "", DropUnlearned, "the NAS itself signs"},
		{old, false, "right", "", "", "the old NAS goes on"},
		{old, false, "wrong", "", "", "also when somebody mistypes"},
		{"2001:db8::1", false, "right", "", DropUnlearned, "a new address of the other family"},
		{stranger, true, "right", "", "", "any address may sign"},
	} {
		if got := b.arrive(make.of(senderOf{signs: tt.signs}, tt.password, tt.state), tt.from); got != tt.want {
			t.Errorf("%s: dropped %q, want %q", tt.what, got, tt.want)
		}
	}
	if got := b.vpn().Tolerated; got != 2 {
		t.Errorf("%d requests were tolerated, want 2", got)
	}
	if got := strings.Count(log.String(), "taken although the client signs others"); got != 2 {
		t.Errorf("%d alarms in the log, want 2", got)
	}
	b.clock.advance(365 * 24 * time.Hour)
	if got := b.arrive(make.of(senderOf{}, "right", ""), "192.0.2.77"); got != DropUnlearned {
		t.Errorf("a new address a year later: dropped %q", got)
	}
}

func TestS2OnlyWhatIsNewAndRightTeaches(t *testing.T) {
	var asked int
	l := judging(&asked)
	b := newBench(t, l, nil)
	make := packets{t: t}
	signing := senderOf{signs: true}
	for _, tt := range []struct {
		what            string
		password, state string
		teaches         bool
	}{
		{"a wrong password", "wrong", "", false},
		{"a State that is none", "123456", "bad", false},
		{"a right password", "right", "", true},
		{"a valid State and a wrong code", "000000", "good", true},
		{"a valid State and a right code", "123456", "good", true},
	} {
		b.memory.known, b.memory.signs = map[sighted]login.Sighting{}, map[string]bool{}
		packet := make.of(signing, tt.password, tt.state)
		if b.arrive(packet, "192.0.2.5"); (len(b.lessons()) > 0) != tt.teaches {
			t.Errorf("%s: teaches %v, want %v", tt.what, !tt.teaches, tt.teaches)
		}
		b.memory.known = map[sighted]login.Sighting{}
		if b.arrive(packet, "192.0.2.5"); len(b.lessons()) > 0 {
			t.Errorf("%s: its duplicate teaches", tt.what)
		}
	}
}

// TestS2AReplayTeachesNothing sends a packet that was captured from everywhere, also as an old NAS that
// cannot sign.
func TestS2AReplayTeachesNothing(t *testing.T) {
	const nas, old = "192.0.2.200", "192.0.2.9"
	var asked int
	b := newBench(t, judging(&asked), nil)
	make := packets{t: t}
	b.arrive(make.of(senderOf{}, "right", ""), old)
	captured := make.of(senderOf{signs: true}, "right", "")
	b.arrive(captured, nas)
	if got := len(b.lessons()); got != 2 || asked != 2 {
		t.Fatalf("%d lessons, %d asked", got, asked)
	}
	for n := range 150 {
		b.arrive(captured, fmt.Sprintf("192.0.2.%d", n))
		b.clock.advance(10 * time.Second)
	}
	if got := b.lessons(); len(got) != 0 || asked != 2 {
		t.Errorf("learned %v, asked %d times", got, asked)
	}
	if why := b.arrive(make.of(senderOf{}, "right", ""), old); why != "" {
		t.Errorf("the old NAS is shut out: %s", why)
	}
}

func TestS2LessonsOfAClientAreBounded(t *testing.T) {
	var asked int
	b := newBench(t, judging(&asked), nil)
	make := packets{t: t}
	for n := range 250 {
		b.arrive(make.of(senderOf{signs: true}, "right", ""), fmt.Sprintf("192.0.2.%d", n))
	}
	if got := len(b.lessons()); got != lessonBurst {
		t.Errorf("%d lessons of 250 addresses, want %d", got, lessonBurst)
	}
	b.clock.advance(lessonEvery)
	b.arrive(make.of(senderOf{signs: true}, "right", ""), "192.0.2.251")
	if got := len(b.lessons()); got != 1 {
		t.Errorf("%d lessons after %v, want one", got, lessonEvery)
	}
}

func TestWhatIsKnownIsSaidAgainOnceADay(t *testing.T) {
	var asked int
	b := newBench(t, judging(&asked), nil)
	make := packets{t: t}
	for _, signs := range []bool{false, true} {
		got := 0
		for range 3 * 24 {
			b.arrive(make.of(senderOf{signs: signs}, "right", ""), "192.0.2.5")
			got += len(b.lessons())
			b.clock.advance(time.Hour)
		}
		if got != 3 {
			t.Errorf("signed %v: %d lessons in three days, want 3", signs, got)
		}
	}
}

// TestC1EAPTeachesNothing: nor does anything else that must carry a signature, or that is no login.
func TestC1EAPTeachesNothing(t *testing.T) {
	make := packets{t: t}
	signing, plain := senderOf{signs: true}, senderOf{}
	for name, packet := range map[string][]byte{
		"EAP":             make.of(signing, "right", "", avp(rfc2869.EAPMessage_Type, "\x02\x07\x00\x0a\x01alice")),
		"CHAP":            make.of(signing, "right", "", avp(rfc2865.CHAPPassword_Type, "\x01chap-response-of-16")),
		"Status-Server":   handmade(t, codec.CodeStatusServer, 200, unsignedMA()),
		"Authorize Only":  make.of(signing, "right", "", avp(rfc2865.ServiceType_Type, "\x00\x00\x00\x11")),
		"sallyport login": make.of(senderOf{signs: true, nas: TerminalIdentifier}, "right", ""),
		"its other name":  make.of(senderOf{signs: true, nas: TerminalIdentifier + "-2"}, "right", ""),
	} {
		t.Run(name, func(t *testing.T) {
			var asked int
			b := newBench(t, judging(&asked), nil)
			if why := b.arrive(packet, "192.0.2.5"); why != "" || len(b.lessons()) > 0 {
				t.Errorf("it teaches, or was dropped: %q", why)
			}
			if why := b.arrive(make.of(plain, "right", ""), "192.0.2.5"); why != "" {
				t.Errorf("PAP without a signature is dropped afterwards: %s", why)
			}
		})
	}
}

// TestC3TwoProgramsBehindOneAddress has one that signs and one that does not, in either order.
func TestC3TwoProgramsBehindOneAddress(t *testing.T) {
	const proxy = "192.0.2.5"
	address := func(s senderOf) *codec.AVP { return avp(rfc2865.NASIPAddress_Type, s.nas) }
	for _, tt := range []struct {
		name          string
		signing, mute senderOf
		by            func(senderOf) *codec.AVP
		late          time.Duration // of the one that does not sign
		first         bool          // the one that does not sign was seen first
		want          Reason
	}{
		{name: "two names", signing: senderOf{nas: "a"}, mute: senderOf{nas: "b"}},
		{name: "two addresses", signing: senderOf{nas: "\x0a\x00\x00\x01"}, mute: senderOf{nas: "\x0a\x00\x00\x02"}, by: address},
		{name: "two names, later", signing: senderOf{nas: "a"}, mute: senderOf{nas: "b"}, late: settling, want: DropUnlearned},
		{name: "two names, before", signing: senderOf{nas: "a"}, mute: senderOf{nas: "b"}, late: settling, first: true},
		{name: "one name", signing: senderOf{nas: "a"}, mute: senderOf{nas: "a"}, want: DropUnlearned},
		{name: "one name, before", signing: senderOf{nas: "a"}, mute: senderOf{nas: "a"}, first: true},
		{name: "no names", want: DropUnlearned},
		{name: "no names, before", first: true},
		{name: "one has a name", mute: senderOf{nas: "b"}, want: DropUnlearned},
		{name: "the other has a name", signing: senderOf{nas: "a"}, want: DropUnlearned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked int
			b := newBench(t, judging(&asked), nil)
			make := packets{t: t}
			answer := func(s senderOf, text, state string) []byte {
				if tt.by == nil {
					return make.of(s, text, state)
				}
				by := tt.by(s)
				s.nas = ""
				return make.of(s, text, state, by)
			}
			packet := func(s senderOf) []byte { return answer(s, "right", "") }
			tt.signing.signs = true
			if tt.first {
				if why := b.arrive(packet(tt.mute), proxy); why != "" {
					t.Fatalf("dropped %q before anything was learned", why)
				}
			}
			b.arrive(packet(tt.signing), proxy)
			b.clock.advance(tt.late)
			if why := b.arrive(packet(tt.mute), proxy); why != tt.want {
				t.Errorf("dropped %q, want %q", why, tt.want)
			}
			b.arrive(answer(tt.mute, "123456", "good"), proxy) // a password alone does not keep it
			b.clock.advance(2 * settling)
			if why := b.arrive(packet(tt.mute), proxy); why != tt.want {
				t.Errorf("later: dropped %q, want %q", why, tt.want)
			}
			if why := b.arrive(packet(senderOf{signs: true}), "192.0.2.6"); why != "" {
				t.Errorf("one that signs is dropped: %q", why)
			}
		})
	}
}

// TestSendersOfOneClientProperty sends what can come, in any order, from several addresses of one client,
// and knows who may be learned from and who may be dropped.
func TestSendersOfOneClientProperty(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		var asked int
		b := newBench(t, judging(&asked), func(c *Config, _ *Client) { c.Logger = slog.New(slog.DiscardHandler) })
		make := packets{t: t}
		addresses := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"}
		// names are those that have shown who they are, by address: with a signature, and without.
		names := map[string]map[bool][]string{}
		for _, addr := range addresses {
			names[addr] = map[bool][]string{}
		}
		var sent [][]byte // and judged
		anySigned := false
		for step := range 60 {
			s := senderOf{nas: []string{"", "a", "b"}[r.Intn(3)], signs: r.Intn(2) == 0}
			addr := addresses[r.Intn(len(addresses))]
			password, state, teaches, dropped := "right", "", true, Reason("")
			var packet []byte
			kind := r.Intn(9)
			switch kind {
			case 0, 1:
			case 2:
				password, teaches = "wrong", false
			case 3:
				password, teaches = "\xff\x01garbage", false
			case 4:
				password, state, teaches = "wrong", "good", s.signs
			case 5:
				password, state = "123456", "good"
			case 6:
				s.signs, teaches = true, false
				packet = make.of(s, "right", "", avp(rfc2869.EAPMessage_Type, "\x02\x07\x00\x05\x01"))
			case 7:
				s.signs, teaches = true, false
				make.serial++
				packet = handmade(t, codec.CodeStatusServer, make.serial, unsignedMA())
			case 8:
				if len(sent) == 0 {
					kind = 0
				} else {
					teaches = false
					packet = sent[r.Intn(len(sent))] // from wherever
				}
			}
			if packet == nil {
				packet = make.of(s, password, state)
			}
			why := b.arrive(packet, addr)
			if kind != 8 && why == "" {
				sent = append(sent, packet)
			}
			signed, unsigned := names[addr][true], names[addr][false]
			switch {
			case kind == 8:
				dropped = why // whose packet it was is not looked at here
			case s.signs, !anySigned:
			case len(unsigned) > 0:
				if slices.Contains(signed, s.nas) && !slices.Contains(unsigned, s.nas) {
					dropped = DropUnlearned
				}
			case len(signed) == 0, s.nas == "", slices.Contains(signed, s.nas), slices.Contains(signed, ""):
				dropped = DropUnlearned
			}
			if why != dropped {
				t.Fatalf("seed %d, step %d: %+v from %s (kind %d) dropped %q, want %q", seed, step, s, addr, kind, why, dropped)
			}
			teaches = teaches && why == "" && (s.signs || !anySigned || kind == 5)
			for _, one := range b.lessons() {
				if !teaches || one.Unsigned == s.signs || one.Address.String() != addr {
					t.Fatalf("seed %d, step %d: %+v from %s (kind %d) taught %+v", seed, step, s, addr, kind, one)
				}
			}
			if teaches {
				names[addr][s.signs] = append(names[addr][s.signs], s.nas)
				anySigned = anySigned || s.signs
			}
		}
		if got := b.memory.signs["vpn"]; got != anySigned {
			t.Fatalf("seed %d: the client signs: %v, want %v", seed, got, anySigned)
		}
	}
}

// TestEveryDropHasItsParagraph: an administrator who finds a reason in the log looks for it there.
func TestEveryDropHasItsParagraph(t *testing.T) {
	source, err := os.ReadFile("reasons.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../docs/radius-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(docs), "## Packets that get no answer")
	table, _, _ = strings.Cut(table, "\n## ")
	reasons := regexp.MustCompile(`Reason = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(reasons) < 20 {
		t.Fatalf("only %d reasons are found", len(reasons))
	}
	for _, r := range reasons {
		if !regexp.MustCompile("(?m)^\\| [^|]*`" + string(r[1]) + "`").MatchString(table) {
			t.Errorf("docs/radius-clients.md has no row for %s", r[1])
		}
	}
}

// TestS1APartOfASignedPacketIsNoSender: whoever has read a signed packet sends its hidden password again, under the same
// Request Authenticator, as another program and another person, without a signature.
func TestS1APartOfASignedPacketIsNoSender(t *testing.T) {
	const proxy = "192.0.2.5"
	var asked int
	b := newBench(t, judging(&asked), nil)
	make := packets{t: t}
	signed := make.of(senderOf{nas: "real", signs: true}, "right", "")
	if why := b.arrive(signed, proxy); why != "" {
		t.Fatal(why)
	}
	b.lessons()
	hidden := func() []byte { // the parts that were read
		p, err := codec.Parse(signed, []byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		return p.Get(rfc2865.UserPassword_Type)
	}()
	before := asked
	for _, nas := range []string{"evil", "any", ""} {
		forged := codec.Packet{Code: codec.CodeAccessRequest, Identifier: 77, Secret: []byte(testSecret)}
		copy(forged.Authenticator[:], signed[4:20])
		forged.Add(rfc2865.UserName_Type, []byte("bob"))
		forged.Add(rfc2865.UserPassword_Type, hidden)
		if nas != "" {
			forged.Add(rfc2865.NASIdentifier_Type, []byte(nas))
		}
		packet, err := forged.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if why := b.arrive(packet, proxy); why != DropUnlearned {
			t.Errorf("%q: dropped %q", nas, why)
		}
	}
	if asked != before || len(b.lessons()) != 0 {
		t.Errorf("%d logins were begun, %d lessons", asked-before, len(b.lessons()))
	}
	// Another program that was there, and shows a password of its own, goes on; its wrong ones are counted apart.
	if why := b.arrive(make.of(senderOf{nas: "other"}, "right", ""), proxy); why != "" {
		t.Errorf("dropped %q", why)
	}
}
