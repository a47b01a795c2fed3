package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"sallyport/login"
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

// Merge returns the state of a running cluster with the registrations of a backup. The cluster stays what
// it is (id, master key, authority, nodes, tokens, level, place in the log) and begins a new epoch: the larger
// of both and one. Nothing that guards somebody falls back, whichever of the two states is the newer one, and
// whether or not they are of one cluster:
//
//   - numbers, send numbers, versions and epochs are the larger of both, counters and locks the stricter;
//   - one-time codes and windows count where both have them, as the stricter of the two has them: so those of a
//     backup from another cluster are void;
//   - what was counted of sends is the larger of both in each span of time; a passcode that either has claimed
//     stays claimed; who signs is what either has learned;
//   - of whom only the cluster knows, what a reset leaves stays: the password alone leads to no registration.
//
// Losses says what is void. Neither view changes; it needs no state machine, and its outcome is the same on
// every node.
func Merge(backup, current View, m Merging) (View, Losses, error) {
	if m.Reseal == nil || len(m.Key.Sealed) == 0 {
		return View{}, Losses{}, errors.New("merge: a sealed State key and a way to seal records anew are needed")
	}
	b, c := backup.root, current.root
	if !bytes.Equal(b.meta.Check, c.meta.Check) {
		return View{}, Losses{}, errors.New("merge: the backup is sealed under another master key: it cannot be read with the cluster's")
	}
	if b.meta.level() > c.meta.level() {
		return View{}, Losses{}, fmt.Errorf("merge: the backup has feature level %d and the cluster %d: run the newer sallyport on all nodes first", b.meta.level(), c.meta.level())
	}
	floors := raised(raised(c.meta.Floors, b.meta.Floors), m.Floors)
	epoch := max(b.meta.Epoch, c.meta.Epoch)
	if epoch == 1<<32-1 || len(floors) > maxFloors {
		return View{}, Losses{}, errors.New("merge: epoch or floors are out of range")
	}
	t := newTxn(b, max(b.edit, c.edit)+1, &wire{})
	t.meta, t.index, t.time = c.meta, c.index, max(b.time, c.time)
	t.acts, t.nodes, t.tokens = c.acts, c.nodes, c.tokens
	losses := Losses{Foreign: b.meta.ClusterID != c.meta.ClusterID}
	t.mergeWindows(c, &losses)
	t.mergeTallies(c)
	t.beginEpoch(epoch+1, m.Key, floors)
	t.mergeClaims(c)
	t.mergeClaims(b)
	t.mergeLearned(c)
	t.dateLearned()
	if err := t.mergeUsers(b, c, m, &losses); err != nil {
		return View{}, Losses{}, err
	}
	t.digest = sha256.Sum256(slices.Concat([]byte("merge"), b.digest[:], c.digest[:]))
	return View{t.commit()}, losses, nil
}

// maxLost is how many names a [Lost] has.
const maxLost = 20

// Lost counts things of one kind that a merge makes void, and names whose they are.
type Lost struct {
	Count int `json:"count"`
	// Of are names, for people to read, the first 20 of them; More says that there are others.
	Of   []string `json:"of,omitempty"`
	More bool     `json:"more,omitempty"`
}

func (l *Lost) add(count int, of string) {
	if count == 0 {
		return
	}
	l.Count += count
	if l.More = len(l.Of) == maxLost; !l.More {
		l.Of = append(l.Of, of)
	}
}

// Losses are what a merge makes void, and what an administrator should know besides.
type Losses struct {
	// Foreign means that the backup is of another cluster, so that what was used up since is not known.
	Foreign bool `json:"foreign,omitempty"`
	// Bypass, Invitations and Recovery are codes that were good, Windows were open.
	Bypass      Lost `json:"bypass"`
	Invitations Lost `json:"invitations"`
	Recovery    Lost `json:"recovery"`
	Windows     Lost `json:"windows"`
	// Unregistered are users whose factors the backup does not have: they need an invitation.
	Unregistered Lost `json:"unregistered"`
	// Older are users who have a factor again as it was in the backup, which was reset or registered anew
	// since.
	Older Lost `json:"older"`
}

