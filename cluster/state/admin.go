package state

import (
	"bytes"
	"slices"
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
	cred.Record, cred.Memo = c.Record, nil
	cred.Version++
	next := user.with(cred)
	next.Epoch++
	next.Name = c.Name
	t.putUser(next)
	return Result{Status: Done}
}

// apply removes records. Version and last number stay, so that neither an old sealed record nor a
// used code becomes good again.
func (c *Reset) apply(t *txn) Result {
	next, ok := eachCredential(t.user(c.UserID), c.Factor, func(cred *Credential) {
		cred.unlock()
		cred.Record, cred.Memo = nil, nil
	})
	if !ok {
		return Result{Status: Unknown}
	}
	next.Epoch++
	t.putUser(next)
	return Result{Status: Done}
}

func (c *Unlock) apply(t *txn) Result {
	next, ok := eachCredential(t.user(c.UserID), c.Factor, (*Credential).unlock)
	if !ok {
		return Result{Status: Unknown}
	}
	t.putUser(next)
	return Result{Status: Done}
}

// eachCredential returns a copy of the user in which fn has changed one credential, or all when
// factor is empty; false when there is no such user or factor.
func eachCredential(u *User, factor string, fn func(*Credential)) (*User, bool) {
	if u == nil {
		return nil, false
	}
	next := *u
	next.Credentials = slices.Clone(u.Credentials)
	found := factor == ""
	for i := range next.Credentials {
		if factor == "" || next.Credentials[i].Factor == factor {
			fn(&next.Credentials[i])
			found = true
		}
	}
	return &next, found
}

func (c *Learn) apply(t *txn) Result {
	if c.Client == "" || len(c.Client) > 1<<16-1 || (len(c.Address) != 4 && len(c.Address) != 16) {
		return Result{Status: Ignored}
	}
	key := learnedKey(nil, c.Client, c.Address)
	if _, known := t.learnedTxn.Get(key); !known {
		t.learnedTxn.Insert(key, &Learned{Client: c.Client, Address: c.Address, Since: t.time})
	}
	return Result{Status: Done}
}

func (c *Forget) apply(t *txn) Result {
	if len(c.Client) > 1<<16-1 {
		return Result{Status: Done}
	}
	var keys [][]byte
	t.learnedTxn.Root().WalkPrefix(learnedKey(nil, c.Client, nil), func(key []byte, _ *Learned) bool {
		keys = append(keys, key)
		return false
	})
	for _, key := range keys { // DeletePrefix of this library counts wrongly
		t.learnedTxn.Delete(key)
	}
	return Result{Status: Done, Count: len(keys)}
}

func (c *Found) apply(t *txn) Result {
	if t.meta.ClusterID != "" {
		return Result{Status: Conflict}
	}
	if c.ClusterID == "" || len(c.Key.Sealed) == 0 {
		return Result{Status: Ignored}
	}
	key := c.Key
	key.Since = t.time
	t.meta = &Meta{ClusterID: c.ClusterID, Epoch: 1, Check: c.Check, Keys: []StateKey{key}}
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
	key := c.Key
	key.Since = t.time
	next := *t.meta
	next.Keys = append(slices.Clone(keys[max(0, len(keys)-keysKept+1):]), key)
	t.meta = &next
	return Result{Status: Done}
}
