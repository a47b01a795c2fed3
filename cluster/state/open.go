package state

import "sallyport/login"

// apply stores a challenge. The same command again, after an outcome that was not known, finds its
// own challenge.
func (c *Open) apply(t *txn) Result {
	if ch := t.challenge(c.ID, c.Client, c.UserID); ch != nil {
		if ch.Opening == nil || !ch.belongs(c.Client, c.UserID) {
			return Result{Status: Conflict}
		}
		return Result{Status: Done, Opened: ch}
	}
	earlier := c.earlier(t)
	if earlier != nil && c.rejoins(t, earlier) {
		return Result{Status: Done, Opened: earlier}
	}
	if refusal, ok := t.room(c.UserID, c.Capacity); !ok {
		return refusal
	}
	if earlier != nil {
		giveUpRejoin(t, earlier)
	}
	ch := t.newChallenge(c.ID, c.Client, c.UserID, later(t.time, c.Life), c.Keep)
	ch.Opening = &Opening{
		Name: c.Name, Factor: c.Factor, Epoch: c.Epoch, Record: c.Record,
		Opened: t.time, Rejoin: c.Rejoin,
	}
	t.putChallenge(ch)
	t.own(&t.rejoins, c.Rejoin, c.ID)
	return Result{Status: Done, Opened: ch}
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
func (c *Open) rejoins(t *txn, ch *Challenge) bool {
	o := ch.Opening
	return o != nil && ch.belongs(c.Client, c.UserID) &&
		ch.Closed == NotClosed && t.time <= ch.Expires &&
		t.time-o.Opened < c.RejoinWithin &&
		o.Factor == c.Factor && o.Epoch == c.Epoch && c.Epoch == t.user(c.UserID).epoch()
}

// giveUpRejoin leaves the tag to a newer challenge.
func giveUpRejoin(t *txn, ch *Challenge) {
	if ch.Opening == nil {
		return
	}
	ch.Opening.Rejoin = login.Tag{}
	t.putChallenge(ch)
}

// apply ends a challenge, which may not be stored yet. One that does not fit, or takes no answer
// any more, is left as it is.
func (c *Cancel) apply(t *txn) Result {
	ch := t.challenge(c.Challenge, c.Client, c.UserID)
	if ch == nil {
		if t.time > c.Expires || c.Epoch != t.user(c.UserID).epoch() {
			return Result{Status: Done}
		}
		if refusal, ok := t.room(c.UserID, c.Capacity); !ok {
			return refusal
		}
		ch = t.newChallenge(c.Challenge, c.Client, c.UserID, c.Expires, c.Keep)
	}
	if !ch.belongs(c.Client, c.UserID) {
		return Result{Status: Conflict}
	}
	if ch.Closed == NotClosed {
		ch.close(Cancelled)
		t.putChallenge(ch)
	}
	return Result{Status: Done}
}
