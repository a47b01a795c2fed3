package state

import "sallyport/login"

// apply gives the right to forward an answer, to one caller, once. A passcode that is remembered is
// never forwarded again, whoever comes with it; inside a dialogue, where the same text may be right
// twice, one answer is on its way at a time.
func (c *Claim) apply(t *txn) Result {
	if ch := t.challenge(c.Challenge, c.Client, c.UserID); ch != nil && ch.belongs(c.Client, c.UserID) {
		if v := ch.find(func(v *Verdict) bool { return v.overdue(t.time) && v.Forward != nil && v.Forward.Act != c.Act }); v != nil {
			t.abandon(ch, v)
		}
	}
	c.giveUp(t)
	ch, user, r, done := c.before(t, c.Act)
	switch {
	case done:
		return r
	case c.Passcode == (login.Tag{}) && c.Sequence != ch.sequence():
		return stale()
	case c.tooMany(t, ch, user):
		return Result{Status: Crowded}
	case ch == nil && !c.Reusable && !c.taken(t, ch):
		if r, done := c.again(t, user, login.CodeSecurIDRejected); done {
			return r
		}
	}
	if ch == nil {
		if ch, r = c.newChallenge(t); ch == nil {
			return r
		}
	}
	return c.claim(t, ch, user)
}

// giveUp abandons another login's claim of the same passcode when its outcome is not awaited any more: one
// that may be right again is free then.
func (c *Claim) giveUp(t *txn) {
	ch, _ := t.owner(&t.passcodes, c.Passcode, c.Client, c.UserID)
	if v := ch.find(func(v *Verdict) bool { return v.overdue(t.time) && v.Forward != nil && v.Forward.Reusable }); v != nil && ch.ID != c.Challenge {
		t.abandon(ch, v)
	}
}

// tooMany reports whether the answer would be forwarded although those that are on their way, were they
// all wrong, use up the challenge's attempts or lock the factor: nobody guesses more often at once than
// in a row.
func (c *Claim) tooMany(t *txn, ch *Challenge, user *User) bool {
	cred := user.Credential(c.Factor)
	if c.decoy(ch) || cred.lockedAt(t.time) || c.taken(t, ch) {
		return false
	}
	var failures uint32
	if ch != nil {
		failures = ch.Failures
	}
	return uint64(failures)+uint64(ch.pending()) >= uint64(max(c.Limits.Attempts, 1)) ||
		t.keptOf(pendingKey(c.UserID)) >= c.Limits.untilLock(cred.Failures)
}

// claim decides an answer that nobody has decided or claimed before.
func (c *Claim) claim(t *txn, ch *Challenge, user *User) Result {
	cred := user.Credential(c.Factor)
	if r, done := c.withheld(t, ch, user, &cred); done {
		return r
	}
	reusable := c.Reusable && c.Passcode != (login.Tag{}) && t.meta.level() >= level3
	again := reusable && c.rejected(ch, user.epoch())
	switch {
	case c.taken(t, ch), reusable && !again && c.forwarded(ch):
		return c.record(t, ch, Verdict{Code: VerdictReplayed, Epoch: user.epoch()})
	case again:
		r := c.record(t, ch, Verdict{Code: VerdictRejected, Epoch: user.epoch()})
		r.Outcome.Repeated = r.Outcome.Code == login.CodeSecurIDRejected
		return r
	}
	deadline := later(t.time, c.Within)
	ch.remember(later(deadline, c.Limits.Keep))
	r := c.record(t, ch, Verdict{
		Code: VerdictPending, Epoch: user.epoch(),
		Forward: &Forward{Act: c.Act, Passcode: c.Passcode, Deadline: deadline, Reusable: reusable},
	})
	r.Outcome.Claimed, r.Outcome.Pending = r.Outcome.Pending, false
	return r
}

