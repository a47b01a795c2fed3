package state

// apply ends a challenge, which may not be stored yet. One that does not fit, or takes no answer
// any more, is left as it is.
func (c *Cancel) apply(t *txn) Result {
	ch := t.challenge(c.Challenge, c.Client, c.UserID)
	if ch == nil {
		if t.time > c.Expires || c.Epoch != t.user(c.UserID).epoch() {
			return Result{Status: Done}
		}
		if refusal, ok := t.room(c.UserID, false, c.Capacity); !ok {
			return refusal
		}
		ch = t.newChallenge(&Challenge{ID: c.Challenge, Client: c.Client, UserID: c.UserID}, c.Expires, c.Keep)
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
