//go:build e2e

package cluster

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/e2e/history"
)

// traffic is clients that race for the same codes on all nodes, and what they saw.
type traffic struct {
	site   *site
	record *history.Record
	// turns counts logins; so many in a row are the same person's.
	turns atomic.Int64
	stop  context.CancelFunc
	all   sync.WaitGroup
	began time.Time
}

// clients is how many race at once.
const clients = 8

// How long a client waits for a challenge, for a verdict before it turns to another node, and for late
// verdicts in the end. The daemon tries for four seconds; a client that is less patient sends the same
// again while its first is under way, which is what is to be tested.
const (
	beginWithin  = 600 * time.Millisecond
	answerWithin = 900 * time.Millisecond
)

// race starts the clients. Their choices follow from the seed.
func (s *site) race(seed uint64) *traffic {
	ctx, stop := context.WithCancel(s.Context())
	tr := &traffic{site: s, record: history.New(nil), stop: stop, began: time.Now()}
	for _, p := range s.people {
		tr.record.Call(0, history.Answer{User: p.name, Step: p.used, State: "registration"})(history.Accepted)
	}
	for i := range clients {
		c, err := newNAS()
		s.must(err)
		cl := &client{traffic: tr, nas: c, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		tr.all.Go(func() {
			defer c.close()
			for ctx.Err() == nil {
				if err := cl.login(); err != nil {
					s.Errorf("client %d: %v", cl.number, err)
					return
				}
			}
		})
	}
	s.Cleanup(tr.end)
	return tr
}

// end stops the clients and waits for them. It may be called again.
func (tr *traffic) end() {
	tr.stop()
	tr.all.Wait()
}

// client is one of them.
type client struct {
	*traffic
	*nas
	number int
	random *rand.Rand
}

// pick is any node.
func (c *client) pick() *node { return c.site.nodes[c.random.IntN(len(c.site.nodes))] }

// login is one login, raced for by all clients: a challenge from one node, and the answer to others.
func (c *client) login() error {
	turn := c.turns.Add(1) - 1
	p := &c.site.people[int(turn/clients)%len(c.site.people)]
	state, err := c.begin(p, c.pick(), beginWithin)
	if err != nil {
		return nil // the node is down: nothing was asked, nothing can be concluded
	}
	a := history.Answer{User: p.name, Step: stepNow(), State: state}
	switch c.random.IntN(20) {
	case 0:
		a.Step = 0 // wrong
	case 1, 2, 3:
		a.Step-- // the code before, which may be used already
	}
	r, err := c.request(p.name, p.code(a.Step), state)
	if err != nil {
		return err
	}
	switch c.random.IntN(4) {
	case 0: // the same packet to all nodes at once
		return c.send(r, a, c.site.nodes...)
	case 1: // the same packet again elsewhere, whether or not the reply came
		return c.twice(a, r, r)
	case 2: // a new packet with the same State and code elsewhere
		again, err := c.request(p.name, p.code(a.Step), state)
		if err != nil {
			return err
		}
		return c.twice(a, r, again)
	default:
		return c.send(r, a, c.pick())
	}
}

func (c *client) twice(a history.Answer, first, second request) error {
	if err := c.send(first, a, c.pick()); err != nil {
		return err
	}
	return c.send(second, a, c.pick())
}

// send sends an answer to nodes at once and records what each said.
func (c *client) send(r request, a history.Answer, to ...*node) error {
	waiting := make(map[string]func(history.Verdict))
	for _, n := range to {
		waiting[n.Radius] = c.record.Call(c.number, a)
		if err := c.nas.send(r, n); err != nil {
			return err
		}
	}
	until := time.Now().Add(answerWithin)
	for len(waiting) > 0 {
		answer, ok := c.receive(r, until)
		if !ok {
			return nil
		}
		if done := waiting[answer.from]; done != nil {
			done(answer.verdict)
			delete(waiting, answer.from)
		}
	}
	return nil
}

// judge ends the traffic, says what was seen, and fails the test when it does not fit.
func (tr *traffic) judge() {
	s := tr.site
	s.Helper()
	tr.end()
	began, counts := time.Now(), tr.record.Counts()
	err := tr.record.Check(time.Minute, drawing(s))
	total := 0
	for _, n := range counts {
		total += n
	}
	s.Logf("%d exchanges in %v, judged in %v: %v", total, began.Sub(tr.began).Round(time.Second),
		time.Since(began).Round(time.Millisecond), counts)
	s.must(err)
	if counts[history.Accepted] == 0 {
		s.Fatal("nobody was let in: nothing was tested")
	}
}
