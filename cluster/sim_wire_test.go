package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// way is from one node to another.
type way struct{ from, to string }

// wires carry messages between nodes.
type wires struct {
	seed uint64
	mu   sync.Mutex
	// lives are the processes that run, by node.
	lives map[string]*life
	cut   map[way]bool
	slow  map[way]time.Duration // the most that a message takes
	// held is closed when a node goes on that stands still.
	held  map[string]chan struct{}
	dice  map[way]*rand.Rand
	quiet bool // nothing goes wrong any more

	carrying sync.WaitGroup
}

func newWires(seed uint64) *wires {
	return &wires{
		seed: seed, lives: map[string]*life{}, cut: map[way]bool{}, slow: map[way]time.Duration{},
		held: map[string]chan struct{}{}, dice: map[way]*rand.Rand{},
	}
}

func (w *wires) life(name string) *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[name]
}

// enter and leave say which process is the node.
func (w *wires) enter(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[l.name] = l
}

func (w *wires) leave(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lives[l.name] == l {
		delete(w.lives, l.name)
	}
}

// set changes the wires.
func (w *wires) set(change func(*wires)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// hold makes a node stand still for the others, until the function that it returns is called.
func (w *wires) hold(name string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[name] != nil {
		return func() {}
	}
	held := make(chan struct{})
	w.held[name] = held
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.held[name] == held {
			delete(w.held, name)
			close(held)
		}
	}
}

// heal makes all wires good ones.
func (w *wires) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
	clear(w.slow)
	for name, held := range w.held {
		close(held)
		delete(w.held, name)
	}
	w.quiet = true
}

// fate draws what becomes of a message: how long it takes, and whether it is lost. Each way has its own
// dice.
func (w *wires) fate(y way) (takes time.Duration, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dice[y]
	if d == nil {
		d = rand.New(rand.NewPCG(w.seed, uint64(len(y.from))<<32^uint64(y.from[len(y.from)-1])<<8^uint64(y.to[len(y.to)-1])))
		w.dice[y] = d
	}
	takes = time.Duration(50+d.IntN(500)) * time.Microsecond
	if most := w.slow[y]; most > 0 {
		takes += time.Duration(d.Int64N(int64(most)))
	}
	return takes, w.cut[y] || !w.quiet && d.IntN(200) == 0
}

func (w *wires) isCut(y way) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[y]
}

// carry takes the time that a message takes, and reports whether it has arrived.
func (w *wires) carry(y way) bool {
	takes, lost := w.fate(y)
	if lost {
		return false
	}
	time.Sleep(takes)
	for _, name := range []string{y.from, y.to} {
		w.mu.Lock()
		held := w.held[name]
		w.mu.Unlock()
		if held != nil {
			<-held
		}
	}
	return !w.isCut(y)
}

var (
	errWireDead    = errors.New("connection refused")
	errWireTimeout = errors.New("i/o timeout")
)

// exchange carries a request to a node and its answer back; either may be late, or lost. The request may
// be answered although its caller has given up.
func (w *wires) exchange(ctx context.Context, from *life, to string, do func(*life) (any, error)) (any, error) {
	type answer struct {
		value any
		err   error
	}
	back := make(chan answer, 1)
	w.carrying.Go(func() {
		if from.dead() || !w.carry(way{from.name, to}) {
			return
		}
		var a answer
		if l := w.life(to); l == nil {
			a.err = errWireDead
		} else if a.value, a.err = do(l); l.dead() {
			return // it died before it could answer
		}
		if w.carry(way{to, from.name}) {
			back <- a
		}
	})
	select {
	case a := <-back:
		return a.value, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errWireTimeout, context.Cause(ctx))
	case <-from.ended:
		return nil, errWireDead
	}
}
