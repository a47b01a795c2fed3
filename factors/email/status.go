package email

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Stats are counts since the start, for metrics.
type Stats struct {
	Servers []ServerStats
}

// ServerStats are the counts of one server.
type ServerStats struct {
	// Server is its URL with the port.
	Server string
	Up     bool
	// Sent counts the messages taken; Temporary and Permanent the conversations that failed so.
	Sent, Temporary, Permanent uint64
}

// Stats returns the counts.
func (f *Factor) Stats() Stats {
	var st Stats
	for _, s := range f.servers {
		st.Servers = append(st.Servers, ServerStats{
			Server: s.String(), Up: !s.health().down,
			Sent: s.sent.Load(), Temporary: s.temporary.Load(), Permanent: s.permanent.Load(),
		})
	}
	return st
}

// Status is what an administrator is shown.
type Status struct {
	Servers []ServerStatus `json:"servers"`
}

// ServerStatus is the state of one server, as the last conversation with it told.
type ServerStatus struct {
	Server string `json:"server"`
	Up     bool   `json:"up"`
	// Since is when Up changed last, LastSent when the server took a message last; zero if never.
	Since    time.Time `json:"since,omitzero"`
	LastSent time.Time `json:"last_sent,omitzero"`
	// LastError is why it is down.
	LastError string `json:"last_error,omitempty"`
	Sent      uint64 `json:"sent"`
	Temporary uint64 `json:"temporary_failures"`
	Permanent uint64 `json:"permanent_failures"`
}

// Status describes the servers, a [Status].
func (f *Factor) Status(context.Context) any {
	var st Status
	for _, s := range f.servers {
		h := s.health()
		one := ServerStatus{
			Server: s.String(), Up: !h.down, Since: h.since, LastSent: h.tookLast,
			Sent: s.sent.Load(), Temporary: s.temporary.Load(), Permanent: s.permanent.Load(),
		}
		if h.failed != nil {
			one.LastError = h.failed.Error()
		}
		st.Servers = append(st.Servers, one)
	}
	return st
}

// Ready names the servers when every one of them failed within the last half minute. It asks none:
// a connection for each question would be too many. After that time it says nothing until a message
// is sent again.
func (f *Factor) Ready(context.Context) error {
	now := f.now()
	faults := make([]error, 0, len(f.servers))
	for _, s := range f.servers {
		h := s.health()
		if !h.down || !now.Before(h.resting) {
			return nil
		}
		faults = append(faults, fmt.Errorf("%s: %w", s, h.failed))
	}
	return errors.Join(faults...)
}