// taken reports whether the passcode was claimed before, or another answer of the dialogue is on its
// way.
func (c *Claim) taken(t *txn, ch *Challenge) bool {
	if c.Passcode == (login.Tag{}) {
		return ch.pending() > 0
	}
	_, known := t.passcodes.get(tag(c.Passcode))
	return known
}

// forwarded reports whether the same answer was claimed in this challenge under another token: what may be
// right in each login is forwarded once in each.
func (c *Claim) forwarded(ch *Challenge) bool {
	return ch.find(func(v *Verdict) bool { return v.Answer == c.Answer && v.Forward != nil }) != nil
}

// rejected reports whether it was wrong in this challenge: an identical wrong answer counts once within it.
func (c *Claim) rejected(ch *Challenge, epoch uint32) bool {
	return ch.find(func(v *Verdict) bool { return v.Answer == c.Answer && v.Code == VerdictRejected && v.Epoch == epoch }) != nil
}

// apply records what became of a claimed answer.
func (c *Conclude) apply(t *txn) Result {
	if c.ClusterEpoch != t.meta.Epoch {
		return refused(login.CodeStateInvalid)
	}
	if !c.valid() {
		return Result{Status: Ignored}
	}
	ch, user := t.challenge(c.Challenge, c.Client, c.UserID), t.user(c.UserID)
	if ch == nil || !ch.belongs(c.Client, c.UserID) {
		return refused(login.CodeStateInvalid)
	}
	v := ch.verdict(c.Token, c.Answer)
	switch {
	case v == nil:
		return refused(login.CodeStateInvalid)
	case v.Code != VerdictPending || v.Forward == nil || v.Forward.Act != c.Act:
		return t.repeat(ch, v, user.epoch(), login.Tag{})
	case v.Epoch != user.epoch():
		t.conclude(ch, v, VerdictEnded)
		t.putChallenge(ch)
		return stale()
	}
	c.conclude(t, ch, v, user)
	if c.Release {
		t.release(ch, v)
	}
	v.Left = ch.leftOctet(c.Limits)
	t.putChallenge(ch)
	return verdict(v.outcome())
}

// conclude gives the verdict its code, and has its effect.
func (c *Conclude) conclude(t *txn, ch *Challenge, v *Verdict, user *User) {
	t.conclude(ch, v, c.Verdict)
	cred := user.Credential(c.Factor)
	switch {
	case c.Verdict == VerdictRejected:
		c.fail(t, user, cred)
		if ch.Failures++; ch.Failures >= c.Limits.Attempts && ch.Closed == NotClosed {
			ch.close(Exhausted)
		}
	case ch.Closed != NotClosed:
		v.Code = VerdictEnded
	case c.Verdict == VerdictAccepted:
		v.Forward.Grant = c.Granted
		cred.unlock()
		user = c.orNew(t, user)
		user.put(cred)
		user.LastFactor = c.Factor
		t.putUser(user)
		ch.close(Accepted)
	case c.Verdict == VerdictPassed:
		c.goOn(t, ch, v)
	default:
		ch.close(Exhausted)
	}
}

// goOn keeps what the dialogue goes on with, and asks for more.
func (c *Conclude) goOn(t *txn, ch *Challenge, v *Verdict) {
	if ch.Opening == nil {
		ch.Opening = &Opening{Name: c.Name, Epoch: c.Epoch, Opened: t.time}
	}
	if !ch.Opening.replace(c.Factor, c.Dialogue, login.Tag{}) {
		v.Code = VerdictExhausted
		ch.close(Exhausted)
		return
	}
	t.know(c.Factor)
	v.Sequence = ch.Opening.Sequence
	ch.extend(c.Expires, c.Limits.Keep)
}

func (c *Conclude) valid() bool {
	switch c.Verdict {
	case VerdictPassed:
		return len(c.Dialogue) > 0 && len(c.Granted) <= MaxGrant
	case VerdictAccepted, VerdictRejected, VerdictMisconfigured, VerdictUnavailable:
		return len(c.Granted) <= MaxGrant
	}
	return false
}
