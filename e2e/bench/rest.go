package main

import (
	"context"
	"time"
)

// parts is how many parts the people are divided into; each run takes the next part, so that
// Sallyport, which takes a code once, can be asked again while the others rest.
const parts = 2

// timeStep is the TOTP time step.
const timeStep = 30 * time.Second

// rest keeps who has to rest until when. The zero value: everyone is rested.
type rest struct {
	next  int
	until [parts]time.Time
}

// take gives the part whose turn it is, as numbers of users, and when it will be rested.
func (r *rest) take(people int) (part, first, count int, rested time.Time) {
	part = r.next
	r.next = (r.next + 1) % parts
	count = people / parts
	return part, part * count, count, r.until[part]
}

// took notes that the people of a part have used codes until now: the next ones are of the next time
// step.
func (r *rest) took(part int, now time.Time) { r.until[part] = now.Truncate(timeStep).Add(timeStep) }

// tookAll is took for everyone.
func (r *rest) tookAll(now time.Time) {
	for part := range parts {
		r.took(part, now)
	}
}

// sleep waits until an instant, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
