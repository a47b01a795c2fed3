package ldap

import (
	"context"
	"errors"
	"time"

	"sallyport/login"
	"sallyport/login/fair"
)

// errBusy means that more questions wait already than can be answered in time.
var errBusy = errors.New("directory: too many questions are waiting; the servers are slow or down")

// The questions of one directory. A directory that hangs holds 112 callers of one client for as long as
// they allow (48 in flight, since some places stay free for other clients), and the others for a quarter of
// a second each; one that answers within milliseconds turns nobody away.
const (
	maxInFlight = 64
	maxWaiting  = 64
	patience    = 250 * time.Millisecond
)

// newGate returns what bounds the questions in flight, which clients take in turns. Of those that wait,
// the first so many wait as long as their context allows, and the rest for a short time only, so that one
// slow directory does not take every worker.
func newGate(inFlight, waiting int) *fair.Gate {
	return fair.NewGate(fair.Limits{Places: inFlight, Share: fair.Share, Waiting: waiting, Patience: patience, Busy: errBusy})
}

// enter waits for a place among the questions in flight, and returns what gives it back.
func (d *Directory) enter(ctx context.Context) (leave func(), err error) {
	client := login.ClientOf(ctx)
	if err := d.gate.Enter(ctx, client); err != nil {
		return nil, err
	}
	return func() { d.gate.Leave(client) }, nil
}
