package status

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is something of the daemon that reports on itself. Implementations are safe for concurrent
// use and obey the context's deadline.
type Part interface {
	// Name is the part's name in reports, unique in the daemon: "cluster", "radius".
	Name() string
	// Ready says what keeps the part from serving, in words for an administrator; nil means
	// nothing does. It is found out anew, not remembered.
	Ready(ctx context.Context) error
	// Status describes the part, as a value that encoding/json can write and that holds no secret.
	Status(ctx context.Context) any
}

// Alive is implemented by parts with a loop of their own that could hang while the process goes on.
type Alive interface {
	// Alive says which loop hangs; nil means none does. A back end that is down is no reason:
	// starting the process again would not bring it back.
	Alive(ctx context.Context) error
}

// maxAsking is how many questions to one part may be under way. A part that hangs and ignores its
// context costs that many goroutines and no more.
const maxAsking = 4

var (
	errNoAnswer = errors.New("does not answer")
	errPanicked = errors.New("failed while it was asked")
)

// registered is a part with the bound on the questions put to it.
type registered struct {
	part   Part
	asking chan struct{}
}

func newRegistered(p Part) *registered {
	return &registered{part: p, asking: make(chan struct{}, maxAsking)}
}

// ask runs question in a goroutine of its own and waits for it no longer than ctx allows, whether
// or not the part obeys ctx. A panic becomes an error: a report must not end the daemon.
func (r *registered) ask(ctx context.Context, question func(context.Context) error) error {
	select {
	case r.asking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w, nor to earlier questions", errNoAnswer)
	}
	answer := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				answer <- errPanicked
			}
			<-r.asking
		}()
		answer <- question(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errNoAnswer
	}
}

func (r *registered) ready(ctx context.Context) error { return r.ask(ctx, r.part.Ready) }

// alive reports nil for parts that have no loop of their own.
func (r *registered) alive(ctx context.Context) error {
	a, ok := r.part.(Alive)
	if !ok {
		return nil
	}
	return r.ask(ctx, a.Alive)
}

// report asks whether the part is ready and, when full is true, for its status too.
func (r *registered) report(ctx context.Context, full bool, now func() time.Time) PartReport {
	began := now()
	err := r.ready(ctx)
	p := PartReport{Ready: err == nil, Milliseconds: milliseconds(now().Sub(began))}
	if err != nil {
		p.Reason = err.Error()
	}
	if full {
		p.Status = r.status(ctx)
	}
	return p
}

// status returns nil when the part did not answer in time.
func (r *registered) status(ctx context.Context) any {
	got := make(chan any, 1)
	err := r.ask(ctx, func(ctx context.Context) error {
		got <- r.part.Status(ctx)
		return nil
	})
	if err != nil {
		return nil
	}
	return <-got
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Named returns p under another name, for parts whose own names come from the configuration and
// could meet those of others: "directory corp".
func Named(name string, p Part) Part { return named{p, name} }

type named struct {
	Part
	name string
}

// Name returns the other name.
func (n named) Name() string { return n.name }

// Alive passes the question on to a part that can be asked.
func (n named) Alive(ctx context.Context) error {
	if a, ok := n.Part.(Alive); ok {
		return a.Alive(ctx)
	}
	return nil
}
