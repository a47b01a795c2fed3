package login

import (
	"sync"
	"time"
)

// The defaults of [Throttle]: below what directories lock an account for (often ten in ten minutes).
const (
	DefaultPasswordTries      = 4
	DefaultPasswordTriesEvery = 2 * time.Minute
	// A station, a client's Calling-Station-Id, may have so many times the wrong passwords of a user over
	// all its accounts; a user, over all stations, so many times those of one.
	stationTries    = 5
	everywhereTries = 2
)

// maxThrottled bounds what strangers can make a [Throttle] keep.
const maxThrottled = 65536

// Throttle slows the guessing of passwords down on this node. Each user has, from each client and
// Calling-Station-Id, a few wrong passwords; when they are used up, another is allowed every so often,
// and what comes before that is refused without asking the directory. From all stations of a client
// together a user has twice as many, which bounds what many addresses can do to the directory's own
// lockout; a station from which the user has logged in goes on when those are used up. It never locks
// a second factor and costs no commit. It is safe for concurrent use.
type Throttle struct {
	tries float64
	every time.Duration
	now   func() time.Time

	mu     sync.Mutex
	counts map[Tag]throttled
	// known are the stations from which a user has logged in.
	known map[Tag]struct{}
}

// throttled is a bucket of wrong passwords: how many are left, as of a time, and how many attempts are
// under way.
type throttled struct {
	left    float64
	at      time.Time
	pending int
}

// NewThrottle returns a throttle. tries is the number of wrong passwords at once, every the time
// after which one more is allowed; zero values mean the defaults. now nil means time.Now.
func NewThrottle(tries int, every time.Duration, now func() time.Time) *Throttle {
	if tries <= 0 {
		tries = DefaultPasswordTries
	}
	if every <= 0 {
		every = DefaultPasswordTriesEvery
	}
	if now == nil {
		now = time.Now
	}
	return &Throttle{tries: float64(tries), every: every, now: now, counts: make(map[Tag]throttled), known: make(map[Tag]struct{})}
}

// Set changes the bounds; what was counted stays.
func (t *Throttle) Set(tries int, every time.Duration) {
	fresh := NewThrottle(tries, every, t.now)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries, t.every = fresh.tries, fresh.every
}

// attempt is who tries a password: the user at this station, the station over all users, and the user
// over all stations. The last two are zero where the client does not say.
type attempt struct{ user, station, everywhere Tag }

// share is a bucket that an attempt takes from, and how much larger than a user's it is.
type share struct {
	key   Tag
	times float64
}

// shares lists the buckets of an attempt.
func (t *Throttle) shares(a attempt) []share {
	shares := []share{{a.user, 1}}
	if a.station != (Tag{}) {
		shares = append(shares, share{a.station, stationTries})
	}
	if _, known := t.known[a.user]; a.everywhere != (Tag{}) && !known {
		shares = append(shares, share{a.everywhere, everywhereTries})
	}
	return shares
}

// admission is what a [Throttle] says to an attempt. The zero value is "refused".
type admission uint8

const (
	refused admission = iota
	admitted
	// crowded: as many attempts are under way as may be; which are wrong is not known yet.
	crowded
)

// ask says whether the password may be asked about. What is under way counts as if it were wrong, or
// many guesses at once would have many tries; but it is no reason to refuse anyone.
func (t *Throttle) ask(a attempt) admission {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares := t.shares(a)
	verdict := admitted
	for _, s := range shares {
		switch left := t.left(s.key, s.times); {
		case left < 1:
			return refused
		case left-float64(t.counts[s.key].pending) < 1:
			verdict = crowded
		}
	}
	if verdict == admitted {
		for _, s := range shares {
			t.change(s, 0, 1)
		}
	}
	return verdict
}

// wrong counts a wrong password.
func (t *Throttle) wrong(a attempt) { t.end(a, -1) }

// unknown ends an attempt about which nothing was learned.
func (t *Throttle) unknown(a attempt) { t.end(a, 0) }

// right ends an attempt that was right.
func (t *Throttle) right(a attempt) {
	t.end(a, 0)
	t.forget(a)
}

// forget forgets the wrong passwords of this user at this station, from which the user has now logged
// in. The station's others stay, or one account of one's own would pay for guessing at all the rest.
func (t *Throttle) forget(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.change(share{a.user, 1}, t.tries, 0)
	if len(t.known) >= maxThrottled {
		clear(t.known) // who is known again after the next login
	}
	t.known[a.user] = struct{}{}
}

func (t *Throttle) end(a attempt, by float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.shares(a) {
		t.change(s, by, -1)
	}
}

// left is what is left in a bucket, refilled up to now. times is how much larger it is.
func (t *Throttle) left(key Tag, times float64) float64 {
	c, known := t.counts[key]
	if !known {
		return t.tries * times
	}
	return t.refilled(c, times)
}

func (t *Throttle) refilled(c throttled, times float64) float64 {
	gained := float64(t.now().Sub(c.at)) / float64(t.every) * times
	return min(c.left+max(gained, 0), t.tries*times)
}

// change adds to what is left in a bucket and to what is under way, within their bounds. A bucket that
// is as good as new is not kept.
func (t *Throttle) change(s share, by float64, pending int) {
	full := t.tries * s.times
	next := throttled{
		left: min(max(t.left(s.key, s.times)+by, 0), full), at: t.now(), pending: max(t.counts[s.key].pending+pending, 0),
	}
	if next.left >= full && next.pending == 0 {
		delete(t.counts, s.key)
		return
	}
	if len(t.counts) >= maxThrottled {
		t.shrink()
	}
	t.counts[s.key] = next
}

// shrink drops what has been refilled, and half of the rest where that is not enough: those dropped
// have their tries again, which an attacker with so many addresses has anyway.
func (t *Throttle) shrink() {
	for key, c := range t.counts {
		if t.refilled(c, 1) >= t.tries {
			delete(t.counts, key)
		}
	}
	for key := range t.counts {
		if len(t.counts) <= maxThrottled/2 {
			return
		}
		delete(t.counts, key)
	}
}
