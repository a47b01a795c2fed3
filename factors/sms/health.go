package sms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// health is what the last requests to a gateway told. The zero value is one that was not asked yet.
// It is safe for concurrent use.
type health struct {
	mu sync.Mutex
	seen
	complaints
}

// seen is a health at one moment.
type seen struct {
	// failed is why the gateway could not be used at last, nil when it could; since is when that
	// began or ended, failedLast when it happened last, and tookLast when a message was taken last.
	failed                      error
	since, failedLast, tookLast time.Time
}

// works notes that a message was taken. It reports whether the log has a failure that is over now.
func (h *health) works(now time.Time) (back bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed != nil {
		h.since = now
	}
	h.failed, h.tookLast = nil, now
	return h.complaints.over()
}

func (h *health) fails(now time.Time, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == nil {
		h.since = now
	}
	h.failed, h.failedLast = why, now
}

func (h *health) now() seen {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen
}

// lately reports whether the gateway failed a moment ago, and did not work since.
func (s seen) lately(now time.Time) bool { return s.failed != nil && now.Sub(s.failedLast) < lastFor }

// Status is what an administrator is shown.
type Status struct {
	Servers []ServerStatus `json:"servers"`
}

// ServerStatus is the state of one gateway, as the last request to it told.
type ServerStatus struct {
	Server string `json:"server"`
	Up     bool   `json:"up"`
	// Since is when Up changed last, LastSent when the gateway took a message last; zero if never.
	Since    time.Time `json:"since,omitzero"`
	LastSent time.Time `json:"last_sent,omitzero"`
	// LastError is why it is down.
	LastError string `json:"last_error,omitempty"`
	// The counts are those of [ServerStats].
	Taken       uint64 `json:"taken"`
	Queued      uint64 `json:"queued"`
	Refused     uint64 `json:"refused"`
	Busy        uint64 `json:"busy"`
	Unreachable uint64 `json:"unreachable"`
	Unknown     uint64 `json:"unknown"`
}

// Status describes the gateways, a [Status].
func (f *Factor) Status(context.Context) any {
	var st Status
	for _, g := range f.engine.gateways {
		h, n := g.health.now(), g.stats()
		one := ServerStatus{
			Server: n.Server, Up: h.failed == nil, Since: h.since, LastSent: h.tookLast,
			Taken: n.Taken, Queued: n.Queued, Refused: n.Refused, Busy: n.Busy, Unreachable: n.Unreachable, Unknown: n.Unknown,
		}
		if h.failed != nil {
			one.LastError = h.failed.Error()
		}
		st.Servers = append(st.Servers, one)
	}
	return st
}

// Ready names the gateways when every one of them failed within the last half minute. It asks none.
// After that time it says nothing until a message is sent again.
func (f *Factor) Ready(context.Context) error {
	now := f.engine.now()
	faults := make([]error, 0, len(f.engine.gateways))
	for _, g := range f.engine.gateways {
		h := g.health.now()
		if !h.lately(now) {
			return nil
		}
		faults = append(faults, fmt.Errorf("%s: %w", g.host, h.failed))
	}
	return errors.Join(faults...)
}
