package status

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Report is what the whole daemon says of itself at one moment.
type Report struct {
	Version string    `json:"version"`
	Node    string    `json:"node"`
	Started time.Time `json:"started"`
	// UptimeSeconds is the time since the start, in seconds.
	UptimeSeconds int64 `json:"uptime_seconds"`
	// Ready is true when each part is, the auxiliary ones aside; Degraded when one of those is not, or a part
	// has a warning.
	Ready    bool                  `json:"ready"`
	Degraded bool                  `json:"degraded"`
	Parts    map[string]PartReport `json:"parts"`
}

// PartReport is what one part says of itself.
type PartReport struct {
	Ready bool `json:"ready"`
	// Auxiliary says that the node serves without the part.
	Auxiliary bool `json:"auxiliary,omitempty"`
	// Reason is what keeps the part from serving; empty when it is ready.
	Reason string `json:"reason,omitempty"`
	// Warning is what an administrator should see to although the part serves; mostly empty.
	Warning string `json:"warning,omitempty"`
	// Milliseconds is how long the part took to say whether it is ready.
	Milliseconds float64 `json:"ms"`
	// Status is the part's own description; nil where it was not asked for, or did not come in time.
	Status any `json:"status,omitempty"`
}

// NotReady lists the names of the parts that keep the node from serving, sorted.
func (r Report) NotReady() []string {
	var names []string
	for name, p := range r.Parts {
		if !p.Ready && !p.Auxiliary {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Report asks each part whether it is ready and for its status, all at once, and returns within
// the configured time whatever the parts do.
func (s *Server) Report(ctx context.Context) Report { return s.report(ctx, true) }

// report asks for all that there is to know when full is true, else for what decides whether the node
// serves.
func (s *Server) report(ctx context.Context, full bool) Report {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AskWithin)
	defer cancel()
	now := s.cfg.Now()
	r := Report{
		Version: s.cfg.Version, Node: s.cfg.Node, Started: s.started,
		UptimeSeconds: int64(now.Sub(s.started) / time.Second),
		Ready:         true, Parts: make(map[string]PartReport),
	}
	var mu sync.Mutex
	s.each(func(name string, p *registered) {
		if p.auxiliary && !full {
			return
		}
		part := p.report(ctx, full, s.cfg.Now)
		mu.Lock()
		defer mu.Unlock()
		r.Parts[name] = part
		r.Ready = r.Ready && (part.Ready || p.auxiliary)
		r.Degraded = r.Degraded || !part.Ready && p.auxiliary || part.Warning != ""
	})
	return r
}

// Alive asks each part that has a loop of its own whether the loop is alive, and returns the
// complaints by the parts' names; none means alive.
func (s *Server) Alive(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AskWithin)
	defer cancel()
	var mu sync.Mutex
	hung := make(map[string]error)
	s.each(func(name string, p *registered) {
		if err := p.alive(ctx); err != nil {
			mu.Lock()
			defer mu.Unlock()
			hung[name] = err
		}
	})
	return hung
}

// warnings are what parts say although they serve, by their names.
func (s *Server) warnings() map[string]string {
	var mu sync.Mutex
	warnings := make(map[string]string)
	s.each(func(name string, p *registered) {
		if text := p.warning(); text != "" {
			mu.Lock()
			defer mu.Unlock()
			warnings[name] = text
		}
	})
	return warnings
}

// each calls f for every part at the same time and returns when all calls have.
func (s *Server) each(f func(name string, p *registered)) {
	s.mu.Lock()
	parts := s.parts
	s.mu.Unlock()
	var wg sync.WaitGroup
	for name, p := range parts {
		wg.Go(func() { f(name, p) })
	}
	wg.Wait()
}
