package state

import "sallyport/login"

// txn is one batch being applied: a root that is being changed. It is published by commit, or dropped
// without a trace.
type txn struct {
	root
	wire *wire
	// ownExpiries says that the queue was copied for this transaction.
	ownExpiries bool
}

func newTxn(r *root, edit uint64, w *wire) *txn {
	w.names = r.names
	t := &txn{root: *r, wire: w}
	t.edit = edit
	return t
}

func (t *txn) commit() *root {
	r := t.root
	return &r
}

// know makes one copy of a name serve whatever is decoded from now on.
func (t *txn) know(name string) {
	t.names = t.names.with(name)
	t.wire.names = t.names
}

// user returns nil for a user who is not stored.
func (t *txn) user(id string) *User { return t.root.user(t.wire, userKey(id), id) }

// newUser is a user to be stored for the first time.
func (t *txn) newUser(id, name string, h login.Handle) *User {
	u := &User{ID: id, Name: name, Handle: h}
	t.claimHandle(u)
	return u
}

// claimHandle makes u be found by its handle. A handle belongs to one user: should two have the same
// (1 in 2^64), the second has none.
func (t *txn) claimHandle(u *User) {
	if u.Handle == (login.Handle{}) {
		return
	}
	handle, key := handleKey(u.Handle), userKey(u.ID)
	if _, taken := t.handles.get(handle); taken {
		u.Handle = login.Handle{}
		return
	}
	t.handles.set(t.edit, handle, key[:])
}

// putUser stores u, or what has become of it.
func (t *txn) putUser(u *User) {
	for i := range u.Credentials {
		t.know(u.Credentials[i].Factor)
	}
	t.users.set(t.edit, userKey(u.ID), t.wire.encode(u))
}

// challenge returns nil for one that is not remembered. client and userID are what is expected; what
// is stored may differ.
func (t *txn) challenge(id login.ChallengeID, client, userID string) *Challenge {
	return t.root.challenge(t.wire, id, client, userID)
}

// putChallenge stores c, or what has become of it.
func (t *txn) putChallenge(c *Challenge) {
	bare := *c
	bare.ID = login.ChallengeID{} // it is the key
	t.challenges.set(t.edit, tag(c.ID), t.wire.encode(&bare))
}

// newChallenge makes c one that is to be stored for the first time. It is in the expiry queue already:
// the caller stores it.
func (t *txn) newChallenge(c *Challenge, expires, keep int64) *Challenge {
	t.know(c.Client)
	c.Expires, c.Forget = expires, ceilSeconds(later(expires, keep))
	t.queue(c.Forget, tag(c.ID))
	t.enter(c)
	return c
}

// forgetChallenge removes a challenge and what leads to it.
func (t *txn) forgetChallenge(c *Challenge) {
	c.leads(t, t.disown)
	t.leave(c)
	t.challenges.delete(t.edit, tag(c.ID))
}

// leads calls do with every map and key under which the challenge is found besides its id.
func (c *Challenge) leads(t *txn, do func(*tagMap, login.Tag, login.ChallengeID)) {
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		do(&t.requests, v.Request, c.ID)
		do(&t.agains, v.Again, c.ID)
		if v.Forward != nil {
			do(&t.passcodes, v.Forward.Passcode, c.ID)
		}
	}
	if c.Opening != nil {
		do(&t.rejoins, c.Opening.Rejoin, c.ID)
	}
}

// own makes key lead to a challenge, where there is a key.
func (t *txn) own(m *tagMap, key login.Tag, id login.ChallengeID) {
	if key != (login.Tag{}) {
		m.set(t.edit, tag(key), id[:])
	}
}

// disown removes key, if it leads to this challenge.
func (t *txn) disown(m *tagMap, key login.Tag, id login.ChallengeID) {
	if owner, ok := m.get(tag(key)); ok && login.ChallengeID(owner) == id {
		m.delete(t.edit, tag(key))
	}
}

// owner returns the challenge that key leads to, nil when it is not remembered; known is false when
// key leads nowhere. client and userID are what is expected.
func (t *txn) owner(m *tagMap, key login.Tag, client, userID string) (c *Challenge, known bool) {
	if key == (login.Tag{}) {
		return nil, false
	}
	id, known := m.get(tag(key))
	if !known {
		return nil, false
	}
	return t.challenge(login.ChallengeID(id), client, userID), true
}
