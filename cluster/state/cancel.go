package state

// apply ends a challenge, which may not be stored yet. One that does not fit, or takes no answer
// any more, is left as it is.
func (c *Cancel) apply(t *txn) Result {
	ch := t.challenge(c.Challenge, c.Client, c.UserID)
	if ch == nil {
		return c.unstored(t)
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

// unstored ends a challenge that was never stored, where there is room to remember that. Who is not
// stored may be a decoy, so such a cancel takes a decoy's place.
func (c *Cancel) unstored(t *txn) Result {
	user := t.user(c.UserID)
	if t.time > c.Expires || c.Epoch != user.epoch() {
		return Result{Status: Done}
	}
	ch := &Challenge{ID: c.Challenge, Client: c.Client, UserID: c.UserID, Closed: Cancelled, Decoy: user == nil}
	if _, ok := t.room(ch, c.Capacity); ok {
		t.putChallenge(t.newChallenge(ch, c.Expires, c.Keep))
	}
	return Result{Status: Done}
}
