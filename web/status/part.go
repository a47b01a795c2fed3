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

// Warner is implemented by parts that may have something to say although they serve. It is asked by /readyz
// and /healthz as well, so it does not wait.
type Warner interface {
	// Warning is in words for an administrator; empty means that all is well.
	Warning() string
}

// maxAsking is how many questions to one part may be under way. A part that hangs and ignores its
// context costs that many goroutines and no more.
const maxAsking = 4

var (
	errNoAnswer = errors.New("does not answer")
	errPanicked = errors.New("failed while it was asked")
)

// Auxiliary returns p as a part without which the node serves on. While it is not ready the report is
// degraded, and /readyz does not ask it.
func Auxiliary(p Part) Part { return auxiliary{p} }

type auxiliary struct{ Part }

// registered is a part with the bound on the questions put to it.
type registered struct {
	part      Part
	auxiliary bool
	asking    chan struct{}
}

func newRegistered(p Part) *registered {
	r := &registered{part: p, asking: make(chan struct{}, maxAsking)}
	if a, ok := p.(auxiliary); ok {
		r.part, r.auxiliary = a.Part, true
	}
	return r
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
	p := PartReport{Ready: err == nil, Auxiliary: r.auxiliary, Milliseconds: milliseconds(now().Sub(began))}
	if err != nil {
		p.Reason = err.Error()
	}
	p.Warning = r.warning()
	if full {
		p.Status = r.status(ctx)
	}
	return p
}

// warning is what a part says that serves all the same; a panic says nothing.
func (r *registered) warning() (text string) {
	defer func() { _ = recover() }()
	if w, ok := r.part.(Warner); ok {
		return w.Warning()
	}
	return ""
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
