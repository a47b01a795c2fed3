package state

import "sallyport/login"

// sendSubject is one of those whose sends are counted: under which key, and how many are allowed.
type sendSubject struct {
	key  tag
	rate SendRate
}

// subjects are what a send counts for, the user's factor first.
func (c *Open) subjects() []sendSubject {
	l := c.Send.Limits
	all := []sendSubject{
		{userSends(c.UserID, c.Factor), l.User},
		{subjectKey("sends", c.Factor), l.Global},
	}
	if c.Send.Destination != (login.Tag{}) {
		all = append(all, sendSubject{subjectKey("destination", string(c.Send.Destination[:])), l.Destination})
	}
	if c.Send.Country != "" {
		all = append(all, sendSubject{subjectKey("country", c.Factor, c.Send.Country), l.Country})
	}
	return all
}

// userSends is the key of the tally of a user's factor.
func userSends(userID, factor string) tag { return subjectKey("user", userID, factor) }

// refusal says why a code may not be sent, and when it may be; "" when it may now. Of two reasons it
// is the one that lasts longer. ch is nil where the challenge is not stored.
func (c *Open) refusal(t *txn, ch *Challenge) (why login.Code, at int64) {
	if c.decoy(ch) {
		var o *Opening
		if ch != nil {
			o = ch.Opening
		}
		return tooSoon(o.soonest(c.Send.Limits.Between), t.time)
	}
	at = t.time
	for _, s := range c.subjects() {
		y := t.tally(s.key)
		at = max(at, y.free(s.rate.Hour, hour, t.time), y.free(s.rate.Day, day, t.time))
	}
	soon := t.time
	if y := t.tally(userSends(c.UserID, c.Factor)); y.newest != 0 {
		soon = later(y.at, c.Send.Limits.Between)
	}
	if at > t.time && at >= soon {
		return login.CodeRateLimited, at
	}
	return tooSoon(soon, t.time)
}

func tooSoon(soon, now int64) (login.Code, int64) {
	if soon > now {
		return login.CodeResendTooSoon, soon
	}
	return "", 0
}

// soonest is when a code may be sent again in a challenge; long ago when it may be now.
func (o *Opening) soonest(between int64) int64 {
	if o != nil {
		for i := len(o.Sends) - 1; i >= 0; i-- {
			if s := o.Sends[i]; !s.Failed {
				return later(s.At, between)
			}
		}
	}
	return -1 << 63
}

// send notes a code as sent. The number rises for the user's factor over all challenges; a decoy counts
// for itself.
func (c *Open) send(t *txn, ch *Challenge, user *User) {
	var n uint64
	if c.decoy(ch) {
		for _, s := range ch.Opening.Sends {
			n = max(n, s.Number)
		}
		n++
	} else {
		n = c.count(t, user)
	}
	t.know(c.Factor)
	ch.Opening.sent(Sent{Factor: c.Factor, Number: n, At: t.time, Key: c.Key, Act: c.Send.Act})
	ch.extend(later(t.time, c.Life), c.Keep)
}

// count counts a send for all its subjects and returns its number.
func (c *Open) count(t *txn, user *User) uint64 {
	if user == nil {
		user = t.newUser(c.UserID, c.Name, c.Handle)
	}
	cred := user.Credential(c.Factor)
	cred.Sent++
	cred.Challenge = c.ID
	user.put(cred)
	t.putUser(user)
	for i, s := range c.subjects() {
		y := t.tally(s.key)
		y.add(t.time)
		if i == 0 {
			y.newest, y.at = cred.Sent, t.time
		}
		t.putTally(s.key, y)
	}
	return cred.Sent
}

// apply notes that a code did not leave. It still counts for the rates: something was tried. What is
// not known any more needs no note.
func (c *SendFailed) apply(t *txn) Result {
	ch := t.challenge(c.Challenge, c.Client, c.UserID)
	if ch != nil && !ch.belongs(c.Client, c.UserID) {
		return Result{Status: Done}
	}
	if ch != nil && ch.Opening != nil {
		for i := range ch.Opening.Sends {
			if s := &ch.Opening.Sends[i]; s.Factor == c.Factor && s.Number == c.Number {
				s.Failed = true
			}
		}
		t.putChallenge(ch)
	}
	key := userSends(c.UserID, c.Factor)
	if y := t.tally(key); c.Number != 0 && y.newest == c.Number && (ch == nil || !ch.Decoy) {
		y.newest, y.at = 0, 0
		t.putTally(key, y)
	}
	return Result{Status: Done}
}
