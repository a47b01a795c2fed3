package state

import (
	"bytes"
	"slices"

	"sallyport/login"
)

// keysKept is how many State keys are kept: the current one and two before it.
const keysKept = 3

// apply stores the credential. The same command again finds its own record.
func (c *Register) apply(t *txn) Result {
	user := t.user(c.UserID)
	cred := user.Credential(c.Factor)
	if c.UserID == "" || c.Factor == "" || len(c.Record) == 0 {
		return Result{Status: Ignored}
	}
	if cred.Version == c.Version+1 && bytes.Equal(cred.Record, c.Record) {
		return Result{Status: Done}
	}
	if cred.Version != c.Version {
		return Result{Status: Conflict}
	}
	if user == nil {
		user = t.newUser(c.UserID, c.Name, c.Handle)
	}
	cred.unlock()
	cred.Memo = nil
	cred.register(c.Record)
	user.put(cred)
	user.Epoch++
	user.Name = c.Name
	t.putUser(user)
	return Result{Status: Done}
}

// apply removes records. Version and last number stay, so that neither an old sealed record nor a
// used code becomes good again.
func (c *Reset) apply(t *txn) Result { return t.once(c.Act, func() Result { return c.reset(t) }) }

func (c *Reset) reset(t *txn) Result {
	user := t.user(c.UserID)
	if user == nil {
		if c.Handle == (login.Handle{}) {
			return Result{Status: Unknown}
		}
		user = t.newUser(c.UserID, "", c.Handle)
	}
	removed := 0
	user.each(c.Factor, func(cred *Credential) {
		if len(cred.Record) > 0 || len(cred.Codes) > 0 {
			removed++
		}
		cred.unlock()
		cred.Record, cred.Memo, cred.Renew = nil, nil, false
		cred.Challenge = login.ChallengeID{}
		cred.Codes, cred.Note = nil, ""
	})
	user.Epoch++ // also where nothing was registered: a registration may be under way
	t.putUser(user)
	return Result{Status: Done, Count: removed}
}

func (c *Unlock) apply(t *txn) Result { return t.once(c.Act, func() Result { return c.unlock(t) }) }

func (c *Unlock) unlock(t *txn) Result {
	user := t.user(c.UserID)
	if !user.each(c.Factor, (*Credential).unlock) {
		return Result{Status: Unknown}
	}
	t.putUser(user)
	return Result{Status: Done}
}

// each changes one credential, or all when factor is empty; it is false when there is none.
func (u *User) each(factor string, change func(*Credential)) bool {
	if u == nil {
		return false
	}
	found := false
	for i := range u.Credentials {
		if factor == "" || u.Credentials[i].Factor == factor {
			change(&u.Credentials[i])
			found = true
		}
	}
	return found
}

func (c *Found) apply(t *txn) Result {
	if t.meta.ClusterID != "" {
		return Result{Status: Conflict}
	}
	if c.ClusterID == "" || len(c.Key.Sealed) == 0 {
		return Result{Status: Ignored}
	}
	key := c.Key.kept(t.time)
	t.meta = &Meta{ClusterID: c.ClusterID, Epoch: 1, Check: bytes.Clone(c.Check), Keys: []StateKey{key}, Level: c.Level}
	return Result{Status: Done}
}

func (c *Rotate) apply(t *txn) Result {
	keys := t.meta.Keys
	if len(keys) == 0 || keys[len(keys)-1].ID != c.Previous || len(c.Key.Sealed) == 0 {
		return Result{Status: Conflict}
	}
	if slices.ContainsFunc(keys, func(k StateKey) bool { return k.ID == c.Key.ID }) {
		return Result{Status: Conflict}
	}
	key := c.Key.kept(t.time)
	next := *t.meta
	next.Keys = append(slices.Clone(keys[max(0, len(keys)-keysKept+1):]), key)
	t.meta = &next
	return Result{Status: Done}
}

// kept is k, current since now, without the log entry that it came in.
func (k StateKey) kept(now int64) StateKey {
	return StateKey{ID: k.ID, Sealed: bytes.Clone(k.Sealed), Since: now}
}
