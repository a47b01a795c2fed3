package radius

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often Status-Server is answered (RFC 5997 §4.2). A monitor asks every few seconds: that is the first
// allowance, for each address and port. A client that is a network has many of them: the second is of all
// together, so that workers are not kept from logins. The third is of packets that have come before. None
// should, since a client sends a new packet each time (RFC 5997 §4), but some repeat one whose reply was lost.
const (
	statusPerSecond, statusBurst           = 10, 20
	allStatusPerSecond, allStatusBurst     = 4 * statusPerSecond, 4 * statusBurst
	repeatedPerSecond, repeatedStatusBurst = 1, 5
)

// maxStatusSources bounds the addresses and ports of a client whose allowance is known. When there are
// more, all are forgotten and have their whole allowance again, within that of all together: so nobody
// loses theirs because of others.
const maxStatusSources = 1024

// statusLimits is the allowance of Status-Server of one client on one port. It is safe for concurrent use.
type statusLimits struct {
	mu            sync.Mutex
	all, repeated *rate.Limiter
	sources       map[netip.AddrPort]*rate.Limiter
}

func newStatusLimits() *statusLimits {
	return &statusLimits{
		all:      rate.NewLimiter(allStatusPerSecond, allStatusBurst),
		repeated: rate.NewLimiter(repeatedPerSecond, repeatedStatusBurst),
		sources:  make(map[netip.AddrPort]*rate.Limiter),
	}
}

// allow reports whether the packet that came from there may be answered now. One that has come before
// takes nothing of what is there for others: anybody who has seen it can send it again.
func (l *statusLimits) allow(from netip.AddrPort, hasComeBefore bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hasComeBefore {
		return l.repeated.AllowN(now, 1)
	}
	source := l.sources[from]
	if source == nil {
		if len(l.sources) == maxStatusSources {
			clear(l.sources)
		}
		source = rate.NewLimiter(statusPerSecond, statusBurst)
		l.sources[from] = source
	}
	return source.AllowN(now, 1) && l.all.AllowN(now, 1)
}
