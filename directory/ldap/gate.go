package ldap

import (
	"context"
	"errors"
)

// errBusy means that more questions wait already than can be answered in time.
var errBusy = errors.New("directory: too many questions are waiting; the servers are slow or down")

// The questions of one directory: four times the workers of two cores, and as many again waiting, so
// that a slow directory holds at most half of the daemon's workers.
const (
	maxInFlight = 64
	maxWaiting  = 64
)

// gate bounds the questions in flight and those that wait. The rest is turned away at once, so that
// one slow directory does not take every worker. It is safe for concurrent use.
type gate struct {
	inFlight chan struct{}
	admitted chan struct{}
}

func newGate(inFlight, waiting int) *gate {
	return &gate{inFlight: make(chan struct{}, inFlight), admitted: make(chan struct{}, inFlight+waiting)}
}

// enter waits for a place and must be followed by leave, unless it returns an error.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.admitted <- struct{}{}:
	default:
		return errBusy
	}
	select {
	case g.inFlight <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-g.admitted
		return context.Cause(ctx)
	}
}

func (g *gate) leave() {
	<-g.inFlight
	<-g.admitted
}

// counts returns how many are in flight and how many wait.
func (g *gate) counts() (inFlight, waiting int) {
	inFlight = len(g.inFlight)
	return inFlight, max(0, len(g.admitted)-inFlight)
}
