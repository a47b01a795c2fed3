package state

import "sallyport/login"

// maxVerdicts is how many answers to one challenge are remembered; one more closes it.
const maxVerdicts = 16

// maxChallenges is how many challenges of one user are remembered; one more is refused until the oldest
// has served its time. Nobody begins so many in the minutes that they are kept, while someone who knows
// a password could fill the ledger.
const maxChallenges = 16

// Challenge is what is remembered of a challenge: what it was opened with, if it was, and the
// verdicts on its answers. It is stored as octets: each read makes a Challenge of its own, whose
// octets (the Record of the Opening) must not be changed.
type Challenge struct {
	ID       login.ChallengeID
	UserID   string
	Client   string
	Expires  int64
	Forget   int64 // second since 1970 after which nothing is remembered
	Failures uint32
	Closed   Closed
	Verdicts []Verdict
	Opening  *Opening
	Decoy    bool // no answer to it is right
}

// Closed says whether and how a challenge has ended, apart from expiry.
type Closed uint8

// How a challenge ends.
const (
	NotClosed Closed = iota
	Accepted
	Exhausted
	Cancelled
)

func (c *Challenge) wire(w *wire) {
	w.fixed(1, c.ID[:])
	w.str(2, &c.UserID)
	w.name(3, &c.Client)
	w.int(4, &c.Expires)
	w.int(5, &c.Forget)
	number(w, 6, &c.Failures)
	number(w, 7, &c.Closed)
	list[Verdict](w, 8, &c.Verdicts)
	optional[Opening](w, 9, &c.Opening)
	w.bool(10, &c.Decoy)
}

// close ends a challenge. The candidate goes with it: what was accepted is a credential now, and
// nothing else may be shown again.
func (c *Challenge) close(how Closed) {
	c.Closed = how
	if c.Opening != nil {
		c.Opening.Record = nil
	}
}

// extend makes a challenge live until expires at least, and be remembered for keep after its end.
func (c *Challenge) extend(expires, keep int64) {
	c.Expires = max(c.Expires, expires)
	c.remember(later(c.Expires, keep))
}

// remember makes a challenge be remembered until then at least.
func (c *Challenge) remember(until int64) { c.Forget = max(c.Forget, ceilSeconds(until)) }

// belongs reports whether the challenge was begun by this client for this user.
func (c *Challenge) belongs(client, userID string) bool {
	return c.Client == client && c.UserID == userID
}

// left counts the wrong answers that are still allowed.
func (c *Challenge) left(l Limits) int {
	if c == nil {
		return int(l.Attempts)
	}
	if c.Closed != NotClosed || c.Failures >= l.Attempts {
		return 0
	}
	return int(l.Attempts - c.Failures)
}

// sequence is that of the candidate, or of the dialogue; 0 where there is none.
func (c *Challenge) sequence() uint8 {
	if c == nil || c.Opening == nil {
		return 0
	}
	return c.Opening.Sequence
}

func (c *Challenge) verdict(token, answer login.Tag) *Verdict {
	return c.find(func(v *Verdict) bool { return v.Token == token && v.Answer == answer })
}

// accepted returns the verdict that accepted an answer, or nil.
func (c *Challenge) accepted() *Verdict {
	return c.find(func(v *Verdict) bool { return v.Code == VerdictAccepted })
}

// find returns the first verdict that fits, or nil.
func (c *Challenge) find(fits func(*Verdict) bool) *Verdict {
	for i := range c.Verdicts {
		if v := &c.Verdicts[i]; fits(v) {
			return v
		}
	}
	return nil
}
