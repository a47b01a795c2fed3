package radius

import (
	"errors"
	"strings"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/login"
)

// await waits until a condition with a name holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came: %s", what)
		}
	}
}

// modern answers as a server under a key does that checks Message-Authenticator where there is one:
// signed requests under another secret are dropped, unsigned ones are answered.
func modern(t *testing.T, key *signer) func(int, []byte) [][]byte {
	return func(_ int, request []byte) [][]byte {
		o, why := read(request)
		if why != "" || o.ma != 0 && !key.validMessageAuthenticator(request, o.auth, o.ma) {
			return nil
		}
		return [][]byte{upstreamReply(t, key, request, codec.CodeAccessReject, true)}
	}
}

func TestWrongSecretIsToldFromSilence(t *testing.T) {
	otherKey := newSigner("another-shared-secret")
	f := newFakeServer(t, modern(t, otherKey))
	clock := &clock{now: time.Unix(1_700_000_000, 0)}
	u := forwardingTo(t, func(c *UpstreamConfig) { c.Now, c.ProbeEvery = clock.Now, time.Hour }, f.addr())
	probes := func() uint64 { return u.Stats()[0].UnsignedProbes }
	for range 2 {
		out := u.Forward(t.Context(), aliceForwards())
		if out.Result != login.ForwardMisconfigured || !out.Consumed || !strings.Contains(out.Reason, "another shared secret") {
			t.Fatalf("got %+v", out)
		}
	}
	if n := probes(); n != 1 {
		t.Errorf("%d unsigned probes within a minute", n)
	}
	clock.advance(reservedEvery)
	u.Forward(t.Context(), aliceForwards())
	if n := probes(); n != 2 {
		t.Errorf("%d unsigned probes, want 2 after a minute", n)
	}
	for _, packet := range f.requests() {
		if o, _ := read(packet); o.ma == 0 && userOf(packet) != defaultProbeUser {
			t.Errorf("an unsigned request in the name of %q", userOf(packet))
		}
	}
	if s := u.Stats()[0]; !s.Down || s.Misconfigured != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestBadRepliesAreMisconfigurationOnlyAtTheEnd(t *testing.T) {
	otherKey := newSigner("another-shared-secret")
	forged := func(request []byte) []byte {
		return upstreamReply(t, otherKey, request, codec.CodeAccessAccept, false)
	}
	wrong := newFakeServer(t, func(_ int, request []byte) [][]byte { return [][]byte{forged(request)} })
	out := forwardingTo(t, nil, wrong.addr()).Forward(t.Context(), aliceForwards())
	if out.Result != login.ForwardMisconfigured || !strings.Contains(out.Reason, "shared secrets differ") {
		t.Errorf("only bad replies: %+v", out)
	}
	// A flood of junk, then the real one: of the first transmission or of its repetition.
	mixed := newFakeServer(t, func(_ int, request []byte) [][]byte {
		replies := make([][]byte, 0, 200)
		for range 199 {
			replies = append(replies, forged(request))
		}
		replies = append(replies, []byte("junk"), upstreamReply(t, testKey, request, codec.CodeAccessReject, false))
		return append(replies, replies[len(replies)-1]) // and once more
	})
	u := forwardingTo(t, nil, mixed.addr())
	if out = u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardRejected {
		t.Errorf("forged and right: %+v", out)
	}
	if s := u.Stats()[0]; s.BadReplies == 0 || s.Down {
		t.Errorf("stats %+v", s)
	}
}

func TestLateReplyIsNotTakenForTheNext(t *testing.T) {
	var last []byte
	f := newFakeServer(t, func(_ int, request []byte) [][]byte {
		// What answers the request before last, under each Identifier, and the one now with another's.
		late := last
		last = upstreamReply(t, testKey, request, codec.CodeAccessAccept, false)
		reply := upstreamReply(t, testKey, request, codec.CodeAccessReject, false)
		if late == nil {
			return [][]byte{reply}
		}
		late[1] = request[1]
		chained := append([]byte(nil), last...)
		chained[1]++
		return [][]byte{late, chained, reply}
	})
	u := forwardingTo(t, nil, f.addr())
	for range 20 {
		if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardRejected {
			t.Fatalf("got %+v", out)
		}
	}
}

func TestServerThatHasSignedMustGoOn(t *testing.T) {
	bare := false
	f := newFakeServer(t, func(_ int, request []byte) [][]byte {
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, bare)}
	})
	for name, tt := range map[string]struct {
		rule Rule
		// before and after are the results of unsigned replies, before and after a signed one.
		before, after login.ForwardResult
	}{
		"auto":     {RuleAuto, login.ForwardAccepted, login.ForwardMisconfigured},
		"required": {RuleRequired, login.ForwardMisconfigured, login.ForwardMisconfigured},
		"optional": {RuleOptional, login.ForwardAccepted, login.ForwardAccepted},
	} {
		u := forwardingTo(t, func(c *UpstreamConfig) { c.MessageAuthenticator = tt.rule }, f.addr())
		for _, step := range []struct {
			bare bool
			want login.ForwardResult
		}{{true, tt.before}, {false, login.ForwardAccepted}, {true, tt.after}} {
			f.mu.Lock()
			bare = step.bare
			f.mu.Unlock()
			if out := u.Forward(t.Context(), aliceForwards()); out.Result != step.want {
				t.Errorf("%s, bare %v: %+v", name, step.bare, out)
			}
		}
	}
}

