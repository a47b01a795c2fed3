package sms

import (
	"log/slog"
	"time"
)

// complainEvery is how often at most the log is told what is wrong with a gateway: each message would
// be a line else.
const complainEvery = time.Minute

// complaints are what the log was told of a gateway. The zero value is nothing.
type complaints struct {
	last time.Time
	open bool
}

// due reports whether the log is to be told of a failure now.
func (c *complaints) due(now time.Time) bool {
	if !c.last.IsZero() && now.Sub(c.last) < complainEvery {
		return false
	}
	c.last, c.open = now, true
	return true
}

// over reports whether the log was told of a failure, and forgets that.
func (c *complaints) over() bool {
	told := c.open
	c.open = false
	return told
}

func (h *health) complain(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.complaints.due(now)
}

// tell has the log say what a request told of a gateway. r.err holds nothing secret.
func (e *engine) tell(g *gateway, r result, trace string) {
	switch r.outcome {
	case taken:
		e.log.Debug("the SMS gateway took a message", "server", g.host, "id", r.id, "trace", trace)
		return
	case queued:
		e.log.Warn("the SMS gateway took a message that it cannot pass on at the moment", "server", g.host, "id", r.id, "trace", trace)
		return
	}
	if !g.health.complain(e.now()) {
		return
	}
	message := "the SMS gateway could not be used"
	if r.outcome == refused {
		message = "the SMS gateway refused a message"
	}
	e.log.Warn(message, slog.String("server", g.host), slog.Any("error", r.err), slog.String("trace", trace))
}
