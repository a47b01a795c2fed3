package radius

import (
	"context"
	"log/slog"
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

// events counts what happened to one client by reason, and paces the log. The zero value is ready.
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
	m := make(map[Reason]uint64, len(d.total))
	for why, n := range d.total {
		m[why] = n
	}
	return m
}

// drop counts and logs a packet that is not answered. c is nil for a stranger.
func (s *Server) drop(c *client, from netip.AddrPort, why Reason, facts ...slog.Attr) {
	name, d := "", &s.strangers
	if c != nil {
		name, d = c.Name, &c.counts.drops
	}
	silent, ok := d.add(why, s.cfg.Now())
	ctx := context.Background()
	if level := why.level(); ok && s.log.Enabled(ctx, level) {
		attrs := append([]slog.Attr{
			slog.String("client", name), slog.String("address", from.String()),
			slog.String("reason", string(why)), slog.Uint64("suppressed", silent),
		}, facts...)
		s.log.LogAttrs(ctx, level, "RADIUS packet dropped", attrs...)
	}
}
