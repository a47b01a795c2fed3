package state

import "sallyport/login"

// maxVerdicts is how many answers to one challenge are remembered; one more closes it.
const maxVerdicts = 16

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

// extend makes a challenge live until expires at least, but for no longer than maxLife since it was
// opened, and be remembered for keep after its end.
func (c *Challenge) extend(expires, keep int64) {
	c.Expires = max(c.Expires, min(expires, later(c.Opening.Opened, maxLife)))
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

// leftOctet is left as a verdict keeps it.
func (c *Challenge) leftOctet(l Limits) uint8 { return uint8(min(c.left(l), 255)) }

// miss counts a wrong answer and returns the verdict on it.
func (c *Challenge) miss(l Limits) VerdictCode {
	if c.Failures++; c.Failures >= l.Attempts {
		return VerdictExhausted
	}
	return VerdictInvalid
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

// invited reports whether this invitation was presented in the challenge, and passed. It may be called
// on nil.
func (c *Challenge) invited(code login.Tag, epoch uint32) bool {
	return c.find(func(v *Verdict) bool {
		return v.Code == VerdictPassed && v.Epoch == epoch && v.Redeemed != nil &&
			*v.Redeemed == Redeemed{Factor: login.CredentialInvitation, Tag: code}
	}) != nil
}

// pending counts the answers that are on their way to the server which judges them. It may be called on
// nil.
func (c *Challenge) pending() int {
	n := 0
	if c != nil {
		for i := range c.Verdicts {
			if c.Verdicts[i].Code == VerdictPending {
				n++
			}
		}
	}
	return n
}

// find returns the first verdict that fits, or nil. It may be called on nil.
func (c *Challenge) find(fits func(*Verdict) bool) *Verdict {
	if c == nil {
		return nil
	}
	for i := range c.Verdicts {
		if v := &c.Verdicts[i]; fits(v) {
			return v
		}
	}
	return nil
}
