package state

import (
	"crypto/sha256"
	"slices"
	"strings"

	"sallyport/login"
)

// User is what is stored about a person. It is stored as octets: each read makes a User of its own,
// whose octets (Record, Memo) must not be changed.
type User struct {
	ID          string
	Name        string
	Handle      login.Handle // zero when another user has it
	Epoch       uint32
	LastFactor  string
	Credentials []Credential // by factor, in order
}

// Credential is a user's factor. One without a record is what a reset left, or counts wrong answers
// to a factor that keeps nothing here: version and last number never go back.
type Credential struct {
	Factor      string
	Version     uint32
	Record      []byte // sealed
	Memo        []byte
	Last        uint64
	LockedUntil int64
	HardLocked  bool
	Failures    uint32
	Sent        uint64            // the last send number, which never falls
	Challenge   login.ChallengeID // of the last send, to what is registered now
	Renew       bool
	Codes       []OneTimeCode
	Note        string
	// Wrong are the wrong answers of logins without a State that were counted since the counter was cleared,
	// the oldest first.
	Wrong []login.Tag
	// Near is the last wrong answer, where it would have been right at another time; the zero value otherwise.
	Near   Near
	NearAt int64
}

// maxWrong bounds Wrong: each of them was counted, and so many lock a credential long before.
const maxWrong = 64

func (u *User) wire(w *wire) {
	w.str(1, &u.ID)
	w.str(2, &u.Name)
	w.fixed(3, u.Handle[:])
	number(w, 4, &u.Epoch)
	w.name(5, &u.LastFactor)
	list[Credential](w, 6, &u.Credentials)
}

func (c *Credential) wire(w *wire) {
	w.name(1, &c.Factor)
	number(w, 2, &c.Version)
	w.octets(3, &c.Record)
	w.octets(4, &c.Memo)
	number(w, 5, &c.Last)
	w.int(6, &c.LockedUntil)
	w.bool(7, &c.HardLocked)
	number(w, 8, &c.Failures)
	if w.done() {
		return
	}
	number(w, 9, &c.Sent)
	w.fixed(10, c.Challenge[:])
	w.bool(11, &c.Renew)
	list[OneTimeCode](w, 12, &c.Codes)
	w.str(13, &c.Note)
	w.tags(14, &c.Wrong)
	c.Near.wire(w, 15)
	w.int(17, &c.NearAt)
}

// userKey is under which a user is stored: ids have no even spread of their own. Ids come from a
// directory and half of SHA-256 is enough to tell them apart.
func userKey(id string) tag {
	var b [128]byte
	sum := sha256.Sum256(append(b[:0], id...))
	return tag(sum[:16])
}

// handleKey is under which a handle is stored.
func handleKey(h login.Handle) (key tag) {
	copy(key[:], h[:])
	return key
}

// Credential returns the user's credential for factor, or an empty one. It may be called on nil.
func (u *User) Credential(factor string) Credential {
	if u != nil {
		if i, ok := u.find(factor); ok {
			return u.Credentials[i]
		}
	}
	return Credential{Factor: factor}
}

// epoch is 0 for a user who is not stored.
func (u *User) epoch() uint32 {
	if u == nil {
		return 0
	}
	return u.Epoch
}

func (u *User) find(factor string) (int, bool) {
	return slices.BinarySearchFunc(u.Credentials, factor, func(c Credential, f string) int {
		return strings.Compare(c.Factor, f)
	})
}

// put stores c in place of the credential of its factor.
func (u *User) put(c Credential) {
	i, ok := u.find(c.Factor)
	if ok {
		u.Credentials[i] = c
		return
	}
	u.Credentials = slices.Insert(u.Credentials, i, c)
}

func (c *Credential) lockedAt(now int64) bool { return c.HardLocked || now < c.LockedUntil }

// register puts a record in place of what there was. What was sent to an earlier address is found no
// more.
func (c *Credential) register(record []byte) {
	c.Record, c.Renew, c.Challenge = record, false, login.ChallengeID{}
	c.Version++
}

// unlock clears the counter and the locks, and what was remembered of what was counted.
func (c *Credential) unlock() {
	c.Failures, c.LockedUntil, c.HardLocked = 0, 0, false
	c.Wrong, c.Near, c.NearAt = nil, Near{}, 0
}

// fail counts a wrong answer and locks the credential when it is the one too many.
func (c *Credential) fail(now int64, l Limits) {
	if c.Failures < 1<<32-1 {
		c.Failures++
	}
	if l.SoftLock > 0 && c.Failures%l.SoftLock == 0 {
		c.LockedUntil = max(c.LockedUntil, later(now, l.lockFor(c.Failures/l.SoftLock)))
	}
	if l.HardLock > 0 && c.Failures >= l.HardLock {
		c.HardLocked = true
	}
}

// lockFor is the length of the nth lock in a row: doubled each time, up to SoftLockMax, which is at
// least SoftLockFor.
func (l Limits) lockFor(n uint32) int64 {
	d, most := max(l.SoftLockFor, 0), max(l.SoftLockFor, l.SoftLockMax)
	for ; n > 1 && d > 0 && d < most; n-- {
		if d > most/2 {
			return most
		}
		d *= 2
	}
	return d
}

// untilLock is how many more wrong answers in a row lock a credential that is not locked: at least one.
func (l Limits) untilLock(failures uint32) uint64 {
	n := uint64(1<<64 - 1)
	if l.SoftLock > 0 {
		n = uint64(l.SoftLock - failures%l.SoftLock)
	}
	if l.HardLock > failures {
		n = min(n, uint64(l.HardLock-failures))
	} else if l.HardLock > 0 {
		n = 1
	}
	return n
}

// later returns t + d without overflow; a negative d is nothing.
func later(t, d int64) int64 {
	if d <= 0 {
		return t
	}
	if t > 0 && d > 1<<63-1-t {
		return 1<<63 - 1
	}
	return t + d
}
