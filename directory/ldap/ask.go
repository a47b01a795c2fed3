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

// question is put to one server, which must answer before until.
type question[T any] func(ctx context.Context, s *server, until time.Time) (T, error)

// ask puts a question to the servers until one answers: the next one at once when one fails, and
// beside one that stays silent for a share of the time that is left. The error means that no server
// could be asked within the context.
func ask[T any](ctx context.Context, d *Directory, q question[T]) (T, error) {
	var none T
	leave, err := d.enter(ctx)
	if err != nil {
		return none, err
	}
	defer leave()
	return askAny(ctx, d, d.order(), q)
}

// askInTurn puts a question to one server after the other until one answers. It is for passwords: a
// wrong one counts towards a lockout wherever it is tried, so that the next server is asked only when
// this one failed or its share of the time is over.
func askInTurn[T any](ctx context.Context, d *Directory, q question[T]) (T, error) {
	var none T
	leave, err := d.enter(ctx)
	if err != nil {
		return none, err
	}
	defer leave()
	var errs []error
	order := d.order()
	for i, s := range order {
		if i > 0 {
			d.stats.failovers.Add(1)
		}
		value, err := askOne(ctx, d, s, d.until(ctx, len(order)-i), q)
		if err == nil {
			return value, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return none, errors.Join(errs...)
}

// askAny asks the first server, and the others when it fails or stays silent.
func askAny[T any](ctx context.Context, d *Directory, order []*server, q question[T]) (T, error) {
	first := order[0]
	if len(order) == 1 {
		return askOne(ctx, d, first, d.until(ctx, 1), q)
	}
	racing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	askOthers := func() (T, error) {
		d.stats.failovers.Add(1)
		return askAny(racing, d, order[1:], q)
	}
	var others struct {
		value T
		err   error
	}
	answered := make(chan struct{})
	hedge := time.AfterFunc(d.hedgeAfter(ctx, len(order)), func() {
		defer close(answered)
		if others.value, others.err = askOthers(); others.err == nil {
			cancel(errSilent)
		}
	})
	value, err := askOne(racing, d, first, d.until(ctx, 1), q)
	beside := !hedge.Stop()
	switch {
	case err == nil:
		return value, nil
	case beside:
		<-answered
	case ctx.Err() != nil:
		return value, err
	default:
		others.value, others.err = askOthers()
	}
	if others.err != nil {
		return others.value, errors.Join(err, others.err)
	}
	return others.value, nil
}

// askOne puts the question to one server and keeps the server's health.
func askOne[T any](ctx context.Context, d *Directory, s *server, until time.Time, q question[T]) (T, error) {
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	s.asked.Add(1)
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	start := d.now()
	value, err := q(ctx, s, until)
	switch {
	case err == nil || !saysDown(err):
		s.answered(d.now().Sub(start))
	case errors.Is(context.Cause(ctx), errSilent):
		s.failedWith(errSilent)
	case errors.Is(ctx.Err(), context.Canceled):
		// Nobody waits for this answer any more: another server was quicker, or the caller left.
	default:
		s.failedWith(err)
	}
	if err != nil {
		return value, fmt.Errorf("%s: %w", s.url, err)
	}
	return value, nil
}

// order returns the servers to ask: those that are up in the configured order, then the others, as a
// last resort. Servers that are due for a probe get one beside.
func (d *Directory) order() []*server {
	if !slices.ContainsFunc(d.servers, (*server).isDown) {
		return d.servers
	}
	up, down := make([]*server, 0, len(d.servers)), []*server(nil)
	for _, s := range d.servers {
		if s.isDown() {
			down = append(down, s)
			d.probeIfDue(s, probeEvery)
		} else {
			up = append(up, s)
		}
	}
	return append(up, down...)
}

// until is the end of the time that a server has for its answer: an equal share of what is left for
// so many servers, and the time-out at most.
func (d *Directory) until(ctx context.Context, servers int) time.Time {
	now := time.Now()
	span := d.timeout
	if deadline, ok := ctx.Deadline(); ok {
		span = min(span, deadline.Sub(now)/time.Duration(servers))
	}
	return now.Add(span)
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
