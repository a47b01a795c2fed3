package login_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/login"
)

// claims is a ledger that counts claims.
type claims struct {
	login.Ledger
	asked atomic.Int32
}

func (c *claims) Claim(ctx context.Context, s login.Settlement, claim login.Claim) (login.Outcome, error) {
	c.asked.Add(1)
	return c.Ledger.Claim(ctx, s, claim)
}

// A hundred packets with one passcode, while the RSA server takes its time: it is forwarded once, all
// have its outcome, and each costs two commits at most.
func TestWaitingForAPasscodeCostsNoCommits(t *testing.T) {
	const packets = 100
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.rsa.next([]string{"accepts"}, nil)
		w.rsa.hold = make(chan struct{})
		node := &claims{Ledger: w.ledger}
		e, origin := w.newEngineOn(node, login.Limits{}), login.Origin{Client: "vpn", Policy: "rsa"}
		w.enrol("erin", "totp", []byte("known"))
		first, err := e.Begin(t.Context(), login.Request{Origin: origin, Username: "erin", Password: "right"})
		w.must(err)
		var accepted atomic.Int32
		var all sync.WaitGroup
		for range packets {
			all.Go(func() {
				reply, err := e.Continue(t.Context(), login.Answer{Origin: origin, State: first.State, Text: "sallyp00123456"})
				if err == nil && reply.Verdict == login.Accept {
					accepted.Add(1)
				}
			})
		}
		time.AfterFunc(900*time.Millisecond, func() { close(w.rsa.hold) })
		all.Wait()
		if accepted.Load() != packets || len(w.rsa.seen) != 1 {
			t.Errorf("%d of %d accepted, %d forwarded", accepted.Load(), packets, len(w.rsa.seen))
		}
		if n := node.asked.Load(); n > 2*packets {
			t.Errorf("%d claims for %d packets", n, packets)
		}
	})
}

// When nobody concludes what was claimed, who waits ends it, once its time is over.
func TestWaitingEndsWhenTheForwarderDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, func(func() time.Time) ledgertest.Ledger { return cluster.NewMemory(time.Now) })
		origin := login.Origin{Client: "vpn", Policy: "rsa"}
		w.enrol("erin", "totp", []byte("known"))
		first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: "erin", Password: "right"})
		w.must(err)
		dead := w.newEngineOn(dying{w.ledger}, login.Limits{})
		answer := login.Answer{Origin: origin, State: first.State, Text: "sallyp00123456"}
		if reply, err := dead.Continue(t.Context(), answer); err == nil {
			t.Fatalf("a node that died has answered: %+v", reply)
		}
		began := time.Now()
		reply, err := w.engine.Continue(t.Context(), answer)
		if err != nil || reply.Code != login.CodeSecurIDUnavailable {
			t.Errorf("%+v, %v", reply, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// dying is a ledger whose node dies after it has claimed.
type dying struct{ login.Ledger }

func (dying) Conclude(context.Context, login.Settlement, login.Conclusion) (login.Outcome, error) {
	return login.Outcome{}, login.ErrUnavailable
}
