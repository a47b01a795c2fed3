package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// Merging says how a backup takes the place of a running cluster's state.
type Merging struct {
	// Key becomes the only State key.
	Key StateKey
	// Floors count as used for everybody: codes were accepted since the backup that it does not know of.
	Floors []Floor
	// Reseal opens a record that is sealed for one version of a credential and seals it for another.
	Reseal func(userID, factor string, from, to uint32, sealed []byte) ([]byte, error)
}

// Merge returns the state of a running cluster with the users of a backup, their windows, the addresses
// learned and what was counted of sends. The cluster stays what it is (id, master key, authority, nodes,
// tokens, level, place in the log) and begins a new epoch: the larger of both and one. Nothing that
// guards a user falls back: numbers, send numbers, versions and epochs are the larger of both, counters
// and locks the stricter, one-time codes those that both have, where both have the credential. A user
// whom the backup does not have is dropped. Neither view changes; it needs no state machine, and its outcome is the same on every node.
func Merge(backup, current View, m Merging) (View, error) {
	if m.Reseal == nil || len(m.Key.Sealed) == 0 {
		return View{}, errors.New("merge: a sealed State key and a way to seal records anew are needed")
	}
	b, c := backup.root, current.root
	if !bytes.Equal(b.meta.Check, c.meta.Check) {
		return View{}, errors.New("merge: the backup is sealed under another master key: it cannot be read with the cluster's")
	}
	if b.meta.level() > c.meta.level() {
		return View{}, fmt.Errorf("merge: the backup has feature level %d and the cluster %d: run the newer sallyport on all nodes first", b.meta.level(), c.meta.level())
	}
	floors := raised(raised(c.meta.Floors, b.meta.Floors), m.Floors)
	epoch := max(b.meta.Epoch, c.meta.Epoch)
	if epoch == 1<<32-1 || len(floors) > maxFloors {
		return View{}, errors.New("merge: epoch or floors are out of range")
	}
	t := newTxn(b, max(b.edit, c.edit)+1, &wire{})
	t.meta, t.index, t.time = c.meta, c.index, max(b.time, c.time)
	t.acts, t.nodes, t.tokens = c.acts, c.nodes, c.tokens
	t.beginEpoch(epoch+1, m.Key, floors)
	t.mergeLearned(c)
	t.dateLearned()
	if err := t.mergeUsers(c, m); err != nil {
		return View{}, err
	}
	t.digest = sha256.Sum256(slices.Concat([]byte("merge"), b.digest[:], c.digest[:]))
	return View{t.commit()}, nil
}

// mergeUsers makes the users of the backup as strict as they are in the cluster.
func (t *txn) mergeUsers(current *root, m Merging) (err error) {
	w := &wire{names: current.names}
	current.users.walk(func(key tag, stored []byte) bool {
		user := t.root.user(t.wire, key, "")
		if user == nil {
			return true
		}
		var now User
		mustDecode(w, stored, &now)
		if err = user.merge(&now, m); err != nil {
			return false
		}
		t.putUser(user)
		return true
	})
	return err
}

// merge makes a user of the backup as strict as now.
func (u *User) merge(now *User, m Merging) error {
	if u.Epoch = max(u.Epoch, now.Epoch); u.Epoch < 1<<32-1 {
		u.Epoch++
	}
	for i := range now.Credentials {
		cred := u.Credential(now.Credentials[i].Factor)
		if err := cred.merge(u.ID, &now.Credentials[i], m); err != nil {
			return err
		}
		u.put(cred)
	}
	return nil
}

// merge makes a credential of the backup as strict as now. Its record is sealed for its version, so one
// that gets a higher version is sealed anew.
func (c *Credential) merge(userID string, now *Credential, m Merging) (err error) {
	if len(c.Record) > 0 && now.Version > c.Version {
		if c.Record, err = m.Reseal(userID, c.Factor, c.Version, now.Version, c.Record); err != nil {
			return fmt.Errorf("merge: seal the %s credential of %q anew: %w", c.Factor, userID, err)
		}
	}
	c.Version = max(c.Version, now.Version)
	c.Last = max(c.Last, now.Last)
	c.Sent = max(c.Sent, now.Sent)
	c.Failures = max(c.Failures, now.Failures)
	c.LockedUntil = max(c.LockedUntil, now.LockedUntil)
	c.HardLocked = c.HardLocked || now.HardLocked
	c.Wrong = now.Wrong // they count no more, and are right no more
	c.Renew = c.Renew || now.Renew
	c.Codes = bothHave(c.Codes, now.Codes)
	return nil
}

// bothHave are the one-time codes that are in both lists, with the fewer uses and the earlier end.
func bothHave(backup, now []OneTimeCode) (both []OneTimeCode) {
	for _, o := range backup {
		i := slices.IndexFunc(now, func(n OneTimeCode) bool { return n.Tag == o.Tag })
		if i < 0 {
			continue
		}
		o.Uses = min(o.Uses, now[i].Uses)
		if n := now[i].Until; n != 0 && (o.Until == 0 || n < o.Until) {
			o.Until = n
		}
		both = append(both, o)
	}
	return both
}
