package radius

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sallyport/login"
)

// counts are the counters of one client, and its allowance of Status-Server.
type counts struct {
	requests   atomic.Uint64
	duplicates atomic.Uint64
	accepts    atomic.Uint64
	rejects    atomic.Uint64
	challenges atomic.Uint64
	statuses   atomic.Uint64
	oversized  atomic.Uint64
	tolerated  atomic.Uint64
	unreadable atomic.Uint64
	// doubtedUntil is until when the shared secret is doubted, in nanoseconds since 1970.
	doubtedUntil atomic.Int64
	drops        events
	// hints paces the log lines that are no drops, by their message.
	hints events
	// status and secretHint are made by the tally.
	status     *statusLimits
	secretHint *rate.Limiter

	accounting accountingCounts
}

// tally keeps the counters of all clients by name, also over a change of the configuration.
type tally struct {
	mu      sync.Mutex
	clients map[string]*counts
}

// of returns the counters of the client with this name.
func (t *tally) of(name string) *counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients == nil {
		t.clients = make(map[string]*counts)
	}
	if t.clients[name] == nil {
		t.clients[name] = &counts{
			status:     newStatusLimits(),
			accounting: accountingCounts{status: newStatusLimits()},
			secretHint: rate.NewLimiter(rate.Every(time.Minute), 1),
		}
	}
	return t.clients[name]
}

// replied counts a reply by its verdict.
func (c *counts) replied(v login.Verdict) {
	switch v {
	case login.Accept:
		c.accepts.Add(1)
	case login.Challenge:
		c.challenges.Add(1)
	default:
		c.rejects.Add(1)
	}
}

// all returns the counters of all clients by name.
func (t *tally) all() map[string]*counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.clients)
}
