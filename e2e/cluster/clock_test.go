//go:build e2e

package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A node whose clock is off says so and judges no code; nobody's lock ends early; and the cluster is
// whole again when the clock is right.
func TestAClockThatIsOffJudgesNoCode(t *testing.T) {
	s := start(t, options{people: 150, lockFor: "1h"})
	s.register()
	locked := s.lock(&s.people[0])
	for _, offset := range []time.Duration{90 * time.Second, -90 * time.Second, 24 * time.Hour, -time.Hour} {
		for _, role := range []string{"follower", "leader"} {
			t.Run(fmt.Sprintf("a %s %v off", role, offset), func(t *testing.T) {
				s := s.in(t)
				s.clockOff(role == "leader", offset, locked)
			})
		}
	}
}

func (s *site) clockOff(leads bool, offset time.Duration, locked *person) {
	s.Helper()
	n := s.leader()
	if !leads {
		n = s.others(n)[0]
	}
	s.must(n.setClock(offset))
	noticed := s.eventually(n.Name+" to be unready", 10*time.Second, func() error {
		if n.Ready() {
			return errors.New("it is ready")
		}
		return nil
	})
	s.hold(2 * time.Second) // in which a log that followed this clock would end locks
	rest := s.others(n)
	c, err := newNAS()
	s.must(err)
	defer c.close()
	at := s.in(s.T)
	at.nodes = rest // which judge, whoever leads
	at.stillLocked(c, locked)
	for _, p := range s.fresh(5) {
		state, err := c.begin(p, rest[1], patience)
		s.must(err)
		_, err = c.finish(p, state, rest[0])
		s.must(err)
	}
	s.must(n.setClock(0))
	s.Logf("unready after %v, whole again after %v", noticed.Round(10*time.Millisecond), s.whole(30*time.Second).Round(10*time.Millisecond))
}

// TestS21ANodeAloneWhoseClockIsSet judges no code of an app until the clock is right again, or until an administrator
// accepts it; and nobody's codes of today count as used because of those of tomorrow.
func TestS21ANodeAloneWhoseClockIsSet(t *testing.T) {
	const day = 24 * time.Hour
	s := start(t, options{nodes: 1, people: 2})
	s.register()
	n := s.nodes[0]
	c, err := newNAS()
	s.must(err)
	defer c.close()
	ready := func(want bool) {
		s.eventually(fmt.Sprintf("%s to be ready: %v", n.Name, want), 30*time.Second, func() error {
			if n.Ready() != want {
				return errors.New("it is not so")
			}
			return nil
		})
	}
	p, other := &s.people[0], &s.people[1]
	state, err := c.begin(p, n, patience)
	s.must(err)
	s.must(n.setClock(day))
	for _, step := range []int64{stepNow(), stepNow() + int64(day/(30*time.Second))} {
		r, err := c.request(p.name, p.code(step), state)
		s.must(err)
		if answer, ok := c.ask(r, n, 3*time.Second); ok {
			t.Errorf("a code of step %d got %v %s", step, answer.code, answer.verdict)
		}
	}
	ready(false)
	if _, text, err := n.Get("/readyz"); err != nil || !strings.Contains(text, "was set 24h0m0s ahead at run time") || !strings.Contains(text, "sallyport cluster accept-clock") {
		t.Errorf("/readyz says %s (%v)", text, err)
	}
	s.must(n.setClock(0))
	ready(true)
	_, err = c.finish(p, state, n)
	s.must(err)

	s.must(n.setClock(day)) // and that is the right time
	ready(false)
	if out, err := n.Run("", "cluster", "accept-clock", "--yes"); err != nil || !strings.Contains(out, "24h0m0s") {
		t.Errorf("accept-clock: %v: %s", err, out)
	}
	ready(true)
	state, err = c.begin(other, n, patience)
	s.must(err)
	r, err := c.request(other.name, other.code(stepNow()+int64(day/(30*time.Second))), state)
	s.must(err)
	if answer, ok := c.ask(r, n, patience); !ok || answer.verdict != "accepted" {
		t.Errorf("accepted: %v %s", answer.code, answer.verdict)
	}
}
