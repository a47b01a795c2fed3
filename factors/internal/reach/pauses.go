package reach

import (
	"context"
	"math/rand/v2"
	"time"
)

// The pauses between two rounds over all servers. A greylist (RFC 6647) lets a message in after
// minutes, within the life of a code.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
)

// Pauses are the pauses of one delivery. They begin at a second and double up to half a minute; each
// is shortened by up to a quarter, so that messages that failed together do not come back together.
// The zero value is before the first one. It is not safe for concurrent use.
type Pauses struct{ last time.Duration }

// Wait pauses for the next one, or as long as a server asked for when that is longer. It returns false
// when ctx ends before, and at once when it would.
func (p *Pauses) Wait(ctx context.Context, asked time.Duration) bool {
	p.last = min(max(2*p.last, firstPause), maxPause)
	pause := max(p.last-rand.N(p.last/4), asked)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause { // by the clock that contexts know
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
