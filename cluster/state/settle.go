package state

import (
	"slices"

	"sallyport/login"
)

// apply judges an answer. The order of the checks is the contract: a recorded verdict comes before
// the check of the version, because a registration raises the version that its own retransmission
// still carries; the lock comes before the number, so that guessing while locked tells nothing.
func (c *Settle) apply(t *txn) Result {
	if c.ClusterEpoch != t.meta.Epoch {
		return refused(login.CodeStateInvalid)
	}
	ch, user := t.challenge(c.Challenge, c.Client, c.UserID), t.user(c.UserID)
	if ch != nil && !ch.belongs(c.Client, c.UserID) {
		return refused(login.CodeStateInvalid)
	}
	if r, found := c.recorded(t, ch, user.epoch()); found {
		return r
	}
	if r, found := c.elsewhere(t, ch, user.epoch()); found {
		return r
	}
	cred := user.Credential(c.Factor)
	if c.Epoch != user.epoch() || c.Version != cred.Version {
		return stale()
	}
	if r, ended := c.ended(t, ch); ended {
		return r
	}
	if ch == nil {
		if refusal, ok := t.room(c.UserID, c.Limits.Capacity); !ok {
			return refusal
		}
		ch = t.newChallenge(c.Challenge, c.Client, c.UserID, c.Expires, c.Limits.Keep)
	}
	return c.judge(t, ch, user, cred)
}

// recorded repeats the verdict that this very answer, or this very packet, was given before.
func (c *Settle) recorded(t *txn, ch *Challenge, epoch uint32) (Result, bool) {
	var v *Verdict
	if ch != nil {
		v = ch.verdict(c.Token, c.Answer)
	}
	if v == nil && c.Request != (login.Tag{}) {
		first, known := t.owner(&t.requests, c.Request, c.Client, c.UserID)
		if !known {
			return Result{}, false
		}
		if first == nil || !first.belongs(c.Client, c.UserID) {
			return refused(login.CodeStateInvalid), true
		}
		i := slices.IndexFunc(first.Verdicts, func(v Verdict) bool { return v.Request == c.Request })
		if i < 0 {
			return refused(login.CodeStateInvalid), true
		}
		v = &first.Verdicts[i]
	}
	if v == nil {
		return Result{}, false
	}
	if v.Epoch != epoch {
		return stale(), true
	}
	return verdict(login.Outcome{Code: v.Code.Code(), AttemptsLeft: int(v.Left), Repeated: true}), true
}

// elsewhere looks at what other tokens of the same challenge were told. A code that was accepted
// under one token gains nothing under another; a wrong answer that was counted is not counted twice.
func (c *Settle) elsewhere(t *txn, ch *Challenge, epoch uint32) (Result, bool) {
	if ch == nil {
		return Result{}, false
	}
	if a := ch.accepted(); a != nil && a.Token != c.Token {
		if a.Epoch != epoch {
			return stale(), true
		}
		return refused(login.CodeOTPReplayed), true
	}
	if ch.Closed != NotClosed {
		return Result{}, false
	}
	same := slices.ContainsFunc(ch.Verdicts, func(v Verdict) bool {
		return v.Answer == c.Answer && v.Code == VerdictInvalid && v.Epoch == epoch
	})
	if !same {
		return Result{}, false
	}
	r := c.record(t, ch, VerdictInvalid, epoch)
	r.Outcome.Repeated = r.Outcome.Code == login.CodeOTPInvalid
	return r, true
}

// ended reports whether the challenge takes no more answers.
func (c *Settle) ended(t *txn, ch *Challenge) (Result, bool) {
	expires := c.Expires
	if ch != nil {
		expires = ch.Expires
	}
	switch {
	case t.time > expires:
		return refused(login.CodeStateExpired), true
	case ch != nil && ch.Closed != NotClosed:
		return refused(login.CodeStateInvalid), true
	}
	return Result{}, false
}

// judge decides an answer that nobody has decided before.
func (c *Settle) judge(t *txn, ch *Challenge, user *User, cred Credential) Result {
	registering := len(c.Register) > 0
	switch {
	case cred.lockedAt(t.time):
		return c.record(t, ch, VerdictLocked, user.epoch())
	case c.Number > cred.Last, registering && c.Number > 0:
		return c.accept(t, ch, user, cred)
	case c.Number > 0:
		return c.record(t, ch, VerdictReplayed, user.epoch())
	}
	if !registering {
		cred.fail(t.time, c.Limits)
		user = c.orNew(t, user)
		user.put(cred)
		t.putUser(user)
	}
	ch.Failures++
	if ch.Failures >= c.Limits.Attempts {
		return c.record(t, ch, VerdictExhausted, user.epoch())
	}
	return c.record(t, ch, VerdictInvalid, user.epoch())
}

// accept uses up the number, and stores what was registered.
func (c *Settle) accept(t *txn, ch *Challenge, user *User, cred Credential) Result {
	cred.unlock()
	cred.Last = c.Number
	cred.Memo = c.Memo
	user = c.orNew(t, user)
	if len(c.Register) > 0 {
		cred.Record = c.Register
		cred.Version++
		user.Epoch++
		user.Name = c.Name
	}
	user.put(cred)
	user.LastFactor = c.Factor
	t.putUser(user)
	return c.record(t, ch, VerdictAccepted, user.Epoch)
}

func (c *Settle) orNew(t *txn, user *User) *User {
	if user != nil {
		return user
	}
	return t.newUser(c.UserID, c.Name, c.Handle)
}

// record remembers a verdict with the challenge and closes it where the verdict ends it, or where
// it is one answer too many.
func (c *Settle) record(t *txn, ch *Challenge, code VerdictCode, epoch uint32) Result {
	if code != VerdictAccepted && len(ch.Verdicts) >= maxVerdicts {
		code = VerdictExhausted
	}
	switch code {
	case VerdictAccepted:
		ch.close(Accepted)
	case VerdictExhausted:
		ch.close(Exhausted)
	}
	left := ch.left(c.Limits)
	ch.Verdicts = append(ch.Verdicts, Verdict{
		Token: c.Token, Answer: c.Answer, Request: c.Request,
		Epoch: epoch, Code: code, Left: uint8(min(left, 255)),
	})
	t.verdicts++
	t.putChallenge(ch)
	t.own(&t.requests, c.Request, c.Challenge)
	return verdict(login.Outcome{Code: code.Code(), AttemptsLeft: min(left, 255)})
}
