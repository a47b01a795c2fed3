package radius

import (
	"maps"
	"sync"
	"sync/atomic"

	"sallyport/login"
)

// counts are the counters of one client.
type counts struct {
	requests   atomic.Uint64
	duplicates atomic.Uint64
	accepts    atomic.Uint64
	rejects    atomic.Uint64
	challenges atomic.Uint64
	statuses   atomic.Uint64
	oversized  atomic.Uint64
	drops      events
	// hints paces the log lines that are no drops, by their message.
	hints events
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
		t.clients[name] = &counts{}
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
