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
}

// Opening is what a challenge was opened with.
type Opening struct {
	Name   string
	Factor string
	Epoch  uint32
	Record []byte // sealed
	Opened int64
	Rejoin login.Tag // zero when there is none, or a newer challenge has it
}

// Verdict is what was decided about one answer.
type Verdict struct {
	Token   login.Tag
	Answer  login.Tag
	Request login.Tag
	// Epoch is the user's epoch after the verdict: when it moves on, the verdict is void.
	Epoch uint32
	Code  VerdictCode
	Left  uint8
}

// close ends a challenge. The candidate goes with it: what was accepted is a credential now, and
// nothing else may be shown again.
func (c *Challenge) close(how Closed) {
	c.Closed = how
	if c.Opening != nil {
		c.Opening.Record = nil
	}
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

// VerdictCode is a recorded verdict in one octet. Numbers are stored: they never change.
type VerdictCode uint8

// The verdicts that are recorded.
const (
	VerdictAccepted VerdictCode = iota + 1
	VerdictInvalid
	VerdictReplayed
	VerdictExhausted
	VerdictLocked
)

// Code returns the verdict's name; an unknown number, from a newer program, is a refusal.
func (v VerdictCode) Code() login.Code {
	switch v {
	case VerdictAccepted:
		return login.CodeAccepted
	case VerdictInvalid:
		return login.CodeOTPInvalid
	case VerdictReplayed:
		return login.CodeOTPReplayed
	case VerdictExhausted:
		return login.CodeAttemptsExhausted
	case VerdictLocked:
		return login.CodeAccountLocked
	}
	return login.CodeStateInvalid
}

func (c *Challenge) wire(w *wire) {
	w.fixed(1, c.ID[:])
	w.str(2, &c.UserID)
	w.name(3, &c.Client)
	w.int(4, &c.Expires)
	w.int(5, &c.Forget)
	number(w, 6, &c.Failures)
	number(w, 7, &c.Closed)
	list[Verdict](w, 8, &c.Verdicts)
	c.wireOpening(w)
}

func (o *Opening) wire(w *wire) {
	w.str(1, &o.Name)
	w.name(2, &o.Factor)
	number(w, 3, &o.Epoch)
	w.octets(4, &o.Record)
	w.int(5, &o.Opened)
	w.fixed(6, o.Rejoin[:])
}

func (v *Verdict) wire(w *wire) {
	w.fixed(1, v.Token[:])
	w.fixed(2, v.Answer[:])
	w.fixed(3, v.Request[:])
	number(w, 4, &v.Epoch)
	number(w, 5, &v.Code)
	number(w, 6, &v.Left)
}

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

func (c *Challenge) verdict(token, answer login.Tag) *Verdict {
	for i := range c.Verdicts {
		if v := &c.Verdicts[i]; v.Token == token && v.Answer == answer {
			return v
		}
	}
	return nil
}

// accepted returns the verdict that accepted an answer, or nil.
func (c *Challenge) accepted() *Verdict {
	for i := range c.Verdicts {
		if c.Verdicts[i].Code == VerdictAccepted {
			return &c.Verdicts[i]
		}
	}
	return nil
}

// wireOpening encodes the opening only where there is one.
func (c *Challenge) wireOpening(w *wire) {
	var some []Opening
	if !w.decoding && c.Opening != nil {
		some = []Opening{*c.Opening}
	}
	list[Opening](w, 9, &some)
	if w.decoding && len(some) > 0 {
		c.Opening = &some[0]
	}
}
