package ldap

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"sallyport/login"
	"sallyport/login/fair"
)

// maxIdle is how long an unused connection is trusted: firewalls forget them without a word.
const maxIdle = time.Minute

// pool holds the connections of one kind to one server. It is safe for concurrent use.
type pool struct {
	dial func(ctx context.Context, until time.Time) (*conn, error)
	now  func() time.Time
	// repeats says that a question may be asked again although the server may have acted on it: a
	// search changes nothing, a bind with a wrong password counts towards a lockout.
	repeats bool
	// slots bounds the connections in use, which clients take in turns.
	slots *fair.Gate

	mu sync.Mutex
	// idle has the most recently used connection last; it is taken first, so that few are kept warm.
	idle   []*conn
	closed bool
}

func newPool(size int, now func() time.Time, dial func(context.Context, time.Time) (*conn, error)) *pool {
	return &pool{dial: dial, now: now, slots: fair.NewGate(fair.Limits{Places: size, Share: fair.Share})}
}

// use runs a question on a connection, within the context and until then. A connection that the
// server closed while it was idle is replaced once by a new one.
func (p *pool) use(ctx context.Context, until time.Time, question func(*conn) error) error {
	client := login.ClientOf(ctx)
	if err := p.enter(ctx, client, until); err != nil {
		return err
	}
	defer p.slots.Leave(client)
	if c := p.takeIdle(); c != nil {
		err := c.do(ctx, until, question)
		p.put(c, err)
		lost, ok := asLost(err)
		if !ok || lost.sent && !p.repeats || ctx.Err() != nil || time.Until(until) <= 0 || errors.Is(err, errTooLarge) {
			return err
		}
		p.closeIdle(p.now())
	}
	c, err := p.dial(ctx, until)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return errors.Join(cause, err)
		}
		return err
	}
	err = c.do(ctx, until, question)
	p.put(c, err)
	return err
}

// enter waits for a slot.
func (p *pool) enter(ctx context.Context, client string, until time.Time) error {
	if p.slots.TryEnter(client) {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return p.slots.Enter(ctx, client)
}

func (p *pool) takeIdle() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if c.isOpen() && p.now().Sub(c.used) < maxIdle {
			return c
		}
		go c.close()
	}
	return nil
}

// put returns a connection after its question; one that failed is closed.
func (p *pool) put(c *conn, err error) {
	if _, lost := asLost(err); lost {
		c.close()
		return
	}
	c.used = p.now()
	p.mu.Lock()
	keep := !p.closed
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// closeIdle closes the connections that were not used since t, or that the server has closed.
func (p *pool) closeIdle(t time.Time) {
	var stale []*conn
	p.mu.Lock()
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		if c.used.After(t) && c.isOpen() {
			return false
		}
		stale = append(stale, c)
		return true
	})
	p.mu.Unlock()
	for _, c := range stale {
		c.close()
	}
}

// close closes what is idle now, and what is in use when it is put back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.closeIdle(p.now())
}

// counts returns the connections in use and those that are idle and open.
func (p *pool) counts() (used, idle int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		if c.isOpen() {
			idle++
		}
	}
	used, _ = p.slots.Counts()
	return used, idle
}
