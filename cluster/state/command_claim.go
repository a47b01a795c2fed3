package state

import "sallyport/login"

// MaxGrant is the most octets that go with an Accept.
const MaxGrant = 2048

// Claim asks for the right to forward an answer; see [login.Claim]. Within is in nanoseconds.
type Claim struct {
	Settle
	Act      login.Tag
	Passcode login.Tag
	Within   int64
	Reusable bool
}

func (c *Claim) kind() Kind { return KindClaim }

func (c *Claim) wire(w *wire) {
	part[Settle](w, 1, &c.Settle)
	w.fixed(2, c.Act[:])
	w.fixed(3, c.Passcode[:])
	w.int(4, &c.Within)
	w.bool(5, &c.Reusable)
}

// Conclude records what became of a claimed answer; see [login.Conclusion].
type Conclude struct {
	Settle
	Act login.Tag
	// Verdict is accepted, passed, rejected, misconfigured or unavailable.
	Verdict  VerdictCode
	Dialogue []byte // sealed
	Granted  string
	Release  bool
}

func (c *Conclude) kind() Kind { return KindConclude }

func (c *Conclude) wire(w *wire) {
	part[Settle](w, 1, &c.Settle)
	w.fixed(2, c.Act[:])
	number(w, 3, &c.Verdict)
	w.octets(4, &c.Dialogue)
	w.str(5, &c.Granted)
	w.bool(6, &c.Release)
}
