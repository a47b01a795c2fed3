package radius

import (
	"sync/atomic"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/login"
)

// partial answers what a test lets it answer.
type partial struct{ status, probes, people atomic.Bool }

func (p *partial) answer(t *testing.T) func(int, []byte) [][]byte {
	return func(_ int, request []byte) [][]byte {
		answers := &p.people
		switch {
		case request[0] == byte(codec.CodeStatusServer):
			answers = &p.status
		case userOf(request) == defaultProbeUser:
			answers = &p.probes
		}
		if !answers.Load() {
			return nil
		}
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, false)}
	}
}

// probes returns how often Status-Server and a signed login in the reserved name were received.
func (f *fakeServer) probes() (status, logins int) {
	for _, packet := range f.requests() {
		switch o, _ := read(packet); {
		case packet[0] == byte(codec.CodeStatusServer):
			status++
		case userOf(packet) == defaultProbeUser && o.ma != 0:
			logins++
		}
	}
	return status, logins
}

func TestServerThatIsBackIsAskedFirstAgain(t *testing.T) {
	for name, status := range map[string]bool{"Status-Server": true, "only logins": false} {
		t.Run(name, func(t *testing.T) {
			var can partial
			f := newFakeServer(t, can.answer(t))
			second := newFakeServer(t, always(t, codec.CodeAccessAccept))
			clock := &clock{now: time.Unix(1_700_000_000, 0)}
			u := forwardingTo(t, func(c *UpstreamConfig) { c.Now = clock.Now }, f.addr(), second.addr())
			u.Forward(t.Context(), aliceForwards())
			if !u.Stats()[0].Down {
				t.Fatal("a silent server is not marked down")
			}
			can.status.Store(status)
			can.probes.Store(true)
			can.people.Store(true)
			await(t, "the server is up again", func() bool {
				if !status {
					clock.advance(reservedEvery)
				}
				return !u.Stats()[0].Down
			})
			if out := u.Forward(t.Context(), aliceForwards()); out.Server != f.addr() {
				t.Errorf("got %+v", out)
			}
			for _, packet := range f.requests() {
				if name := userOf(packet); name != "alice" && name != defaultProbeUser && name != "" {
					t.Errorf("a probe in the name of %q", name)
				}
			}
		})
	}
}

func TestServerThatIgnoresLoginsIsNotBack(t *testing.T) {
	var can partial
	can.status.Store(true)
	f := newFakeServer(t, can.answer(t))
	clock := &clock{now: time.Unix(1_700_000_000, 0)}
	u := forwardingTo(t, func(c *UpstreamConfig) {
		c.Now, c.ProbeEvery, c.Timing = clock.Now, time.Millisecond, Timing{Total: 100 * time.Millisecond}
	}, f.addr())
	u.Forward(t.Context(), aliceForwards())
	for minute := range 2 {
		before, _ := f.probes()
		await(t, "Status-Server was answered twice", func() bool { n, _ := f.probes(); return n >= before+2 })
		if _, n := f.probes(); n != minute+1 || !u.Stats()[0].Down {
			t.Fatalf("minute %d: %d logins in the reserved name, stats %+v", minute, n, u.Stats()[0])
		}
		clock.advance(reservedEvery)
		await(t, "the next login in the reserved name", func() bool { _, n := f.probes(); return n == minute+2 })
	}
	can.probes.Store(true)
	clock.advance(reservedEvery)
	await(t, "the server is up again", func() bool { return !u.Stats()[0].Down })
}

func TestServerThatIgnoredNothingIsBackByStatusServer(t *testing.T) {
	var can partial
	can.status.Store(true)
	f := newFakeServer(t, can.answer(t))
	u := forwardingTo(t, nil, f.addr())
	u.fail(u.servers[0], troubleUndelivered, "for the test")
	await(t, "the server is up again", func() bool { return !u.Stats()[0].Down })
	if _, n := f.probes(); n != 0 {
		t.Errorf("%d logins in the reserved name", n)
	}
}

func TestSilentServerGetsNoLoginInItsFirstMinute(t *testing.T) {
	f := newFakeServer(t, silent)
	clock := &clock{now: time.Unix(1_700_000_000, 0)}
	u := forwardingTo(t, func(c *UpstreamConfig) {
		c.Now, c.ProbeEvery, c.Timing = clock.Now, time.Millisecond, Timing{Total: 100 * time.Millisecond}
	}, f.addr())
	u.Forward(t.Context(), aliceForwards())
	await(t, "three Status-Servers", func() bool { n, _ := f.probes(); return n >= 3 })
	if _, n := f.probes(); n != 0 {
		t.Errorf("%d logins in the reserved name", n)
	}
	clock.advance(reservedEvery)
	await(t, "a login in the reserved name", func() bool { _, n := f.probes(); return n == 1 })
}

// A server that answers probes and no people is asked ever more seldom, as if it had stayed down.
func TestRevivalThatFailsAgainKeepsItsWait(t *testing.T) {
	var can partial
	can.probes.Store(true)
	can.status.Store(true)
	f := newFakeServer(t, can.answer(t))
	clock := &clock{now: time.Unix(1_700_000_000, 0)}
	u := forwardingTo(t, func(c *UpstreamConfig) {
		c.Now, c.ProbeEvery, c.Timing = clock.Now, 10*time.Millisecond, Timing{Total: 100 * time.Millisecond}
	}, f.addr())
	wait := func() time.Duration {
		s := u.servers[0]
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.health.wait
	}
	for range 4 {
		if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardUnavailable {
			t.Fatalf("got %+v", out)
		}
		await(t, "the server is up again", func() bool {
			clock.advance(reservedEvery)
			return !u.Stats()[0].Down
		})
	}
	if got := wait(); got < 50*time.Millisecond {
		t.Errorf("waited %v before the fourth revival, want 80 ms and its variation", got)
	}
	can.people.Store(true)
	if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardAccepted || wait() != 0 {
		t.Errorf("got %+v, and the wait is %v", out, wait())
	}
}
