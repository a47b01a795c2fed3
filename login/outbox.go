package login

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxMessages bounds the codes and notices that wait for a mail server or a gateway, maxAnswers the
// answers at a server that judges them: a mail server that hangs holds up no passcode.
const (
	maxMessages = 4096
	maxAnswers  = 1024
)

// errOutboxFull means that as many messages wait as may; errOutboxClosed that the daemon stops.
var (
	errOutboxFull   = errors.New("too many messages or answers are on their way")
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
	report            func(Delivery)
	now               func() time.Time
	messages, answers chan struct{}
	base              context.Context
	cancel            context.CancelFunc

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
	return &Outbox{
		report: report, now: now, messages: make(chan struct{}, maxMessages), answers: make(chan struct{}, maxAnswers),
		base: base, cancel: cancel,
	}
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
func (o *Outbox) Pending() int { return len(o.messages) + len(o.answers) }

// slot is the right to do one work that outlives its request.
type slot struct {
	o    *Outbox
	from chan struct{}
	// gone says that the slot is in use by its work, or given back.
	gone bool
}

// reserve takes a slot for an answer that is to be forwarded.
func (o *Outbox) reserve() (*slot, error) { return o.take(o.answers) }

func (o *Outbox) take(from chan struct{}) (*slot, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errOutboxClosed
	}
	select {
	case from <- struct{}{}:
		o.work.Add(1)
		return &slot{o: o, from: from}, nil
	default:
		return nil, errOutboxFull
	}
}

// run does the work in the background, for at most as long as given.
func (s *slot) run(within time.Duration, work func(context.Context)) {
	s.gone = true
	go func() {
		defer s.free()
		defer s.o.survive()
		ctx, cancel := context.WithTimeout(s.o.base, within)
		defer cancel()
		work(ctx)
	}()
}

// release gives the slot back if nothing was run in it.
func (s *slot) release() {
	if !s.gone {
		s.gone = true
		s.free()
	}
}

// survive ends a panic: it costs the message or answer that caused it. The report has its kind but not
// its text, which may quote what was sent.
func (o *Outbox) survive() {
	if p := recover(); p != nil {
		o.report(Delivery{Err: fmt.Errorf("a fault of the program (%T)", p)})
	}
}

func (s *slot) free() {
	<-s.from
	s.o.work.Done()
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
	s, err := o.take(o.messages)
	if err != nil {
		finish("", err)
		return
	}
	s.run(within, func(ctx context.Context) { finish(send(ctx)) })
}
