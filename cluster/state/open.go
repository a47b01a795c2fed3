package state

import (
	"slices"

	"sallyport/login"
)

// apply stores a challenge, or changes one. The same command again, after an outcome that was not
// known, finds its own challenge, and its own send.
func (c *Open) apply(t *txn) Result {
	ch := t.challenge(c.ID, c.Client, c.UserID)
	if ch != nil && !ch.belongs(c.Client, c.UserID) {
		return Result{Status: Conflict}
	}
	var user *User
	if !c.decoy(ch) {
		user = t.user(c.UserID)
	}
	if ch != nil {
		return c.change(t, ch, user)
	}
	return c.begin(t, user)
}

// decoy reports whether it is about a challenge that nobody can answer.
func (c *Open) decoy(ch *Challenge) bool { return c.Decoy || ch != nil && ch.Decoy }

// begin stores a challenge, or rejoins an earlier one.
func (c *Open) begin(t *txn, user *User) Result {
	earlier := c.earlier(t)
	if earlier != nil && c.rejoins(t, earlier, user.epoch()) {
		return Result{Status: Done, Opened: earlier}
	}
	if (c.Send != nil || c.Key != (login.Tag{})) && !c.Decoy && c.Epoch != user.epoch() {
		return Result{Status: Done, Stale: true}
	}
	ch := &Challenge{ID: c.ID, Client: c.Client, UserID: c.UserID, Decoy: c.Decoy, Opening: c.opening(t.time)}
	if refusal, ok := t.room(ch, c.Capacity); !ok {
		if c.Decoy {
			return c.unstored(t, ch)
		}
		return refusal
	}
	r := Result{Status: Done}
	if c.Send != nil {
		if r.Refusal, r.SendAt = c.refusal(t, nil); r.Refusal != "" && len(c.Record) == 0 {
			return r
		}
	}
	if earlier != nil {
		giveUpRejoin(t, earlier)
	}
	t.newChallenge(ch, c.life(t.time), c.Keep)
	if c.Send != nil && r.Refusal == "" {
		c.send(t, ch, user)
	}
	t.putChallenge(ch)
	t.own(&t.rejoins, c.Rejoin, c.ID)
	return c.result(r, ch)
}

// unstored answers for a decoy that there is no room for as for any that was begun just now: nobody is
// told that it is not kept.
func (c *Open) unstored(t *txn, ch *Challenge) Result {
	ch.Expires = c.life(t.time)
	if c.Send != nil {
		c.send(t, ch, nil)
	}
	return c.result(Result{Status: Done}, ch)
}

// life is when a challenge that is opened now ends.
func (c *Open) life(now int64) int64 { return later(now, min(c.Life, maxLife)) }

func (c *Open) opening(now int64) *Opening {
	o := &Opening{Name: c.Name, Factor: c.Factor, Epoch: c.Epoch, Record: c.Record, Opened: now, Rejoin: c.Rejoin}
	if len(c.Record) > 0 {
		o.know(c.Key)
	}
	return o
}

// result is r with the challenge as it is now. Only the caller whose act is recorded with the last send
// delivers it.
func (c *Open) result(r Result, ch *Challenge) Result {
	r.Opened = ch
	if last := ch.Opening.last(); c.Send != nil && last != nil {
		r.Fresh = last.Act == c.Send.Act
	}
	return r
}

// change gives a challenge that is stored another candidate, or sends a code in it.
func (c *Open) change(t *txn, ch *Challenge, user *User) Result {
	r := Result{Status: Done}
	if ch.Closed != NotClosed || t.time > ch.Expires {
		return c.result(r, ch)
	}
	if c.moved(ch, user) {
		r.Stale, r.Opened = true, ch
		return r
	}
	changed := c.candidate(t, ch)
	if c.Send != nil && ch.Closed == NotClosed && !ch.Opening.asked(c.Key, c.Send.Act) {
		if r.Refusal, r.SendAt = c.refusal(t, ch); r.Refusal == "" {
			if len(ch.Opening.Record) == 0 {
				ch.Opening.Factor = c.Factor
			}
			c.send(t, ch, user)
			changed = true
		}
	}
	if changed {
		t.putChallenge(ch)
	}
	return c.result(r, ch)
}

// moved reports whether the command was built on what is not so any more.
func (c *Open) moved(ch *Challenge, user *User) bool {
	return !c.decoy(ch) && c.Epoch != user.epoch() || ch.Opening != nil && ch.Opening.Epoch != c.Epoch ||
		len(c.Record) == 0 && c.Sequence != ch.sequence()
}

// candidate puts the record of the command in place of the candidate, unless the same request did so
// before, or is the first one, which has stored its own. It reports whether anything changed.
func (c *Open) candidate(t *txn, ch *Challenge) bool {
	o := ch.Opening
	switch {
	case o == nil:
		ch.Opening = c.opening(t.time)
		ch.Opening.Rejoin = login.Tag{}
	case len(c.Record) == 0 || c.Key == (login.Tag{}) || slices.Contains(o.Keys, c.Key):
		return false
	case !o.replace(c.Factor, c.Record, c.Key):
		ch.close(Exhausted)
		return true
	}
	if len(c.Record) > 0 {
		ch.extend(later(t.time, c.Life), c.Keep)
	}
	return true
}

// earlier is the newest challenge under the same rejoin tag, or nil.
func (c *Open) earlier(t *txn) *Challenge {
	if c.Rejoin == (login.Tag{}) {
		return nil
	}
	ch, _ := t.owner(&t.rejoins, c.Rejoin, c.Client, c.UserID)
	return ch
}

// rejoins reports whether the earlier challenge serves this request too.
func (c *Open) rejoins(t *txn, ch *Challenge, epoch uint32) bool {
	o := ch.Opening
	return o != nil && ch.belongs(c.Client, c.UserID) && ch.Decoy == c.Decoy &&
		ch.Closed == NotClosed && t.time <= ch.Expires &&
		t.time-o.Opened < c.RejoinWithin &&
		o.Factor == c.Factor && o.Epoch == c.Epoch && c.Epoch == epoch
}

// giveUpRejoin leaves the tag to a newer challenge.
func giveUpRejoin(t *txn, ch *Challenge) {
	if ch.Opening == nil {
		return
	}
	ch.Opening.Rejoin = login.Tag{}
	t.putChallenge(ch)
}
