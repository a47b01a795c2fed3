//go:build e2e

package cluster

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/e2e/history"
)

// All nodes are killed under load. What a client was told before holds afterwards: who was let in is let
// in again by the same answer and by no other, who was locked is locked, who has registered is registered.
func TestNothingAcknowledgedIsLostWhenAllNodesDie(t *testing.T) {
	sc := readScript(t, 2)
	s := start(t, options{people: 100, lockFor: "1h"})
	random := rand.New(rand.NewPCG(sc.seed, 2))
	s.register()
	locked := s.lock(&s.people[0])
	for range sc.rounds {
		s.die(random, locked)
	}
	s.alike()
}

// told is an answer whose Accept has arrived.
type told struct {
	person *person
	state  string
	step   int64
}

// lock makes a person type wrong codes until they are locked, and returns them.
func (s *site) lock(p *person) *person {
	s.Helper()
	const tries = 8 // five lock
	c, err := newNAS()
	s.must(err)
	defer c.close()
	p.used = stepNow() + 1000 // not for other logins
	for try := range tries {
		state, err := c.begin(p, s.nodes[try%len(s.nodes)], patience)
		s.must(err)
		r, err := c.request(p.name, p.wrong(), state)
		s.must(err)
		answer, ok := c.ask(r, s.nodes[0], patience)
		if !ok {
			s.Fatal("no reply to a wrong code")
		}
		if answer.verdict == "account_locked" {
			return p
		}
	}
	s.Fatalf("%d wrong codes did not lock %s", tries, p.name)
	return nil
}

// die kills all nodes while logins are under way, starts them again, and checks what was told.
func (s *site) die(random *rand.Rand, locked *person) {
	s.Helper()
	const atOnce = 30
	some := s.fresh(atOnce)
	var mu sync.Mutex
	var accepts []told
	var all sync.WaitGroup
	for i, p := range some {
		all.Go(func() {
			if t, ok := s.tryOnce(p, s.nodes[i%len(s.nodes)]); ok {
				mu.Lock()
				defer mu.Unlock()
				accepts = append(accepts, t)
			}
		})
	}
	s.hold(time.Duration(10+random.IntN(50)) * time.Millisecond)
	for _, i := range random.Perm(len(s.nodes)) {
		s.nodes[i].kill()
	}
	all.Wait()
	for _, n := range s.nodes {
		s.must(n.launch())
	}
	back := s.whole(30 * time.Second)
	s.Logf("%d of %d had their Accept when all died; whole again after %v", len(accepts), atOnce, back.Round(10*time.Millisecond))
	c, err := newNAS()
	s.must(err)
	defer c.close()
	for i, t := range accepts {
		s.holds(c, t, s.nodes[i%len(s.nodes)])
	}
	s.stillLocked(c, locked)
}

// tryOnce logs a person in with little patience; ok means that the Accept arrived.
func (s *site) tryOnce(p *person, n *node) (told, bool) {
	c, err := newNAS()
	if err != nil {
		s.Error(err)
		return told{}, false
	}
	defer c.close()
	state, err := c.begin(p, n, time.Second)
	if err != nil {
		return told{}, false
	}
	p.used = stepNow()
	r, err := c.request(p.name, p.code(p.used), state)
	if err != nil {
		s.Error(err)
		return told{}, false
	}
	answer, ok := c.ask(r, n, time.Second)
	return told{p, state, p.used}, ok && answer.code == codec.CodeAccessAccept
}

// holds checks that an Accept is repeated to the same answer, and that its code is used.
func (s *site) holds(c *nas, t told, n *node) {
	s.Helper()
	r, err := c.request(t.person.name, t.person.code(t.step), t.state)
	s.must(err)
	if answer, ok := c.ask(r, n, patience); !ok || answer.code != codec.CodeAccessAccept {
		s.Errorf("%s was let in, and is now told %v %s (reply: %t)", t.person.name, answer.code, answer.verdict, ok)
	}
	state, err := c.begin(t.person, n, patience) // a registration would be asked for if it were lost
	s.must(err)
	r, err = c.request(t.person.name, t.person.code(t.step), state)
	s.must(err)
	answer, ok := c.ask(r, n, patience)
	if stepNow() > t.step+1 {
		return // too late for that code: nothing is shown
	}
	if !ok || answer.verdict != history.Replayed {
		s.Errorf("the used code of %s is told %v %s (reply: %t), want otp_replayed", t.person.name, answer.code, answer.verdict, ok)
	}
}

// stillLocked checks that a person who was locked is told so, at the password or after a right code.
func (s *site) stillLocked(c *nas, p *person) {
	s.Helper()
	s.eventually("the locked person to be refused", 10*time.Second, func() error {
		r, err := c.request(p.name, password, "")
		s.must(err)
		answer, ok := c.ask(r, s.nodes[0], time.Second)
		if ok && answer.code == codec.CodeAccessChallenge {
			answer, ok = c.answer(p, answer.state, s.nodes[0], time.Second)
		}
		switch {
		case !ok:
			return errors.New("silence")
		case answer.verdict != "account_locked":
			s.Fatalf("%s was locked, and is told %v %s", p.name, answer.code, answer.verdict)
		}
		return nil
	})
}
