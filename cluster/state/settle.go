package state

import (
	"slices"

	"sallyport/login"
)

// apply judges an answer. The order of the checks is the contract: a recorded verdict comes before
// the check of the version, because a registration raises the version that its own retransmission
// still carries; the lock comes before the number, so that guessing while locked tells nothing.
func (c *Settle) apply(t *txn) Result {
	ch, user, r, done := c.before(t, login.Tag{})
	if done {
		return r
	}
	if ch == nil && c.Exempt != "" && !c.Decoy {
		// It uses up nothing, so the entry of the log is record enough: a service account that logs in
		// all day would have no room for its challenges.
		return verdict(login.Outcome{Code: login.CodeAccepted})
	}
	if ch == nil {
		if r, done := c.again(t, user, login.CodeOTPInvalid); done {
			return r
		}
		if ch, r = c.newChallenge(t); ch == nil {
			return r
		}
	}
	return c.judge(t, ch, user)
}

// again answers a wrong answer of a login without a State that was counted before. Nothing is stored for it: a
// client that reconnects every few seconds would fill its user's room for challenges, and shut them out.
func (c *Settle) again(t *txn, user *User, wrong login.Code) (Result, bool) {
	cred := user.Credential(c.Factor)
	if c.Decoy || !c.known(t, &cred) {
		return Result{}, false
	}
	if cred.lockedAt(t.time) && !c.Conceal {
		return verdict(login.Outcome{Code: login.CodeAccountLocked, AttemptsLeft: int(c.Limits.Attempts), Repeated: true}), true
	}
	return verdict(login.Outcome{Code: wrong, AttemptsLeft: max(int(c.Limits.Attempts)-1, 0), Repeated: true}), true
}

// before is what comes before any judgement: done means that r is the answer. ch is nil where the
// challenge is not stored, user where there is none. act names a caller who claims.
func (c *Settle) before(t *txn, act login.Tag) (ch *Challenge, user *User, r Result, done bool) {
	if c.ClusterEpoch != t.meta.Epoch {
		return nil, nil, refused(login.CodeStateInvalid), true
	}
	ch = t.challenge(c.Challenge, c.Client, c.UserID)
	if ch != nil && !ch.belongs(c.Client, c.UserID) {
		return nil, nil, refused(login.CodeStateInvalid), true
	}
	if !c.decoy(ch) {
		user = t.user(c.UserID)
	}
	if r, done = c.recorded(t, ch, user.epoch(), act); done {
		return ch, user, r, true
	}
	if r, done = c.elsewhere(t, ch, user.epoch()); done {
		return ch, user, r, true
	}
	if c.moved(t, ch, user) {
		return ch, user, stale(), true
	}
	r, done = c.ended(t, ch)
	return ch, user, r, done
}

// decoy reports whether no answer is right: there is no such user, or the password was wrong.
func (c *Settle) decoy(ch *Challenge) bool { return c.Decoy || ch != nil && ch.Decoy }

// newChallenge returns a challenge that is to be stored, or nil and what to say where there is no room.
func (c *Settle) newChallenge(t *txn) (*Challenge, Result) {
	ch := &Challenge{ID: c.Challenge, Client: c.Client, UserID: c.UserID, Decoy: c.Decoy}
	if refusal, ok := t.room(ch, c.Limits.Capacity); !ok {
		if c.Decoy { // which is never refused, and always a first one
			v := Verdict{Code: ch.miss(c.Limits), Left: ch.leftOctet(c.Limits)}
			return nil, verdict(v.outcome())
		}
		return nil, refusal
	}
	return t.newChallenge(ch, c.Expires, c.Limits.Keep), Result{}
}

// recorded repeats the verdict that this very answer, this very packet, or this very login without a
// State was given before.
func (c *Settle) recorded(t *txn, ch *Challenge, epoch uint32, act login.Tag) (Result, bool) {
	if ch != nil {
		if v := ch.verdict(c.Token, c.Answer); v != nil {
			return t.repeat(ch, v, epoch, act), true
		}
	}
	if first, known := t.owner(&t.requests, c.Request, c.Client, c.UserID); known {
		if first == nil || !first.belongs(c.Client, c.UserID) {
			return refused(login.CodeStateInvalid), true
		}
		v := first.find(func(v *Verdict) bool { return v.Request == c.Request })
		if v == nil {
			return refused(login.CodeStateInvalid), true
		}
		return t.repeat(first, v, epoch, act), true
	}
	// A new login may follow a verdict that is void, or of a challenge that has ended: it is judged.
	first, _ := t.owner(&t.agains, c.Again, c.Client, c.UserID)
	if first == nil || !first.belongs(c.Client, c.UserID) || t.time > first.Expires {
		return Result{}, false
	}
	v := first.find(func(v *Verdict) bool { return v.Again == c.Again })
	if v == nil || v.Epoch != epoch {
		return Result{}, false
	}
	return t.repeat(first, v, epoch, act), true
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
	r := c.record(t, ch, Verdict{Code: VerdictInvalid, Epoch: epoch})
	r.Outcome.Repeated = r.Outcome.Code == login.CodeOTPInvalid
	return r, true
}

