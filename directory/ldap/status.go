package ldap

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// quietAfter is how long a server may be silent before Run asks it for a sign of life.
const quietAfter = 30 * time.Second

// counters are the directory's own counts.
type counters struct {
	binds, searches, cached, failovers atomic.Uint64
}

// Stats are counts since the start, for metrics.
type Stats struct {
	// Binds, Searches and Cached count the password checks, the searches, and the names that were
	// answered from memory. Failovers counts the questions put to a second server.
	Binds, Searches, Cached, Failovers uint64
	// InFlight and Waiting are the questions of this moment, Entries the remembered entries.
	InFlight, Waiting, Entries int
	Servers                    []ServerStats
}

// ServerStats are the counts of one server.
type ServerStats struct {
	URL           string
	Up            bool
	Asked, Failed uint64
	InFlight      int
}

// Status is what an administrator is shown.
type Status struct {
	Name    string         `json:"name"`
	Type    string         `json:"type"`
	Servers []ServerStatus `json:"servers"`
	// InFlight and Waiting are the questions of this moment, Entries the remembered entries.
	InFlight int `json:"in_flight"`
	Waiting  int `json:"waiting"`
	Entries  int `json:"entries"`
}

// ServerStatus is the state of one server.
type ServerStatus struct {
	URL string `json:"url"`
	Up  bool   `json:"up"`
	// Since is when Up changed last; zero when it never did.
	Since time.Time `json:"since,omitzero"`
	// LastAnswer is when the server answered last and LastMillis how long that took; LastError is
	// the newest failure, which may be older.
	LastAnswer time.Time `json:"last_answer,omitzero"`
	LastMillis float64   `json:"last_ms"`
	LastError  string    `json:"last_error,omitempty"`
	InFlight   int       `json:"in_flight"`
	// UserConnections check passwords, ServiceConnections search.
	UserConnections    Connections `json:"user_connections"`
	ServiceConnections Connections `json:"service_connections"`
}

// Connections counts a pool's connections.
type Connections struct {
	Used int `json:"used"`
	Idle int `json:"idle"`
}

// Stats returns the counts.
func (d *Directory) Stats() Stats {
	st := Stats{Binds: d.stats.binds.Load(), Searches: d.stats.searches.Load(), Cached: d.stats.cached.Load(),
		Failovers: d.stats.failovers.Load(), Entries: d.entries.len()}
	st.InFlight, st.Waiting = d.gate.Counts()
	for _, s := range d.servers {
		st.Servers = append(st.Servers, ServerStats{URL: s.url, Up: !s.isDown(), Asked: s.asked.Load(), Failed: s.failed.Load(),
			InFlight: int(s.inFlight.Load())})
	}
	return st
}

// Status returns a [Status]: what is known now, without asking a server.
func (d *Directory) Status(context.Context) any {
	st := Status{Name: d.name, Type: "ldap", Entries: d.entries.len()}
	st.InFlight, st.Waiting = d.gate.Counts()
	for _, s := range d.servers {
		h := s.health()
		one := ServerStatus{URL: s.url, Up: !h.down, Since: h.since, LastAnswer: h.answered,
			LastMillis: float64(h.took.Microseconds()) / 1000, InFlight: int(s.inFlight.Load())}
		if h.err != nil {
			one.LastError = clean(h.err.Error())
		}
		one.UserConnections.Used, one.UserConnections.Idle = s.users.counts()
		one.ServiceConnections.Used, one.ServiceConnections.Idle = s.service.counts()
		st.Servers = append(st.Servers, one)
	}
	return st
}

// Ready asks every server for a sign of life and returns nil when one gives it within the context
// and the directory's time-out.
func (d *Directory) Ready(ctx context.Context) error {
	signs := make(chan error, len(d.servers))
	for _, s := range d.servers {
		// A probe runs to its end, so that a slow server does not look dead because another was quick.
		go func() { signs <- d.probe(s) }()
	}
	var errs []error
	for range d.servers {
		select {
		case err := <-signs:
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		case <-ctx.Done():
			errs = append(errs, context.Cause(ctx))
		}
	}
	return fmt.Errorf("no directory server answers: %w", errors.Join(errs...))
}

// Run keeps the servers' health until ctx ends: it probes those that are down every two seconds and
// those that are not used every half minute, and closes connections that were idle for too long.
// Without Run, servers that are down are probed when someone logs in.
func (d *Directory) Run(ctx context.Context) error {
	tick := time.NewTicker(probeEvery / 2)
	defer tick.Stop()
	for {
		for _, s := range d.servers {
			d.probeIfDue(s, quietAfter)
			s.users.closeIdle(d.now().Add(-maxIdle))
			s.service.closeIdle(d.now().Add(-maxIdle))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// probeIfDue starts a probe when one is due; its outcome is kept in the server's health.
func (d *Directory) probeIfDue(s *server, quiet time.Duration) {
	if !s.claimProbe(quiet) {
		return
	}
	go d.probe(s)
}

// probe asks one server for a sign of life within the directory's time-out.
func (d *Directory) probe(s *server) error {
	return s.probe(time.Now().Add(d.timeout))
}
