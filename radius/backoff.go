package radius

import (
	"math/rand/v2"
	"time"
)

// Timing says how a [Caller] retransmits (RFC 5080 §2.2.1). The zero value of each field means the
// value that the RFC recommends.
type Timing struct {
	// Initial is the wait before the first retransmission (IRT, 2 seconds); it doubles with each
	// one up to Longest (MRT, 16 seconds). Every wait varies by a tenth.
	Initial, Longest time.Duration
	// Transmissions is how often a request is sent at most (MRC, 5), Total how long its reply is
	// waited for (MRD, 30 seconds).
	Transmissions int
	Total         time.Duration
}

func (t Timing) withDefaults() Timing {
	t.Initial = orDefault(t.Initial, 2*time.Second)
	t.Longest = orDefault(t.Longest, 16*time.Second)
	t.Transmissions = orDefault(t.Transmissions, 5)
	t.Total = orDefault(t.Total, 30*time.Second)
	return t
}

// next returns the wait that follows last, which is zero for the first. vary is in [-0.1, 0.1].
func (t Timing) next(last time.Duration, vary float64) time.Duration {
	wait := t.Initial
	if last > 0 {
		wait = 2 * last
	}
	wait = min(wait, t.Longest)
	return wait + time.Duration(vary*float64(wait))
}

// variation draws what next varies by, so that clients do not fall into step.
func variation() float64 { return 0.2*rand.Float64() - 0.1 }
