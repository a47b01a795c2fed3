package login

import (
	"slices"
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
// and what comes before that is refused without a try at the directory. From all stations of a client
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

// throttled is a bucket of wrong passwords: how many are left, as of a time, how many attempts are under way, and
// how many times a user's it may hold.
type throttled struct {
	left    float64
	at      time.Time
	pending int
	times   float64
	// guesses are those that were counted in one request with a code, newest last, at most [maxGuesses].
	guesses []guess
}

// guess is a password with its code, and what became of it.
type guess struct {
	tag   Tag
	wrong bool
	at    time.Time
}

// maxGuesses is how many guesses a bucket remembers.
const maxGuesses = 8

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
// over all stations. The last two are zero where the client does not say. guess is the password and the code with it,
// where both come in one request; zero elsewhere.
type attempt struct{ user, station, everywhere, guess Tag }

// share is a bucket that an attempt takes from, and how many times a user's it may hold.
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
	// repeated: the same password was wrong a moment ago.
	repeated
)

// ticket is an attempt that was admitted, with the shares that it took. It is given back once, by wrong, right or
// unknown; the nil ticket took nothing.
type ticket struct {
	throttle *Throttle
	who      attempt
	shares   []share
}

// ask says whether the password may be asked about; the ticket is for an attempt that is admitted. What is under
// way counts as if it were wrong, or many guesses at once would have many tries; but it is no reason to refuse
// anyone. The guess that was counted already takes nothing: a client that repeats its login by itself for hours, with
// a code that is used, does not shut its user out. A right one is asked about again, one that was wrong is not.
func (t *Throttle) ask(a attempt) (*ticket, admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.counts[a.user].guesses {
		switch {
		case g.tag != a.guess || a.guess == (Tag{}):
		case !g.wrong:
			return &ticket{throttle: t, who: a}, admitted
		case t.now().Sub(g.at) < t.every: // it may have become right since
			return nil, repeated
		}
	}
	shares := t.shares(a)
	verdict := admitted
	for _, s := range shares {
		switch left := t.left(s); {
		case left < 1:
			return nil, refused
		case left-float64(t.counts[s.key].pending) < 1:
			verdict = crowded
		}
	}
	if verdict != admitted {
		return nil, verdict
	}
	for _, s := range shares {
		t.change(s, 0, 1)
	}
	return &ticket{t, a, shares}, admitted
}

// wrong counts a wrong password.
func (k *ticket) wrong() { k.count(true) }

// unproven counts a right password of a login that is not complete, and may never be.
func (k *ticket) unproven() { k.count(false) }

func (k *ticket) count(wrong bool) {
	if k == nil || len(k.shares) == 0 {
		return
	}
	k.end(-1)
	if k.who.guess == (Tag{}) {
		return
	}
	k.throttle.mu.Lock()
	defer k.throttle.mu.Unlock()
	if c, ok := k.throttle.counts[k.who.user]; ok {
		guesses := slices.DeleteFunc(slices.Clone(c.guesses), func(g guess) bool { return g.tag == k.who.guess })
		c.guesses = append(guesses[max(0, len(guesses)-maxGuesses+1):], guess{k.who.guess, wrong, k.throttle.now()})
		k.throttle.counts[k.who.user] = c
	}
}

// unknown ends an attempt about which nothing was learned.
func (k *ticket) unknown() { k.end(0) }

// right ends an attempt that was right.
func (k *ticket) right() {
	k.end(0)
	if k != nil {
		k.throttle.loggedIn(k.who, 0)
	}
}

func (k *ticket) end(by float64) {
	if k == nil {
		return
	}
	k.throttle.mu.Lock()
	defer k.throttle.mu.Unlock()
	for _, s := range k.shares {
		k.throttle.change(s, by, -1)
	}
	k.shares = nil // a ticket that is given back twice gives nothing back the second time
}

// loggedIn forgets the wrong passwords of this user at this station, from which the user has now logged in. The
// station's others stay, or one account of one's own would pay for guessing at all the rest; refund is how many
// right passwords of this login were counted as wrong, and are given back.
func (t *Throttle) loggedIn(a attempt, refund float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.shares(a)[1:] {
		t.change(s, refund, 0)
	}
	t.change(share{a.user, 1}, t.tries, 0)
	if len(t.known) >= maxThrottled {
		clear(t.known) // who is known again after the next login
	}
	t.known[a.user] = struct{}{}
}

// left is what is left in a bucket, refilled up to now.
func (t *Throttle) left(s share) float64 {
	c, known := t.counts[s.key]
	if !known {
		return t.tries * s.times
	}
	return t.refilled(c)
}

func (t *Throttle) refilled(c throttled) float64 {
	gained := float64(t.now().Sub(c.at)) / float64(t.every) * c.times
	return min(c.left+max(gained, 0), t.tries*c.times)
}

// asNew reports whether a bucket need not be kept.
func (t *Throttle) asNew(c throttled) bool { return c.pending == 0 && t.refilled(c) >= t.tries*c.times }

// swept is how many buckets a change looks at besides its own, in Go's random order: more than it adds, so that
// those that have refilled leave the map though nobody asks for them again.
const swept = 4

// change adds to what is left in a bucket and to what is under way, within their bounds. A bucket that
// is as good as new is not kept.
func (t *Throttle) change(s share, by float64, pending int) {
	was := t.counts[s.key]
	next := throttled{
		left: min(max(t.left(s)+by, 0), t.tries*s.times), at: t.now(), pending: max(was.pending+pending, 0), times: s.times, guesses: was.guesses,
	}
	looked := 0
	for key, c := range t.counts {
		if looked++; looked > swept {
			break
		}
		if t.asNew(c) {
			delete(t.counts, key)
		}
	}
	if t.asNew(next) {
		delete(t.counts, s.key)
		return
	}
	if len(t.counts) >= maxThrottled {
		t.shrink()
	}
	t.counts[s.key] = next
}

// shrink makes room: it forgets the buckets from which least was taken, so that whoever wants a used up one to be
// forgotten must use up as many others, and never those with an attempt under way.
func (t *Throttle) shrink() {
	for taken := 0.0; len(t.counts) > maxThrottled/2; taken++ {
		pending := 0
		for key, c := range t.counts {
			if c.pending > 0 {
				pending++
			} else if t.tries*c.times-t.refilled(c) <= taken {
				delete(t.counts, key)
			}
		}
		if pending == len(t.counts) {
			return // bounded by the workers
		}
	}
}
