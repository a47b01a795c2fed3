package radius

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/login"
)

// named has the servers of an Upstream found at an address that the test may change.
func named(u *Upstream, addr string) *atomic.Value {
	var at atomic.Value
	at.Store(addr)
	u.servers[0].dial = func(ctx context.Context, cfg CallerConfig) (*Caller, error) {
		cfg.Server = at.Load().(string)
		return dial(ctx, cfg)
	}
	return &at
}

// fill makes all sockets of a server.
func fill(t *testing.T, s *upstreamServer) {
	t.Helper()
	for slot := range s.sockets {
		c, err := s.borrow(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		c.leave()
	}
}

func TestServerAtAnotherAddressIsFoundByAllSockets(t *testing.T) {
	for name, probe := range map[string]bool{"by a login": false, "by a probe": true} {
		t.Run(name, func(t *testing.T) {
			old, now := newFakeServer(t, silent), newFakeServer(t, always(t, codec.CodeAccessAccept))
			u := forwardingTo(t, func(c *UpstreamConfig) {
				if c.Sockets = 4; !probe {
					c.ProbeEvery = time.Hour
				}
			}, "rsa.example:1812")
			at := named(u, old.addr())
			fill(t, u.servers[0])
			if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardUnavailable || !u.Stats()[0].Down {
				t.Fatalf("at the old address: %+v", out)
			}
			if probe {
				fill(t, u.servers[0]) // logins went on, and the name was not changed yet
			}
			at.Store(now.addr())
			if probe {
				await(t, "the server is up again", func() bool { return !u.Stats()[0].Down })
			}
			for range 20 {
				if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardAccepted {
					t.Fatalf("at the new address: %+v", out)
				}
			}
		})
	}
}

func TestSocketThatCannotSendIsReplaced(t *testing.T) {
	f := newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, func(c *UpstreamConfig) { c.Sockets = 1 }, f.addr())
	s := u.servers[0]
	c, err := s.borrow(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	s.discard(0, c)
	c.leave()
	wantClosed(t, c)
	if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardAccepted {
		t.Errorf("got %+v", out)
	}
}

func wantClosed(t *testing.T, c *Caller) {
	t.Helper()
	select {
	case <-c.closed:
	case <-time.After(5 * time.Second):
		t.Error("the old socket was not closed")
	}
}

// What becomes known of a server takes the socket from no login that has it already.
func TestSocketInUseIsClosedAfterUse(t *testing.T) {
	f := newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, func(c *UpstreamConfig) { c.Sockets, c.ProbeEvery = 1, time.Hour }, f.addr())
	s := u.servers[0]
	c, err := s.borrow(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	u.fail(s, troubleSilent, "for the test")
	if _, err := c.exchange(t.Context(), aliceMessage(), manner{refusals: 2}); err != nil {
		t.Errorf("on the socket that was in use: %v", err)
	}
	c.leave()
	wantClosed(t, c)
}
