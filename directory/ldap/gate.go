package ldap

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// errBusy means that more questions wait already than can be answered in time.
var errBusy = errors.New("directory: too many questions are waiting; the servers are slow or down")

// The questions of one directory. A directory that hangs holds 128 callers for as long as they allow,
// which is half of the daemon's workers, and the others for a quarter of a second each; one that
// answers within milliseconds turns nobody away.
const (
	maxInFlight = 64
	maxWaiting  = 64
	patience    = 250 * time.Millisecond
)

// gate bounds the questions in flight. Of those that wait, the first maxWaiting wait as long as their
// context allows, and the rest for a short time only, so that one slow directory does not take every
// worker. It is safe for concurrent use.
type gate struct {
	inFlight   chan struct{}
	waiting    atomic.Int64
	maxWaiting int64
}

func newGate(inFlight, waiting int) *gate {
	return &gate{inFlight: make(chan struct{}, inFlight), maxWaiting: int64(waiting)}
}

// enter waits for a place and must be followed by leave, unless it returns an error.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.inFlight <- struct{}{}:
		return nil
	default:
	}
	before := g.waiting.Add(1)
	defer g.waiting.Add(-1)
	var enough <-chan time.Time
	if before > g.maxWaiting {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case g.inFlight <- struct{}{}:
		return nil
	case <-enough:
		return errBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *gate) leave() { <-g.inFlight }

// counts returns how many are in flight and how many wait.
func (g *gate) counts() (inFlight, waiting int) { return len(g.inFlight), int(g.waiting.Load()) }
