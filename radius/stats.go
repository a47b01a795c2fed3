package radius

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Stats are counts since the start, and what is going on now.
type Stats struct {
	// Clients has the counts by client name, Strangers the dropped packets of unknown addresses.
	Clients   map[string]ClientStats `json:"clients"`
	Strangers map[Reason]uint64      `json:"strangers"`
	// Accounting has the counts of accounting by client name, AccountingStrangers the dropped packets of
	// unknown addresses there; AccountingQueued packets wait, AccountingInFlight ones have a worker, and
	// AccountingRemembered are known for their repeats.
	Accounting           map[string]AccountingStats `json:"accounting"`
	AccountingStrangers  map[Reason]uint64          `json:"accounting_strangers"`
	AccountingQueued     int                        `json:"accounting_queued"`
	AccountingInFlight   int                        `json:"accounting_in_flight"`
	AccountingRemembered int                        `json:"accounting_remembered"`
	// Queued packets wait for a worker, the oldest of them for OldestWait; InFlight ones have one;
	// Delayed ones are Rejects that wait for their time.
	Queued     int           `json:"queued"`
	OldestWait time.Duration `json:"oldest_wait_ns"`
	InFlight   int           `json:"in_flight"`
	Delayed    int           `json:"delayed"`
	// Cached is the number of entries in the duplicate cache, CachedBytes what its replies take.
	Cached      int `json:"cached"`
	CachedBytes int `json:"cached_bytes"`
	// Judged is how many answered packets are remembered, so that they are not judged again.
	Judged int `json:"judged"`
}

// ClientStats are the counts of one client.
type ClientStats struct {
	// Requests are the authentic packets, duplicates included; Duplicates those seen before.
	Requests   uint64 `json:"requests"`
	Duplicates uint64 `json:"duplicates"`
	// Accepts, Rejects and Challenges are the replies by packet type, without repetitions; Statuses
	// the answers to Status-Server.
	Accepts    uint64 `json:"accepts"`
	Rejects    uint64 `json:"rejects"`
	Challenges uint64 `json:"challenges"`
	Statuses   uint64 `json:"statuses"`
	// Oversized counts replies above 1024 octets, which some clients drop.
	Oversized uint64 `json:"oversized"`
	// Tolerated counts the requests without Message-Authenticator that were taken under RuleAuto although
	// the client is known to send it.
	Tolerated uint64 `json:"tolerated"`
	// Unreadable counts the requests without Message-Authenticator whose User-Password cannot be a password:
	// the shared secrets may differ.
	Unreadable uint64 `json:"unreadable"`
	// Forgotten counts the answered packets that were forgotten before an hour was over, for want of room.
	Forgotten uint64            `json:"forgotten"`
	Dropped   map[Reason]uint64 `json:"dropped"`
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	st := Stats{
		Clients:   make(map[string]ClientStats),
		Strangers: s.strangers.snapshot(),
		InFlight:  int(s.inFlight.Load()),
		Delayed:   int(s.delayed.Load()),

		Accounting:           make(map[string]AccountingStats),
		AccountingStrangers:  s.accounting.strangers.snapshot(),
		AccountingInFlight:   int(s.accounting.inFlight.Load()),
		AccountingRemembered: s.accounting.seen.size(),
	}
	judged, forgotten := s.duplicates.remembered(s.cfg.Now())
	for name, c := range s.tally.all() {
		st.Accounting[name] = c.accounting.stats()
		st.Clients[name] = ClientStats{
			Requests: c.requests.Load(), Duplicates: c.duplicates.Load(),
			Accepts: c.accepts.Load(), Rejects: c.rejects.Load(), Challenges: c.challenges.Load(),
			Statuses: c.statuses.Load(), Oversized: c.oversized.Load(),
			Tolerated: c.tolerated.Load(), Unreadable: c.unreadable.Load(), Forgotten: forgotten[name], Dropped: c.drops.snapshot(),
		}
	}
	st.AccountingQueued, _ = s.accounting.queue.waiting()
	n, since := s.queue.waiting()
	if st.Queued = n; n > 0 {
		st.OldestWait = s.cfg.Now().Sub(since)
	}
	st.Cached, st.CachedBytes = s.duplicates.size()
	st.Judged = judged
	return st
}

// Status is what the status page shows.
type Status struct {
	Listeners           []Listener `json:"listeners"`
	AccountingListeners []Listener `json:"accounting_listeners"`
	Workers             int        `json:"workers"`
	QueueSize           int        `json:"queue_size"`
	Stats
}

// Listener is a bound address, and the receive buffer that the kernel granted in octets.
type Listener struct {
	Address       string `json:"address"`
	ReceiveBuffer int    `json:"receive_buffer"`
}

// Name is the name under which the server reports.
func (s *Server) Name() string { return "radius" }

// Ready returns nil while every socket is being read.
func (s *Server) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch deaf := s.deaf.Load(); {
	case s.phase == phaseNew:
		return errors.New("RADIUS does not listen yet")
	case s.phase == phaseClosed:
		return errors.New("RADIUS is shutting down")
	case deaf > 0:
		return fmt.Errorf("%d of %d RADIUS sockets cannot be read any more: restart", deaf, len(s.sockets)+len(s.accounting.sockets))
	}
	return nil
}

// Status returns a [Status].
func (s *Server) Status(context.Context) any {
	st := Status{Workers: s.cfg.Workers, QueueSize: s.cfg.Queue, Stats: s.Stats()}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.accounting.sockets {
		st.AccountingListeners = append(st.AccountingListeners, Listener{Address: k.addr.String(), ReceiveBuffer: k.buffer})
	}
	for _, k := range s.sockets {
		st.Listeners = append(st.Listeners, Listener{Address: k.addr.String(), ReceiveBuffer: k.buffer})
	}
	return st
}
