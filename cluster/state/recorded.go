package state

import "sallyport/login"

// Recorded returns the verdict on an answer that this view holds: under its challenge, its packet, or
// its login without a State. It is what [Settle] and [Claim] repeat, unless the user's epoch has moved
// on since. A claim whose time is over at now, in nanoseconds, is not found: whoever asks then claims it
// himself, and learns that its outcome is not known.
func (v View) Recorded(c *Settle, now int64) (o login.Outcome, found bool) {
	verdict := v.belonging(tag(c.Challenge), c).verdict(c.Token, c.Answer)
	if verdict == nil {
		verdict = v.leading(v.root.requests, c.Request, c).find(func(v *Verdict) bool { return v.Request == c.Request })
	}
	if verdict == nil {
		verdict = v.leading(v.root.agains, c.Again, c).find(func(v *Verdict) bool { return v.Again == c.Again })
	}
	if verdict == nil || verdict.overdue(now) {
		return login.Outcome{}, false
	}
	return verdict.outcome(), true
}

// belonging returns a challenge of the client and the user of an answer, or nil.
func (v View) belonging(id tag, c *Settle) *Challenge {
	ch := v.root.challenge(v.wire(), login.ChallengeID(id), c.Client, c.UserID)
	if ch == nil || !ch.belongs(c.Client, c.UserID) {
		return nil
	}
	return ch
}

// leading returns the challenge that a key leads to, likewise.
func (v View) leading(m tagMap, key login.Tag, c *Settle) *Challenge {
	id, known := m.get(tag(key))
	if !known || key == (login.Tag{}) {
		return nil
	}
	return v.belonging(tag(id), c)
}
