package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Arrivals says when the logins of an open loop start.
type Arrivals struct {
	// Rate is the mean number of logins per second.
	Rate float64
	// Constant makes the distance between two starts always the same; otherwise it is
	// exponential, as of people who know nothing of one another (a Poisson process).
	Constant bool
}

// Open starts logins as arrivals says, for as long as plan says, whatever the server does.
func (e *Engine) Open(ctx context.Context, arrivals Arrivals, plan Plan) (Result, error) {
	if arrivals.Rate <= 0 {
		e.close()
		return Result{}, errors.New("the rate of an open loop must be positive")
	}
	e.inFlight.Add(1) // the scheduler's, so that nothing seems ended while it runs
	return e.run(ctx, plan, func() {
		e.background.Go(func() {
			defer e.inFlight.Done()
			e.schedule(arrivals)
		})
	})
}

// schedule starts logins until the engine stops. A start that comes late keeps its intended time.
func (e *Engine) schedule(arrivals Arrivals) {
	// The thread is this goroutine's alone, and ends with it, since its timers are made precise.
	runtime.LockOSThread()
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else 50 µs late on the average

	mean := float64(time.Second) / arrivals.Rate
	intended := e.since()
	for i := 0; !e.stopping.Load(); i++ {
		gap := mean
		if !arrivals.Constant {
			gap *= rand.ExpFloat64()
		}
		intended += time.Duration(gap)
		e.sleepUntil(intended)
		p := e.ports[i%len(e.ports)]
		p.mu.Lock()
		p.start(intended)
		p.mu.Unlock()
	}
}

// sleepUntil sleeps in the kernel: the runtime's own timers are a millisecond late when nothing else
// happens, which would count as the server's latency.
func (e *Engine) sleepUntil(at time.Duration) {
	for {
		left := at - e.since()
		if left <= 0 || e.stopping.Load() {
			return
		}
		ts := unix.NsecToTimespec(int64(min(left, 100*time.Millisecond)))
		unix.Nanosleep(&ts, nil) // a signal only wakes it early
	}
}
