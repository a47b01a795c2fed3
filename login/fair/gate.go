package fair

import (
	"context"
	"sync"
	"time"
)

// Limits are those of a [Gate].
type Limits struct {
	// Places is how many may be inside at once, Share how many times the free ones a client may hold
	// (see [NewQueue]).
	Places, Share int
	// Waiting is how many may wait as long as their context allows. Beyond that, who has more than an
	// equal part of them waits for Patience (zero means not at all) and is turned away with Busy. When
	// Busy is nil, everybody waits.
	Waiting  int
	Patience time.Duration
	Busy     error
}

// Gate bounds how many are inside at once, and lets clients take turns. It is safe for concurrent use.
type Gate struct {
	limits Limits

	mu    sync.Mutex
	queue *Queue[*waiter]
}

// waiter waits for a place; entered is closed when it has one.
type waiter struct {
	entered chan struct{}
	inside  bool
}

// NewGate returns a gate that nobody has entered.
func NewGate(limits Limits) *Gate {
	return &Gate{limits: limits, queue: NewQueue[*waiter](limits.Places, limits.Share)}
}

// Enter waits for a place for a client, which must be given back by Leave. The error is that of the
// context, or Busy.
func (g *Gate) Enter(ctx context.Context, client string) error {
	if g.TryEnter(client) {
		return nil
	}
	w, patient := g.push(client)
	var enough <-chan time.Time
	if !patient {
		timer := time.NewTimer(g.limits.Patience)
		defer timer.Stop()
		enough = timer.C
	}
	var err error
	select {
	case <-w.entered:
		return nil
	case <-enough:
		err = g.limits.Busy
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.inside { // meanwhile
		return nil
	}
	g.queue.Remove(client, w)
	return err
}

// TryEnter takes a place for a client, which must be given back by Leave, if there is one at once.
func (g *Gate) TryEnter(client string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.TakeNow(client)
}

// Leave gives back a place of the client.
func (g *Gate) Leave(client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue.Done(client)
	g.admit()
}

// Counts returns how many are inside and how many wait.
func (g *Gate) Counts() (inside, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting, _ = g.queue.Waiting()
	return g.queue.Used(), waiting
}

// push lets a client wait, and says whether it may wait for long.
func (g *Gate) push(client string) (w *waiter, patient bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w = &waiter{entered: make(chan struct{})}
	g.queue.Push(client, w, false)
	g.admit()
	if w.inside {
		return w, true
	}
	all, clients := g.queue.Waiting()
	patient = g.limits.Busy == nil || all <= g.limits.Waiting ||
		g.queue.WaitingOf(client)*clients <= max(g.limits.Waiting, clients)
	return w, patient
}

// admit lets in whoever may enter.
func (g *Gate) admit() {
	for {
		w, ok := g.queue.Take()
		if !ok {
			return
		}
		w.inside = true
		close(w.entered)
	}
}
