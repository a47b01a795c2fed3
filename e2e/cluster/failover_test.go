//go:build e2e

package cluster

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	codec "layeh.com/radius"
)

// patience is how long a client waits in all: three transmissions of five seconds, as VPN servers are
// commonly set.
const patience = 15 * time.Second

// A login begun on one node is completed on another, while the first, the leader, or the one that was
// both, is dead. No delay fails the test, only a login that the client's patience does not suffice for.
func TestALoginOutlivesTheNodeThatBeganIt(t *testing.T) {
	const atOnce = 10
	sc := readScript(t, 2)
	s := start(t, options{people: min(3*sc.rounds+1, 60) * atOnce})
	s.register()
	calm := s.calm(atOnce)
	t.Logf("undisturbed: %v", spread(calm))
	for _, kind := range []struct {
		name string
		// issuer begins the logins, dead dies then, and alive gets the answers.
		roles func() (issuer, dead, alive *node)
	}{
		{"the issuer", func() (issuer, dead, alive *node) {
			rest := s.others(s.leader())
			return rest[0], rest[0], rest[1]
		}},
		{"the leader", func() (issuer, dead, alive *node) {
			leader := s.leader()
			rest := s.others(leader)
			return rest[0], leader, rest[1]
		}},
		{"the issuer, which leads", func() (issuer, dead, alive *node) {
			leader := s.leader()
			return leader, leader, s.others(leader)[0]
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			s := s.in(t)
			var took []time.Duration
			for range sc.rounds {
				issuer, dead, alive := kind.roles()
				took = append(took, s.across(s.fresh(atOnce), issuer, alive, dead.kill)...)
				s.must(dead.launch())
				s.whole(20 * time.Second)
			}
			t.Logf("%d of %d logins complete; from the answer to the Accept %v", len(took), sc.rounds*atOnce, spread(took))
			if len(took) != sc.rounds*atOnce {
				t.Fail()
			}
		})
	}
}

// in is the site for a subtest.
func (s *site) in(t *testing.T) *site {
	sub := *s
	sub.T = t
	return &sub
}

// fresh returns people whose code of this time step is unused, waiting for the next one when all have
// used theirs.
func (s *site) fresh(n int) []*person {
	s.Helper()
	var some []*person
	s.eventually(fmt.Sprintf("a time step that %d people have not used", n), 40*time.Second, func() error {
		some = some[:0]
		for i := range s.people {
			if p := &s.people[i]; p.used < stepNow() && len(some) < n {
				some = append(some, p)
			}
		}
		if len(some) < n {
			return errors.New("too few")
		}
		return nil
	})
	return some
}

// calm measures logins of which nothing is disturbed.
func (s *site) calm(n int) []time.Duration {
	s.Helper()
	leader := s.leader()
	rest := s.others(leader)
	return s.across(s.fresh(n), rest[0], rest[1], func() {})
}

// across begins a login for each person at the issuer, lets something happen, and then answers at
// another node. It returns how long each took from the answer to the Accept.
func (s *site) across(some []*person, issuer, alive *node, happen func()) []time.Duration {
	s.Helper()
	began := make([]func() (time.Duration, error), len(some))
	for i, p := range some {
		c, err := newNAS()
		s.must(err)
		defer c.close()
		state, err := c.begin(p, issuer, patience)
		s.must(err)
		began[i] = func() (time.Duration, error) { return c.finish(p, state, alive) }
	}
	happen()
	var all sync.WaitGroup
	took, errs := make([]time.Duration, len(some)), make([]error, len(some))
	for i, finish := range began {
		all.Go(func() { took[i], errs[i] = finish() })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Fatalf("%v%s", err, s.tails())
	}
	return took
}

// finish answers a challenge with this time step's code.
func (c *nas) finish(p *person, state string, n *node) (time.Duration, error) {
	p.used = stepNow()
	r, err := c.request(p.name, p.code(p.used), state)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, ok := c.ask(r, n, patience)
	took := time.Since(began)
	switch {
	case !ok:
		return 0, fmt.Errorf("%s got no reply to its answer within %v", p.name, took)
	case answer.code != codec.CodeAccessAccept:
		return 0, fmt.Errorf("%s got %v %s after %v, want Access-Accept", p.name, answer.code, answer.verdict, took)
	}
	return took, nil
}

// spread describes durations.
func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(d))
	at := func(q float64) time.Duration { return sorted[int(q*float64(len(sorted)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v, p99 %v, max %v", at(0.5), at(0.99), at(1))
}
