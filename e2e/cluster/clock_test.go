//go:build e2e

package cluster

import (
	"errors"
	"fmt"
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
