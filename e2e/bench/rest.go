package main

import (
	"context"
	"time"
)

// timeStep is the TOTP time step.
const timeStep = 30 * time.Second

// rest divides the people into parts, of whom each run takes the next, and keeps until when each
// part has to rest: a code is taken once, so until the next time step at least.
type rest struct {
	// people and parts are how many there are.
	people, parts int
	// after is how long the people rest at least, so that Sallyport has forgotten their entries.
	after time.Duration

	next  int
	until map[int]time.Time
}

// take gives the part whose turn it is, as numbers of users, and when it is rested.
func (r *rest) take() (part, first, count int, rested time.Time) {
	part = r.next
	r.next = (r.next + 1) % r.parts
	count = r.people / r.parts
	return part, part * count, count, r.until[part]
}

// took notes that the people of a part have logged in until now.
func (r *rest) took(part int, now time.Time) {
	if r.until == nil {
		r.until = map[int]time.Time{}
	}
	r.until[part] = now.Truncate(timeStep).Add(timeStep)
	if forgotten := now.Add(r.after); forgotten.After(r.until[part]) {
		r.until[part] = forgotten
	}
}

// tookAll is took for everyone.
func (r *rest) tookAll(now time.Time) {
	for part := range r.parts {
		r.took(part, now)
	}
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
