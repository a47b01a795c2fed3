package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// maxWait is the longest wait for a reply before the request is sent again (RFC 5080 §2.2.1, MRT).
	maxWait = 16 * time.Second
	// tick is how often overdue requests are looked for, fine enough for time-outs of seconds.
	tick = 20 * time.Millisecond
)

// retransmit sends again what was not answered in time, until ctx is done.
func (e *Engine) retransmit(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, p := range e.ports {
			p.retransmit(e.since())
		}
	}
}

func (p *port) retransmit(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.active == 0 {
		return
	}
	for id := range p.pending {
		switch l := p.pending[id]; {
		case l == nil || now < l.deadline:
		case l.tries >= p.engine.cfg.Tries:
			p.lose(l)
		default:
			if l.counted {
				p.tally.Retransmissions++
			}
			p.transmit(l)
		}
	}
}

// jitter spreads a wait by a tenth either way (RFC 5080 §2.2.1, RAND).
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.2*float64(d))
}
