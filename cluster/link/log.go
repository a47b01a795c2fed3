package link

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What anybody can cause is logged logBurst times at once, and once every logEvery after that.
const (
	logEvery = 10 * time.Second
	logBurst = 5
)

// pacedLog logs what anybody who reaches the port can cause. Each message has its own pace, and says
// how often it was not written.
type pacedLog struct {
	logger *slog.Logger
	mu     sync.Mutex
	paces  map[string]*pace
}

type pace struct {
	limit    *rate.Limiter
	withheld int
}

func newPacedLog(logger *slog.Logger) *pacedLog {
	return &pacedLog{logger: logger, paces: make(map[string]*pace)}
}

// warn logs a constant message.
func (l *pacedLog) warn(message string, attributes ...any) {
	l.mu.Lock()
	p := l.paces[message]
	if p == nil {
		p = &pace{limit: rate.NewLimiter(rate.Every(logEvery), logBurst)}
		l.paces[message] = p
	}
	if !p.limit.Allow() {
		p.withheld++
		l.mu.Unlock()
		return
	}
	withheld := p.withheld
	p.withheld = 0
	l.mu.Unlock()
	l.logger.Warn(message, append(attributes, "withheld", withheld)...)
}
