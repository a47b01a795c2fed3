package login

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxInFlight bounds the codes and notices that wait for a mail server or a gateway.
const maxInFlight = 4096

// errOutboxFull means that as many messages wait as may; errOutboxClosed that the daemon stops.
var (
	errOutboxFull   = errors.New("too many messages wait to be sent")
	errOutboxClosed = errors.New("the daemon is stopping")
)

// Delivery tells what became of a message, for the log and the metrics. It holds no secret.
type Delivery struct {
	// Factor is the factor that sent it; Notice is the kind of a notice, "" for a code.
	Factor string
	Notice NoticeKind
	// Trace is the id under which the audit events of the login are found; "" for acts of
	// administrators.
	Trace string
	// UserID is whom it was for.
	UserID string
	// Server is the server that took or refused it. Err is nil when it was taken.
	Server string
	Err    error
	Took   time.Duration
}

// Outbox runs what outlives a request: messages on their way, answers at a server that judges them.
// It is made once for a daemon, is shared by its engines, and is safe for concurrent use.
type Outbox struct {
	report func(Delivery)
	now    func() time.Time
	slots  chan struct{}
	base   context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// NewOutbox returns an outbox. report is told of each delivery and must not block; nil means nobody.
// now nil means time.Now.
func NewOutbox(report func(Delivery), now func() time.Time) *Outbox {
	if report == nil {
		report = func(Delivery) {}
	}
	if now == nil {
		now = time.Now
	}
	base, cancel := context.WithCancel(context.Background())
	return &Outbox{report: report, now: now, slots: make(chan struct{}, maxInFlight), base: base, cancel: cancel}
}

// Close waits for what is on its way until ctx ends, and then gives it up.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	done := make(chan struct{})
	go func() {
		o.work.Wait()
		close(done)
	}()
	defer o.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		o.cancel()
		<-done
		return ctx.Err()
	}
}

// Pending is how many messages and answers are on their way.
func (o *Outbox) Pending() int { return len(o.slots) }

// run does work that outlives the request, for at most as long as given.
func (o *Outbox) run(within time.Duration, work func(context.Context)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errOutboxClosed
	}
	select {
	case o.slots <- struct{}{}:
	default:
		return errOutboxFull
	}
	o.work.Go(func() {
		defer func() { <-o.slots }()
		ctx, cancel := context.WithTimeout(o.base, within)
		defer cancel()
		work(ctx)
	})
	return nil
}

// deliver sends a message in the background and reports what became of it; done is called with the
// result, also when the message could not even be queued.
func (o *Outbox) deliver(d Delivery, within time.Duration, send func(context.Context) (string, error), done func(error)) {
	began := o.now()
	finish := func(server string, err error) {
		d.Server, d.Err, d.Took = server, err, o.now().Sub(began)
		o.report(d)
		done(err)
	}
	err := o.run(within, func(ctx context.Context) { finish(send(ctx)) })
	if err != nil {
		finish("", err)
	}
}
