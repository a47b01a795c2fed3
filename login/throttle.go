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

// throttled is a bucket of wrong passwords: how many are left, as of a time.
type throttled struct {
	left float64
	at   time.Time
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

// ask reports whether the password may be asked about. It counts as wrong until the answer is known, or
// many requests at once would have many tries.
func (t *Throttle) ask(a attempt) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	shares := t.shares(a)
	for _, s := range shares {
		if t.left(s.key, s.times) < 1 {
			return false
		}
	}
	for _, s := range shares {
		t.add(s.key, s.times, -1)
	}
	return true
}

// right forgets the wrong passwords of this user at this station. The station's others stay, or one
// account of one's own would pay for guessing at all the rest.
func (t *Throttle) right(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBack(a)
	delete(t.counts, a.user)
	if len(t.known) >= maxThrottled {
		clear(t.known) // who is known again after the next login
	}
	t.known[a.user] = struct{}{}
}

// unknown takes back an attempt about which nothing was learned.
func (t *Throttle) unknown(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBack(a)
}

func (t *Throttle) giveBack(a attempt) {
	for _, s := range t.shares(a) {
		if _, counted := t.counts[s.key]; counted {
			t.add(s.key, s.times, 1)
		}
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

// add changes what is left in a bucket, within its bounds.
func (t *Throttle) add(key Tag, times, by float64) {
	left := t.left(key, times)
	if len(t.counts) >= maxThrottled {
		t.shrink()
	}
	t.counts[key] = throttled{left: min(max(left+by, 0), t.tries*times), at: t.now()}
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
