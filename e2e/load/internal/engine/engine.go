package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/e2e/load/internal/people"
	"sallyport/e2e/load/internal/stats"
)

// identifiers is how many requests may be pending on one source port (RFC 2865 §3).
const identifiers = 256

// Config says how logins are made.
type Config struct {
	// Servers are where the requests go: those of one source port, and so of one login, to one of them.
	Servers []netip.AddrPort
	// Secret is the shared secret, NASIdentifier how the requests name their sender.
	Secret        []byte
	NASIdentifier string
	// Ports is the number of source ports; each carries at most 256 requests at a time.
	Ports int
	// Timeout is how long the first transmission waits for a reply; each further one waits twice
	// as long, at most 16 s (RFC 5080 §2.2.1: IRT and MRT). Tries is the number of transmissions.
	Timeout time.Duration
	Tries   int
	// Strict drops replies without a right Message-Authenticator as their first attribute.
	Strict bool
	// People are those who log in.
	People *people.Range
	// Now is the clock.
	Now func() time.Time
}

// Plan says when logins are measured: those that start after Warmup (zero measures from the first
// one), for Duration (zero: until nobody is left). Mark is called when measuring begins and ends.
type Plan struct {
	Warmup, Duration time.Duration
	Mark             func()
}

// Result is what was measured.
type Result struct {
	// Tally counts the logins that started while it was measured.
	Tally stats.Tally
	// Elapsed is how long logins were started and measured; waiting for the last ones is not in it.
	Elapsed time.Duration
	// Exhausted tells that it ended early since the range of users is too small.
	Exhausted bool
}

// Engine makes logins. One run at a time; it is used up by it.
type Engine struct {
	cfg   Config
	base  time.Time
	ports []*port

	// source gives the next to log in and false when nobody is left; refill tells a port to start
	// the next login when one has ended.
	source func(time.Time) (people.Visit, bool)
	refill bool

	registering bool
	measuring   atomic.Bool
	stopping    atomic.Bool
	exhausted   atomic.Bool
	inFlight    sync.WaitGroup
	background  sync.WaitGroup
	left        chan struct{} // closed when nobody is left to log in
	leave       sync.Once
}

// New opens the source ports.
func New(cfg Config) (*Engine, error) {
	switch {
	case len(cfg.Servers) == 0 || cfg.Ports < len(cfg.Servers):
		return nil, errors.New("at least one source port for each server is needed")
	case cfg.Tries < 1 || cfg.Timeout <= 0:
		return nil, errors.New("at least one transmission and a time-out are needed")
	case len(cfg.Secret) == 0:
		return nil, errors.New("the shared secret is empty")
	}
	e := &Engine{cfg: cfg, base: cfg.Now(), left: make(chan struct{})}
	e.source = e.nextInCircle
	for i := range cfg.Ports {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(cfg.Servers[i%len(cfg.Servers)]))
		if err != nil {
			e.close()
			return nil, fmt.Errorf("open a source port: %w", err)
		}
		e.ports = append(e.ports, newPort(e, conn))
	}
	return e, nil
}

// Closed keeps inFlight logins in flight.
func (e *Engine) Closed(ctx context.Context, inFlight int, plan Plan) (Result, error) {
	if room := len(e.ports) * identifiers; inFlight < 1 || inFlight > room {
		e.close()
		return Result{}, fmt.Errorf("%d logins in flight: %d source ports carry 1 to %d", inFlight, len(e.ports), room)
	}
	e.refill = true
	return e.run(ctx, plan, func() {
		for i := range inFlight {
			e.ports[i%len(e.ports)].startOne()
		}
	})
}

// Register logs everyone in whose key is not known, inFlight at a time, and keeps the key that each
// first login shows; who is registered already is counted as rejected.
func (e *Engine) Register(ctx context.Context, inFlight int, mark func()) (Result, error) {
	e.registering = true
	e.source = e.nextUnknown()
	return e.Closed(ctx, inFlight, Plan{Mark: mark})
}

// run starts logins by start, measures, and waits until the last one has ended or ctx is done.
func (e *Engine) run(ctx context.Context, plan Plan, start func()) (Result, error) {
	timers, stopTimers := context.WithCancel(context.Background())
	defer func() {
		stopTimers()
		e.close()
		e.background.Wait()
	}()
	for _, p := range e.ports {
		e.background.Go(p.read)
	}
	e.background.Go(func() { e.retransmit(timers) })

	if plan.Warmup > 0 {
		start()
		e.wait(ctx, plan.Warmup)
		start = func() {}
	}
	plan.Mark()
	began := e.cfg.Now()
	e.measuring.Store(true)
	start()
	e.wait(ctx, plan.Duration)
	e.stopping.Store(true)
	elapsed := e.cfg.Now().Sub(began)
	plan.Mark()
	e.drain(ctx)
	return e.result(elapsed), nil
}

// wait waits for d, or for ever when d is zero, and no longer than there is somebody left.
func (e *Engine) wait(ctx context.Context, d time.Duration) {
	var timeout <-chan time.Time
	if d > 0 {
		timeout = time.After(d)
	}
	select {
	case <-timeout:
	case <-ctx.Done():
	case <-e.left:
	}
}

func (e *Engine) drain(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		e.inFlight.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (e *Engine) result(elapsed time.Duration) Result {
	r := Result{Elapsed: elapsed, Exhausted: e.exhausted.Load()}
	for _, p := range e.ports {
		p.mu.Lock()
		r.Tally.Merge(&p.tally)
		p.mu.Unlock()
	}
	return r
}

func (e *Engine) close() {
	for _, p := range e.ports {
		p.conn.Close()
	}
}

// since is the time on the engine's own scale.
func (e *Engine) since() time.Duration { return e.cfg.Now().Sub(e.base) }
