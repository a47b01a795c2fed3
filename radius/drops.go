package radius

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Drops are logged at most this often for each client and reason; the count of those passed over
// stands in the next line.
const (
	logEvery = 10 * time.Second
	logBurst = 3
)

// events counts what happened to one client by reason, and paces its log lines. The zero value is ready.
type events struct {
	mu    sync.Mutex
	pacer map[Reason]*pacer
	total map[Reason]uint64
}

// pacer lets log lines through. It is not safe for concurrent use.
type pacer struct {
	limit  *rate.Limiter
	silent uint64
}

func newPacer() *pacer { return &pacer{limit: rate.NewLimiter(rate.Every(logEvery), logBurst)} }

// pass reports whether a line may be logged now, and how many were passed over since the last one.
func (p *pacer) pass(now time.Time) (silent uint64, ok bool) {
	if !p.limit.AllowN(now, 1) {
		p.silent++
		return 0, false
	}
	silent, p.silent = p.silent, 0
	return silent, true
}

// add counts one and reports whether it is to be logged.
func (d *events) add(why Reason, now time.Time) (silent uint64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total == nil {
		d.total, d.pacer = make(map[Reason]uint64), make(map[Reason]*pacer)
	}
	d.total[why]++
	if d.pacer[why] == nil {
		d.pacer[why] = newPacer()
	}
	return d.pacer[why].pass(now)
}

func (d *events) snapshot() map[Reason]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.total)
}

// drop counts and logs a packet that is not answered. c is nil for a stranger.
func (s *Server) drop(c *client, from netip.AddrPort, why Reason, facts ...slog.Attr) {
	name, d := "", &s.strangers
	if c != nil {
		name, d = c.Name, &c.counts.drops
	}
	if silent, ok := d.add(why, s.cfg.Now()); ok {
		facts = append(facts, why.facts()...)
		s.logPaced(why.level(), "RADIUS packet dropped", name, from, silent, facts)
	}
}

// hint logs something about a request that is answered all the same, for its operator to repair.
func (s *Server) hint(c *client, from netip.AddrPort, level slog.Level, message string, facts ...slog.Attr) {
	if silent, ok := c.counts.hints.add(Reason(message), s.cfg.Now()); ok {
		s.logPaced(level, message, c.Name, from, silent, facts)
	}
}

func (s *Server) logPaced(level slog.Level, message, client string, from netip.AddrPort, silent uint64, facts []slog.Attr) {
	attrs := append([]slog.Attr{slog.String("client", client), slog.String("address", from.String())}, facts...)
	s.log.LogAttrs(context.Background(), level, message, append(attrs, slog.Uint64("suppressed", silent))...)
}
