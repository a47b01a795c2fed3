package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sallyport/login"
)

// readiness is whether the node serves, for those who ask and those who wait. The zero value is
// ready; a Node sets it before anyone sees it.
type readiness struct{ current atomic.Pointer[readyState] }

type readyState struct {
	reason  error // nil when ready
	changed chan struct{}
}

// set changes the reason. That a node takes no part stays true until it is closed.
func (r *readiness) set(reason error) {
	next := &readyState{reason, make(chan struct{})}
	for {
		old := r.current.Load()
		if old != nil && errors.Is(old.reason, ErrOut) && !errors.Is(reason, errClosed) {
			return
		}
		if r.current.CompareAndSwap(old, next) {
			if old != nil {
				close(old.changed)
			}
			return
		}
	}
}

func (r *readiness) err() error { return r.current.Load().reason }

// WaitReady returns when the node serves: there is a leader, the log has been applied, and the key
// ring is open. It returns at once when waiting does not help, as with [ErrMasterKey], or when the node
// was removed from the cluster.
func (n *Node) WaitReady(ctx context.Context) error {
	for {
		s := n.ready.current.Load()
		if s.reason == nil {
			return nil
		}
		if isFinal(s.reason) {
			return s.reason
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the cluster: %w (%w)", s.reason, context.Cause(ctx))
		}
	}
}

// isFinal reports whether waiting does not help.
func isFinal(reason error) bool {
	return errors.Is(reason, ErrMasterKey) || errors.Is(reason, errClosed) || errors.Is(reason, ErrOut)
}

// Name is the part's name in readiness and status.
func (n *Node) Name() string { return "cluster" }

// keyGrace is how long past its life a State key may be used before the ring counts as stale.
const keyGrace = time.Hour

// Ready asks anew: can the node serve, does its clock agree with the log, and was it not set at run time? The error names what
// is not ready.
func (n *Node) Ready(ctx context.Context) error {
	if err := n.Serving(ctx); err != nil {
		return err
	}
	check := n.clock.check()
	if _, off := n.codeClock.read(); off != 0 {
		if check == nil {
			return jumped(off)
		}
		return fmt.Errorf("%w; %w", jumped(off), check)
	}
	return check
}

// Serving asks anew: is there a leader, does the log store take a write, is the key ring fresh? It is
// for clients that would otherwise turn away: a clock that is off needs an administrator, but logins
// go on meanwhile.
func (n *Node) Serving(ctx context.Context) error {
	if err := n.readableNow(); err != nil {
		return err
	}
	if _, err := n.keyRing(); err != nil {
		return err
	}
	keys := n.machine.View().Meta().Keys
	age := n.Now().Sub(instant(keys[len(keys)-1].Since))
	if age > n.keyLife+keyGrace {
		return fmt.Errorf("the State key is %v old and was not renewed", age.Round(time.Second))
	}
	return n.probe(ctx)
}

// probe writes to the log store and flushes, as a commit does.
func (n *Node) probe(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		done <- n.store.probe()
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("the log store takes no write: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the log store has not answered: %w", login.ErrUnavailable, context.Cause(ctx))
	}
}