// codes is where lost codes of a kind are counted.
func (l *Losses) codes(kind string) *Lost {
	switch kind {
	case login.CredentialBypass:
		return &l.Bypass
	case login.CredentialInvitation:
		return &l.Invitations
	}
	return &l.Recovery
}

// mergeUsers makes the users of the backup as strict as they are in the cluster, and keeps what guards
// those of whom only the cluster knows.
func (t *txn) mergeUsers(backup, current *root, m Merging, l *Losses) (err error) {
	w := &wire{names: current.names}
	backup.users.walk(func(key tag, _ []byte) bool {
		user, now := t.root.user(t.wire, key, ""), current.user(w, key, "")
		if now == nil {
			now = &User{}
		}
		if err = user.merge(now, m, t.time, l); err == nil {
			t.putUser(user)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	current.users.walk(func(key tag, _ []byte) bool {
		if _, known := backup.users.get(key); known {
			return true
		}
		now := current.user(w, key, "")
		user := t.newUser(now.ID, now.Name, now.Handle)
		if err = user.merge(now, m, t.time, l); err == nil {
			t.putUser(user)
		}
		return err == nil
	})
	return err
}

// merge makes a user of the backup as strict as now.
func (u *User) merge(now *User, m Merging, at int64, l *Losses) error {
	if u.Epoch = max(u.Epoch, now.Epoch); u.Epoch < 1<<32-1 {
		u.Epoch++
	}
	if u.LastFactor == "" {
		u.LastFactor = now.LastFactor // it says that there was one
	}
	unregistered, older := 0, 0
	factors := make([]string, 0, len(u.Credentials)+len(now.Credentials))
	for _, c := range slices.Concat(u.Credentials, now.Credentials) {
		factors = append(factors, c.Factor)
	}
	slices.Sort(factors)
	for _, factor := range slices.Compact(factors) {
		cred, then := u.Credential(factor), now.Credential(factor)
		switch {
		case len(cred.Record) == 0 && len(then.Record) > 0:
			unregistered = 1
		case len(cred.Record) > 0 && then.Version > cred.Version:
			older = 1
		}
		lost, err := cred.merge(u.ID, &then, m, at)
		if err != nil {
			return err
		}
		l.codes(factor).add(lost, u.called())
		u.put(cred)
	}
	l.Unregistered.add(unregistered, u.called())
	l.Older.add(older, u.called())
	return nil
}

// called is the user's name for people to read.
func (u *User) called() string {
	if u.Name == "" {
		return u.ID
	}
	return fmt.Sprintf("%s (%s)", u.Name, u.ID)
}

// merge makes a credential of the backup as strict as now, and returns how many codes that were good are
// good no more. Its record is sealed for its version, so one that gets a higher version is sealed anew.
func (c *Credential) merge(userID string, now *Credential, m Merging, at int64) (lost int, err error) {
	if len(c.Record) > 0 && now.Version > c.Version {
		if c.Record, err = m.Reseal(userID, c.Factor, c.Version, now.Version, c.Record); err != nil {
			return 0, fmt.Errorf("merge: seal the %s credential of %q anew: %w", c.Factor, userID, err)
		}
	}
	c.Version = max(c.Version, now.Version)
	c.Last = max(c.Last, now.Last)
	c.Sent = max(c.Sent, now.Sent)
	c.Failures = max(c.Failures, now.Failures)
	c.LockedUntil = max(c.LockedUntil, now.LockedUntil)
	c.HardLocked = c.HardLocked || now.HardLocked
	c.Wrong = now.Wrong          // they count no more, and are right no more
	c.Near, c.NearAt = Near{}, 0 // half a resynchronisation ends, as all that was pending
	c.Renew = len(c.Record) > 0 && (c.Renew || now.Renew)
	c.Codes, lost = bothHave(c.Codes, now.Codes, at)
	return lost, nil
}

// bothHave are the one-time codes that are in both lists, with the fewer uses and the earlier end, and how
// many that were good are not.
func bothHave(backup, now []OneTimeCode, at int64) (both []OneTimeCode, lost int) {
	for _, o := range backup {
		i := slices.IndexFunc(now, func(n OneTimeCode) bool { return n.Tag == o.Tag })
		if i < 0 {
			if o.goodAt(at) {
				lost++
			}
			continue
		}
		o.Uses = min(o.Uses, now[i].Uses)
		if n := now[i].Until; n != 0 && (o.Until == 0 || n < o.Until) {
			o.Until = n
		}
		both = append(both, o)
	}
	for _, n := range now {
		if n.goodAt(at) && !slices.ContainsFunc(backup, func(o OneTimeCode) bool { return o.Tag == n.Tag }) {
			lost++
		}
	}
	return both, lost
}

// mergeWindows leaves the windows that are in both, until the earlier end.
func (t *txn) mergeWindows(current *root, l *Losses) {
	w := &wire{names: current.names}
	var lost []string
	read := func(b []byte) (o Window) {
		mustDecode(w, b, &o)
		return o
	}
	then := t.windows
	then.walk(func(key tag, b []byte) bool {
		o := read(b)
		stored, known := current.windows.get(key)
		switch {
		case !known:
			t.windows.delete(t.edit, key)
			if o.Until > t.time {
				lost = append(lost, o.Subject)
			}
		case read(stored).Until < o.Until:
			t.windows.set(t.edit, key, stored)
		}
		return true
	})
	current.windows.walk(func(key tag, b []byte) bool {
		if _, known := then.get(key); !known {
			if o := read(b); o.Until > t.time {
				lost = append(lost, o.Subject)
			}
		}
		return true
	})
	slices.Sort(lost)
	for _, subject := range lost {
		l.Windows.add(1, subject)
	}
}

// mergeTallies makes what was counted of sends, in any span of time, the larger of both.
func (t *txn) mergeTallies(current *root) {
	w := &wire{names: current.names}
	current.tallies.walk(func(key tag, b []byte) bool {
		var now tally
		mustDecode(w, b, &now)
		y := t.tally(key)
		y.stricter(&now)
		t.tallies.set(t.edit, key, t.wire.encode(y))
		return true
	})
}

// mergeClaims keeps the passcodes that were claimed: none of them is forwarded again. What else is known of
// their challenges has ended.
func (t *txn) mergeClaims(from *root) {
	w := &wire{names: from.names}
	from.passcodes.walk(func(_ tag, id []byte) bool {
		c := from.challenge(w, login.ChallengeID(id), "", "")
		if _, known := t.challenges.get(tag(id)); known || c == nil || c.Forget <= t.time/second {
			return true
		}
		ended := &Challenge{ID: c.ID, UserID: c.UserID, Client: c.Client, Expires: c.Expires, Forget: c.Forget, Closed: Exhausted, Decoy: c.Decoy}
		for _, v := range c.Verdicts {
			if v.Forward == nil || v.Forward.Passcode == (login.Tag{}) {
				continue
			}
			if _, known := t.passcodes.get(tag(v.Forward.Passcode)); !known {
				ended.Verdicts = append(ended.Verdicts, Verdict{
					Token: v.Token, Answer: v.Answer, Epoch: v.Epoch, Code: VerdictEnded, Forward: &Forward{Passcode: v.Forward.Passcode},
				})
			}
		}
		if len(ended.Verdicts) > 0 {
			t.restoreChallenge(ended)
			t.queue(ended.Forget, tag(ended.ID))
		}
		return true
	})
}