func TestSlowServerIsNotDown(t *testing.T) {
	f := newFakeServer(t, func(_ int, request []byte) [][]byte {
		if userOf(request) == "alice" {
			return nil
		}
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, false)}
	})
	u := forwardingTo(t, func(c *UpstreamConfig) { c.Timing = Timing{Total: 1500 * time.Millisecond} }, f.addr())
	ended := make(chan login.Forwarded, 1)
	go func() { ended <- u.Forward(t.Context(), aliceForwards()) }()
	await(t, "alice's passcode is on its way", func() bool { return len(f.logins()) > 0 })
	bob := aliceForwards()
	bob.Username = "bob"
	if out := u.Forward(t.Context(), bob); out.Result != login.ForwardAccepted {
		t.Fatalf("got %+v", out)
	}
	if out := <-ended; out.Result != login.ForwardUnavailable || !out.Consumed || !strings.Contains(out.Reason, "answered others") {
		t.Errorf("got %+v", out)
	}
	if s := u.Stats()[0]; s.Down || s.UnsignedProbes != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestServersThatAreDownComeLast(t *testing.T) {
	u := forwardingTo(t, func(c *UpstreamConfig) { c.ProbeEvery = time.Hour }, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
	order := func(d *login.Dialogue) (names string) {
		for _, s := range u.route(d) {
			names += s.addr[len(s.addr)-1:]
		}
		return names
	}
	for _, step := range []struct {
		fails int
		want  string
	}{{0, "231"}, {1, "312"}, {2, "123"}} {
		u.fail(u.servers[step.fails], troubleSilent, "for the test")
		if got := order(nil); got != step.want {
			t.Errorf("after %d failed: order %s, want %s", step.fails+1, got, step.want)
		}
	}
	if got := order(&login.Dialogue{Server: "127.0.0.1:2"}); got != "2" {
		t.Errorf("a dialogue goes to %s", got)
	}
	u.hear(u.servers[1])
	if got := order(nil); got != "213" {
		t.Errorf("order %s", got)
	}
}

func TestUpstreamConfigIsChecked(t *testing.T) {
	_, err := NewUpstream(UpstreamConfig{Servers: []string{"192.0.2.7", "a:1", "a:1"}, Secret: "short", Attributes: []string{"No-Such-Thing", "24", "9:0"}, Sockets: -1})
	if err == nil {
		t.Fatal("taken")
	}
	for _, part := range []string{"host:port", "twice", "5 octets", "No-Such-Thing", `"24"`, `"9:0"`, "negative"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("the secret is quoted: %v", err)
	}
	if _, err = NewUpstream(UpstreamConfig{}); err == nil || !strings.Contains(err.Error(), "servers: missing") {
		t.Errorf("no server: %v", err)
	}
}

func TestNoReplyErrorSaysWhetherItCanHaveBeenRead(t *testing.T) {
	for want, list := range map[bool][]NoReplyError{
		true:  {{}, {Sent: 1, Refused: true}, {Cause: errors.New("no route")}},
		false: {{Sent: 1}, {Sent: 2, Refused: true}, {Sent: 1, Refused: true, Bad: 1}},
	} {
		for _, e := range list {
			if e.Unread() != want {
				t.Errorf("%+v: want %v", e, want)
			}
		}
	}
}
