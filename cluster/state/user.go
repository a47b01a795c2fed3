package state

import (
	"slices"
	"strings"

	"sallyport/login"
)

// User is what is stored about a person. A published User never changes; a change stores another.
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
}

func (u *User) wire(w *wire) {
	w.str(1, &u.ID)
	w.str(2, &u.Name)
	w.fixed(3, u.Handle[:])
	number(w, 4, &u.Epoch)
	w.str(5, &u.LastFactor)
	list[Credential](w, 6, &u.Credentials)
}

func (c *Credential) wire(w *wire) {
	w.str(1, &c.Factor)
	number(w, 2, &c.Version)
	w.octets(3, &c.Record)
	w.octets(4, &c.Memo)
	number(w, 5, &c.Last)
	w.int(6, &c.LockedUntil)
	w.bool(7, &c.HardLocked)
	number(w, 8, &c.Failures)
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

// with returns a copy of u in which c has replaced the credential of its factor.
func (u *User) with(c Credential) *User {
	next := *u
	i, ok := u.find(c.Factor)
	if ok {
		next.Credentials = slices.Clone(u.Credentials)
		next.Credentials[i] = c
		return &next
	}
	next.Credentials = make([]Credential, 0, len(u.Credentials)+1)
	next.Credentials = append(next.Credentials, u.Credentials[:i]...)
	next.Credentials = append(next.Credentials, c)
	next.Credentials = append(next.Credentials, u.Credentials[i:]...)
	return &next
}

func (c *Credential) lockedAt(now int64) bool { return c.HardLocked || now < c.LockedUntil }

// unlock clears the counter and the locks.
func (c *Credential) unlock() {
	c.Failures, c.LockedUntil, c.HardLocked = 0, 0, false
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
