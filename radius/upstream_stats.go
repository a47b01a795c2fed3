package radius

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// upstreamCounts are the counters of one server.
type upstreamCounts struct {
	requests, accepts, rejects, challenges atomic.Uint64
	silent, refused, misconfigured         atomic.Uint64
	bad, unsigned                          atomic.Uint64
}

// UpstreamStats is what is known of one server.
type UpstreamStats struct {
	Server string `json:"server"`
	// Down means that the server did not answer, or has another shared secret, and that others are
	// asked first; since Since, for the reason Why.
	Down  bool      `json:"down"`
	Since time.Time `json:"since"`
	Why   string    `json:"why,omitempty"`
	// LastReply is when the last authentic reply came; the zero value means never.
	LastReply time.Time `json:"last_reply,omitzero"`
	// Requests are the forwarded answers, each counted once; Accepts, Rejects and Challenges their
	// authentic replies.
	Requests   uint64 `json:"requests"`
	Accepts    uint64 `json:"accepts"`
	Rejects    uint64 `json:"rejects"`
	Challenges uint64 `json:"challenges"`
	// Silent had no reply, Refused were not delivered, Misconfigured met another shared secret.
	Silent        uint64 `json:"silent"`
	Refused       uint64 `json:"refused"`
	Misconfigured uint64 `json:"misconfigured"`
	// BadReplies failed verification. UnsignedProbes is how often silence was looked into.
	BadReplies     uint64 `json:"bad_replies"`
	UnsignedProbes uint64 `json:"unsigned_probes"`
}

// Stats returns what is known of each server, in the order of the configuration.
func (u *Upstream) Stats() []UpstreamStats {
	var all []UpstreamStats
	for _, s := range u.servers {
		s.mu.Lock()
		h := s.health
		s.mu.Unlock()
		c := &s.counts
		all = append(all, UpstreamStats{
			Server: s.addr, Down: h.down, Since: h.since, Why: h.why, LastReply: h.lastReply,
			Requests: c.requests.Load(), Accepts: c.accepts.Load(), Rejects: c.rejects.Load(), Challenges: c.challenges.Load(),
			Silent: c.silent.Load(), Refused: c.refused.Load(), Misconfigured: c.misconfigured.Load(),
			BadReplies: c.bad.Load(), UnsignedProbes: c.unsigned.Load(),
		})
	}
	return all
}

// Name is the name under which the upstream reports.
func (u *Upstream) Name() string { return "upstream" }

// Ready returns nil while a server is up, as far as logins have told.
func (u *Upstream) Ready(context.Context) error {
	var why string
	for _, s := range u.Stats() {
		if !s.Down {
			return nil
		}
		why = s.Why
	}
	return fmt.Errorf("all %d upstream servers are down; the last: %s", len(u.servers), why)
}

// Status returns the [UpstreamStats] of each server.
func (u *Upstream) Status(context.Context) any { return u.Stats() }
