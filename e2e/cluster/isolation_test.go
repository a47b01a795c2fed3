//go:build e2e

package cluster

import (
	"errors"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/e2e/history"
)

// silentAfter is how soon an isolated leader must have noticed that it leads nobody.
const silentAfter = 500 * time.Millisecond

// A leader that is cut off says nothing, and above all no verdict; the others go on.
func TestAnIsolatedLeaderIsSilent(t *testing.T) {
	sc := readScript(t, 1)
	s := start(t, options{people: min(sc.rounds, 6) * 80})
	s.register()
	for range sc.rounds {
		s.isolate()
	}
}

func (s *site) isolate() {
	s.Helper()
	const codes = 40
	some := s.fresh(2 * codes)
	leader := s.leader()
	rest := s.others(leader)
	c, err := newNAS()
	s.must(err)
	defer c.close()
	// Challenges from before, which both sides could judge.
	states := make(map[*person]string)
	for _, p := range some {
		states[p], err = c.begin(p, leader, patience)
		s.must(err)
	}
	s.must(s.net.Part(leader.host))
	began := time.Now()
	minority := s.background(func(c *nas) { s.noVerdict(c, leader, some[:codes], states, began) })
	st, err := leader.state()
	s.must(err)
	var gap time.Duration
	for _, p := range some[codes:] {
		took, err := c.finish(p, states[p], rest[0])
		s.must(err)
		gap = max(gap, took)
	}
	minority()
	s.must(s.net.Heal())
	s.Logf("term %d: the majority's longest answer %v; whole again after %v", st.Term, gap.Round(time.Millisecond), s.whole(20*time.Second).Round(10*time.Millisecond))
	// What the minority was silent to is no loss: the same answers are judged now.
	for _, p := range some[:codes] {
		_, err := c.finish(p, states[p], rest[0])
		s.must(err)
	}
}

// background runs f with a client of its own and returns what waits for its end.
func (s *site) background(f func(*nas)) (wait func()) {
	s.Helper()
	c, err := newNAS()
	s.must(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.close()
		f(c)
	}()
	return func() { <-done }
}

// noVerdict sends answers to a node that must be silent, from silentAfter the beginning on.
func (s *site) noVerdict(c *nas, n *node, some []*person, states map[*person]string, began time.Time) {
	for _, p := range some {
		r, err := c.request(p.name, p.code(stepNow()), states[p])
		if err == nil {
			err = c.send(r, n)
		}
		if err != nil {
			s.Error(err)
			return
		}
		answer, ok := c.receive(r, time.Now().Add(100*time.Millisecond))
		if ok && time.Since(began) > silentAfter {
			s.Errorf("%s, which has no quorum, says %v %s", n.Name, answer.code, answer.verdict)
		}
	}
}

// Without two of three nodes nobody gets in with a code, nobody is refused, and the node says why; when
// one comes back, so do logins.
func TestWithoutAQuorumNobodyIsJudged(t *testing.T) {
	s := start(t, options{people: 40})
	s.register()
	leader := s.leader()
	rest := s.others(leader)
	c, err := newNAS()
	s.must(err)
	defer c.close()
	some := s.fresh(20)
	states := make(map[*person]string)
	for _, p := range some {
		states[p], err = c.begin(p, rest[0], patience)
		s.must(err)
	}
	leader.kill()
	rest[1].kill()
	lost := time.Now()
	s.eventually("the last node to know that it has no quorum", 10*time.Second, func() error {
		if rest[0].Ready() {
			return errors.New("it says that it is ready")
		}
		return nil
	})
	s.noVerdict(c, rest[0], some, states, lost)
	st, err := rest[0].state()
	s.must(err)
	if st.Reason == "" {
		t.Error("/status does not say why the node is not ready")
	}
	s.silentToStatus(c, rest[0])
	s.must(rest[1].launch())
	back := s.eventually("a login with two nodes of three", 20*time.Second, func() error {
		answer, ok := c.answer(some[0], states[some[0]], rest[0], time.Second)
		switch {
		case !ok:
			return errors.New("silence")
		case answer.code != codec.CodeAccessAccept:
			s.Fatalf("%s got %v %s, want Access-Accept", some[0].name, answer.code, answer.verdict)
		}
		return nil
	})
	t.Logf("the reason was %q; a login completed %v after the second node was started", st.Reason, back.Round(10*time.Millisecond))
	s.must(leader.launch())
	s.whole(20 * time.Second)
}

// answer sends this time step's code and waits for the reply.
func (c *nas) answer(p *person, state string, n *node, within time.Duration) (reply, bool) {
	r, err := c.request(p.name, p.code(stepNow()), state)
	if err != nil {
		return reply{verdict: history.Verdict(err.Error())}, true
	}
	return c.ask(r, n, within)
}

// silentToStatus checks that Status-Server is not answered, so that clients turn to other nodes.
func (s *site) silentToStatus(c *nas, n *node) {
	s.Helper()
	r, err := c.statusServer()
	s.must(err)
	s.must(c.send(r, n))
	if answer, ok := c.receive(r, time.Now().Add(time.Second)); ok {
		s.Errorf("%s answers Status-Server with %v, though it can serve nobody", n.Name, answer.code)
	}
}
