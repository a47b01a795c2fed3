package state

import "sallyport/login"

// Verdict is what was decided about one answer.
type Verdict struct {
	Token   login.Tag
	Answer  login.Tag
	Request login.Tag
	// Epoch is the user's epoch after the verdict: when it moves on, the verdict is void.
	Epoch uint32
	Code  VerdictCode
	Left  uint8
	// Again is the tag of a login without State; zero when there is none, or a newer verdict has it.
	Again     login.Tag
	Remaining uint32
	Sequence  uint8
	// Forward is what is known of an answer that another server judges, or nil.
	Forward *Forward
	// Redeemed is the one-time code that was right, or nil.
	Redeemed *Redeemed
	// Near says that this wrong answer and the one before it were right at times that are off by as much.
	Near bool
}

// Redeemed is a one-time code that was right: its tag, and the credential that it is one of.
type Redeemed struct {
	Factor string
	Tag    login.Tag
}

// Forward is an answer that was claimed, so that one node forwards it.
type Forward struct {
	Act      login.Tag
	Passcode login.Tag // zero inside a dialogue, and when it was released
	Deadline int64     // until when the outcome is awaited
	Grant    string    // what goes with the Accept
	// Reusable says that the passcode may be right again: it is taken until its outcome is known, and free then.
	Reusable bool
}

// VerdictCode is a recorded verdict in one octet. Numbers are stored: they never change.
type VerdictCode uint8

// The verdicts that are recorded.
const (
	VerdictAccepted VerdictCode = iota + 1
	VerdictInvalid
	VerdictReplayed
	VerdictExhausted
	VerdictLocked
	// VerdictPassed: right, and the login goes on.
	VerdictPassed
	// VerdictPending: claimed, and not concluded yet.
	VerdictPending
	VerdictRejected
	VerdictMisconfigured
	VerdictUnavailable
	// VerdictEnded: the challenge had been closed when the answer was concluded.
	VerdictEnded
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
	case VerdictPassed:
		return login.CodePrompt
	case VerdictRejected:
		return login.CodeSecurIDRejected
	case VerdictMisconfigured:
		return login.CodeSecurIDMisconfig
	case VerdictUnavailable:
		return login.CodeSecurIDUnavailable
	}
	return login.CodeStateInvalid
}

func (v *Verdict) wire(w *wire) {
	w.fixed(1, v.Token[:])
	w.fixed(2, v.Answer[:])
	w.fixed(3, v.Request[:])
	number(w, 4, &v.Epoch)
	number(w, 5, &v.Code)
	number(w, 6, &v.Left)
	if w.done() {
		return
	}
	w.fixed(7, v.Again[:])
	number(w, 8, &v.Remaining)
	number(w, 9, &v.Sequence)
	optional[Forward](w, 10, &v.Forward)
	optional[Redeemed](w, 11, &v.Redeemed)
	w.bool(12, &v.Near)
}

func (r *Redeemed) wire(w *wire) {
	w.name(1, &r.Factor)
	w.fixed(2, r.Tag[:])
}

func (f *Forward) wire(w *wire) {
	w.fixed(1, f.Act[:])
	w.fixed(2, f.Passcode[:])
	w.int(3, &f.Deadline)
	w.str(4, &f.Grant)
	w.bool(5, &f.Reusable)
}

// outcome is the verdict as the caller is told.
func (v *Verdict) outcome() login.Outcome {
	o := login.Outcome{AttemptsLeft: int(v.Left)}
	if v.Code == VerdictPending {
		o.Pending = true
		return o
	}
	o.Near = v.Near
	o.Code, o.Remaining, o.Sequence = v.Code.Code(), int(v.Remaining), v.Sequence
	if v.Forward != nil {
		o.Grant = v.Forward.Grant
	}
	if v.Redeemed != nil && v.Code == VerdictAccepted {
		o.Factor = v.Redeemed.Factor
	}
	return o
}

// overdue reports whether the outcome of a claimed answer is not awaited any more.
func (v *Verdict) overdue(now int64) bool {
	return v.Code == VerdictPending && (v.Forward == nil || now >= v.Forward.Deadline)
}

// repeat is what is said to an answer that has a verdict, in challenge ch. act names a caller who
// claims, and is zero for all others.
func (t *txn) repeat(ch *Challenge, v *Verdict, epoch uint32, act login.Tag) Result {
	switch {
	case v.Epoch != epoch:
		return stale()
	case v.Code == VerdictPending && v.Forward != nil && act != (login.Tag{}) && v.Forward.Act == act:
		return verdict(login.Outcome{Claimed: true, AttemptsLeft: int(v.Left)})
	case v.overdue(t.time):
		t.abandon(ch, v)
	case v.Code == VerdictPending:
		return verdict(v.outcome())
	}
	o := v.outcome()
	o.Repeated = true
	return verdict(o)
}

// abandon gives up waiting for the outcome of a claimed answer. Whoever forwarded it may have died; a
// server may have used it up: it is never forwarded again, and the challenge ends.
func (t *txn) abandon(ch *Challenge, v *Verdict) {
	t.conclude(ch, v, VerdictUnavailable)
	v.Left = 0
	ch.close(Exhausted)
	t.putChallenge(ch)
}

// conclude gives a claimed answer its verdict: its outcome is not awaited any more.
func (t *txn) conclude(ch *Challenge, v *Verdict, code VerdictCode) {
	v.Code = code
	t.keep(pendingKey(ch.UserID), -1)
	if v.Forward != nil && v.Forward.Reusable {
		t.release(ch, v)
	}
}

// release frees a passcode that was claimed.
func (t *txn) release(ch *Challenge, v *Verdict) {
	t.disown(&t.passcodes, v.Forward.Passcode, ch.ID)
	v.Forward.Passcode = login.Tag{}
}