// moved reports whether the answer was built on what is not so any more: the user's epoch, the version
// of the credential, the candidate, the invitation that was presented in this challenge. One-time codes
// have no version: it is their tag that is found or not.
func (c *Settle) moved(t *txn, ch *Challenge, user *User) bool {
	if c.decoy(ch) {
		return false
	}
	if c.Epoch != user.epoch() || c.Code == (login.Tag{}) && c.Version != user.version(c.Factor) {
		return true
	}
	if len(c.Register) == 0 {
		return false
	}
	if ch != nil && ch.Opening != nil && len(ch.Opening.Record) > 0 && ch.Opening.Sequence != c.Sequence {
		return true
	}
	return c.Invitation != (login.Tag{}) && !(ch.invited(c.Invitation, user.epoch()) && user.invited(c.Invitation, t.time))
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
func (c *Settle) judge(t *txn, ch *Challenge, user *User) Result {
	cred := user.Credential(c.Factor)
	if r, done := c.withheld(t, ch, user, &cred); done {
		return r
	}
	registering := len(c.Register) > 0
	switch {
	case c.Exempt != "":
		return c.record(t, ch, Verdict{Code: VerdictAccepted, Epoch: user.epoch()})
	case c.Code != (login.Tag{}):
		if i := cred.code(c.Code, t.time); i >= 0 {
			return c.redeem(t, ch, user, cred, i)
		}
	case c.known(t, &cred): // one that was counted as wrong stays wrong, or repeating it would be a free guess at each step
	case c.Number > t.meta.floor(c.Factor) && (registering || c.Number > cred.Last):
		return c.accept(t, ch, user, cred)
	case c.Number > 0 && c.Conceal: // that it was right once must not show
		return c.miss(t, ch, user.epoch())
	case c.Number > 0:
		return c.record(t, ch, Verdict{Code: VerdictReplayed, Epoch: user.epoch()})
	}
	var again, near bool
	if (!registering || c.Count) && !oneTime(c.Factor) {
		again, near = c.known(t, &cred), c.nearAgain(t, &cred)
		user = c.fail(t, user, cred)
	}
	r := c.record(t, ch, Verdict{Code: ch.miss(c.Limits), Epoch: user.epoch(), Near: near})
	r.Outcome.Repeated = again
	return r
}

// known reports whether this wrong answer of a login without a State was counted before. A client that
// reconnects by itself repeats one for hours: it counts once for as long as the failures stand.
func (c *Settle) known(t *txn, cred *Credential) bool {
	return t.meta.level() >= level3 && c.Guess != (login.Tag{}) && slices.Contains(cred.Wrong, c.Guess)
}

// sameOffset is by how much two wrong answers of one clock may differ: a time step lies between reading a
// code and typing it.
const sameOffset = 30 * second

// nearAgain reports whether this wrong answer and the one before it are two codes of one clock, which is
// off by as much. It takes two: of one that was guessed nobody learns how near it was.
func (c *Settle) nearAgain(t *txn, cred *Credential) bool {
	d := c.Near.Ahead - cred.Near.Ahead
	return t.meta.level() >= level3 && !c.Conceal && c.Near.Number != 0 && cred.Near.Number != 0 &&
		c.Near.Number != cred.Near.Number && -sameOffset <= d && d <= sameOffset
}

// oneTime reports whether a credential holds one-time codes. They are too long to be guessed, and a lock
// on them would let anyone with the password, or with a name where none is asked, take away the last
// way in: wrong ones count in their challenge alone.
func oneTime(factor string) bool {
	switch factor {
	case login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation:
		return true
	}
	return false
}

// withheld answers where no answer can be right: to a decoy, and while the factor is locked.
func (c *Settle) withheld(t *txn, ch *Challenge, user *User, cred *Credential) (r Result, done bool) {
	locked := cred.lockedAt(t.time) && c.Exempt == ""
	switch {
	case c.decoy(ch), locked && c.Conceal:
		return c.miss(t, ch, user.epoch()), true
	case locked:
		return c.record(t, ch, Verdict{Code: VerdictLocked, Epoch: user.epoch()}), true
	}
	return Result{}, false
}

// fail counts a wrong answer to the credential, unless it was counted before.
func (c *Settle) fail(t *txn, user *User, cred Credential) *User {
	if c.known(t, &cred) {
		return user
	}
	cred.fail(t.time, c.Limits)
	if t.meta.level() >= level3 {
		if cred.Near, cred.NearAt = c.Near, 0; c.Near.Number != 0 {
			cred.NearAt = t.time
		}
		if c.Guess != (login.Tag{}) {
			cred.Wrong = append(cred.Wrong[max(0, len(cred.Wrong)-maxWrong+1):], c.Guess)
		}
	}
	user = c.orNew(t, user)
	user.put(cred)
	t.putUser(user)
	return user
}

// miss counts a wrong answer to the challenge.
func (c *Settle) miss(t *txn, ch *Challenge, epoch uint32) Result {
	return c.record(t, ch, Verdict{Code: ch.miss(c.Limits), Epoch: epoch})
}

// accept uses up the number, and stores what was registered.
func (c *Settle) accept(t *txn, ch *Challenge, user *User, cred Credential) Result {
	cred.unlock()
	cred.Last = c.Number
	cred.Memo = c.Memo
	user = c.orNew(t, user)
	if len(c.Register) > 0 {
		cred.register(c.Register)
		user.Epoch++
		user.Name = c.Name
		user.useInvitation(c.Invitation, t.time)
	}
	user.put(cred)
	if !c.Pass {
		user.LastFactor = c.Factor
	}
	t.putUser(user)
	return c.record(t, ch, Verdict{Code: c.right(), Epoch: user.Epoch})
}

// redeem uses up a one-time code, that of the index. An invitation that the login goes on after is
// used up by the registration.
func (c *Settle) redeem(t *txn, ch *Challenge, user *User, cred Credential, i int) Result {
	cred.unlock()
	left := cred.Codes[i].Uses
	if !c.Pass || c.Factor != login.CredentialInvitation {
		left = cred.use(i)
	}
	if c.Factor == login.CredentialRecovery {
		left = uint32(len(cred.Codes))
	}
	user.put(cred)
	t.putUser(user)
	return c.record(t, ch, Verdict{
		Code: c.right(), Epoch: user.Epoch, Remaining: left, Redeemed: &Redeemed{Factor: c.Factor, Tag: c.Code},
	})
}

// right is the verdict on a right answer.
func (c *Settle) right() VerdictCode {
	if c.Pass {
		return VerdictPassed
	}
	return VerdictAccepted
}

func (c *Settle) orNew(t *txn, user *User) *User {
	if user != nil {
		return user
	}
	return t.newUser(c.UserID, c.Name, c.Handle)
}

// record remembers a verdict with the challenge and closes it where the verdict ends it, or where
// it is one answer too many.
func (c *Settle) record(t *txn, ch *Challenge, v Verdict) Result {
	if v.Code != VerdictAccepted && len(ch.Verdicts) >= maxVerdicts {
		v = Verdict{Code: VerdictExhausted, Epoch: v.Epoch}
	}
	switch v.Code {
	case VerdictAccepted:
		ch.close(Accepted)
	case VerdictExhausted:
		ch.close(Exhausted)
	}
	v.Token, v.Answer, v.Request = c.Token, c.Answer, c.Request
	v.Again = c.takeAgain(t, ch)
	v.Left = ch.leftOctet(c.Limits)
	ch.Verdicts = append(ch.Verdicts, v)
	t.verdicts++
	t.putChallenge(ch)
	t.own(&t.requests, c.Request, c.Challenge)
	if v.Forward != nil {
		t.own(&t.passcodes, v.Forward.Passcode, c.Challenge)
	}
	if v.Code == VerdictPending {
		t.keep(pendingKey(ch.UserID), 1)
	}
	if v.Redeemed != nil {
		t.know(v.Redeemed.Factor)
	}
	return verdict(v.outcome())
}

// takeAgain makes the tag of a login without State lead to this challenge, and to no earlier one. One
// challenge has it once.
func (c *Settle) takeAgain(t *txn, ch *Challenge) login.Tag {
	first, _ := t.owner(&t.agains, c.Again, c.Client, c.UserID)
	if first != nil && first.ID == ch.ID {
		return login.Tag{}
	}
	if first != nil {
		if v := first.find(func(v *Verdict) bool { return v.Again == c.Again }); v != nil {
			v.Again = login.Tag{}
			t.putChallenge(first)
		}
	}
	t.own(&t.agains, c.Again, ch.ID)
	return c.Again
}
