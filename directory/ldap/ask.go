package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxHedge is how long a silent server is waited for before the next one is asked as well.
const maxHedge = time.Second

var errSilent = errors.New("no answer, while another server had one")

// answer is what one server said to a question.
type answer[T any] struct {
	server *server
	value  T
	err    error
}

// ask puts a question to the servers until one answers: the next one at once when one fails, and
// next to one that stays silent for a share of the time that is left. The error means that no server
// could be asked within the context.
func ask[T any](ctx context.Context, d *Directory, question func(context.Context, *server) (T, error)) (T, error) {
	var none T
	if err := d.gate.enter(ctx); err != nil {
		return none, err
	}
	defer d.gate.leave()
	order := d.order()
	if len(order) == 1 {
		a := askOne(ctx, d, order[0], question)
		return a.value, a.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer[T], len(order))
	next := func() {
		s := order[0]
		order = order[1:]
		go func() { answers <- askOne(ctx, d, s, question) }()
	}
	silent := []*server{order[0]} // asked without an answer yet, in the order of asking
	hedge := time.NewTimer(d.hedgeAfter(ctx, len(order)))
	defer hedge.Stop()
	next()
	var errs []error
	for {
		select {
		case a := <-answers:
			at := slices.Index(silent, a.server)
			if a.err == nil {
				for _, s := range silent[:at] { // they were asked before it
					s.failedWith(errSilent)
				}
				return a.value, nil
			}
			silent = slices.Delete(silent, at, at+1)
			if errs = append(errs, a.err); len(order) == 0 && len(silent) == 0 {
				return none, errors.Join(errs...)
			}
		case <-hedge.C:
		case <-ctx.Done():
			return none, errors.Join(append(errs, context.Cause(ctx))...)
		}
		if len(order) > 0 {
			d.stats.failovers.Add(1)
			silent = append(silent, order[0])
			hedge.Reset(d.hedgeAfter(ctx, len(order)))
			next()
		}
	}
}

// askOne puts the question to one server within its time and keeps the server's health.
func askOne[T any](ctx context.Context, d *Directory, s *server, question func(context.Context, *server) (T, error)) answer[T] {
	bounded, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	s.asked.Add(1)
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	start := d.now()
	value, err := question(bounded, s)
	switch {
	case err == nil || !saysDown(err):
		s.answered(d.now().Sub(start))
	case errors.Is(ctx.Err(), context.Canceled):
		// Nobody waits for this answer any more: another server was quicker, or the caller left.
	default:
		s.failedWith(err)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.url, err)
	}
	return answer[T]{server: s, value: value, err: err}
}

// order returns the servers to ask: those that are up in the configured order, then the others, as a
// last resort. Servers that are due for a probe get one beside.
func (d *Directory) order() []*server {
	up, down := make([]*server, 0, len(d.servers)), []*server(nil)
	for _, s := range d.servers {
		if s.health().down {
			down = append(down, s)
			d.probeIfDue(s, probeEvery)
		} else {
			up = append(up, s)
		}
	}
	return append(up, down...)
}

// hedgeAfter is half of an equal share of the time that is left, so that there is time for every
// server, and for the last one twice.
func (d *Directory) hedgeAfter(ctx context.Context, servers int) time.Duration {
	left := d.timeout
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return min(maxHedge, left/time.Duration(2*servers))
}
