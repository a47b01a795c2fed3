package ledgertest

import (
	"errors"
	"time"

	"sallyport/login"
)

// endings are the tests of locks, expiry, stale challenges and full ledgers.
func endings() map[string]func(*bench) {
	return map[string]func(*bench){
		"wrong answers in a row lock for a while":      softLock,
		"the lock doubles":                             doublingLock,
		"too many wrong answers lock for good":         hardLock,
		"a challenge expires":                          expiry,
		"a verdict is forgotten after its time":        forgotten,
		"a stale challenge changes nothing":            staleChallenge,
		"another client or user gets nothing":          mixups,
		"a cancelled challenge takes no answer":        cancelled,
		"a full ledger sheds and forgets nothing":      fullLedger,
		"a reset voids what was recorded":              resetVoids,
		"a caller whose time is up gets no conclusion": callerGone,
	}
}

// fail gives n wrong answers, each in a challenge of its own.
func (b *bench) fail(n int) {
	b.Helper()
	for range n {
		b.settle(b.begin(alice).answer(1, "111111", 0), wrong(2))
	}
}

func softLock(b *bench) {
	b.enrol(alice)
	b.fail(5)
	until := b.clock.Now().Add(time.Minute)
	c := b.begin(alice)
	b.clock.Advance(30 * time.Second)
	b.settle(c.answer(1, "755224", 100), locked(3))
	b.settle(c.answer(2, "111111", 0), locked(3))
	cred := b.enrolment(alice).Credentials[totp]
	if !cred.LockedUntil.Equal(until) || cred.Failures != 5 {
		b.Errorf("locked until %v with %d failures, want %v and 5", cred.LockedUntil, cred.Failures, until)
	}
	b.clock.Advance(30 * time.Second)
	b.settle(c.answer(1, "755224", 100), again(locked(3))) // the same answer, the same verdict
	b.settle(c.answer(3, "755224", 100), accepted())
	if cred := b.enrolment(alice).Credentials[totp]; cred.Failures != 0 || !cred.LockedUntil.IsZero() {
		b.Errorf("an accept did not clear the lock: %+v", cred)
	}
}

func doublingLock(b *bench) {
	b.enrol(alice)
	for n, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		b.fail(5)
		cred := b.enrolment(alice).Credentials[totp]
		if got := cred.LockedUntil.Sub(b.clock.Now()); got != want*time.Minute {
			b.Fatalf("lock %d: %v, want %v", n+1, got, want*time.Minute)
		}
		b.clock.Advance(want * time.Minute)
	}
}

func hardLock(b *bench) {
	b.enrol(alice)
	for range 10 {
		b.fail(5)
		b.clock.Advance(time.Hour)
	}
	b.clock.Advance(1000 * time.Hour)
	b.settle(b.begin(alice).answer(1, "755224", 100), locked(3))
	if !b.enrolment(alice).Credentials[totp].HardLocked {
		b.Error("not locked for good")
	}
	if err := b.Unlock(b.Context(), alice, totp); err != nil {
		b.Fatalf("Unlock: %v", err)
	}
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
}

func expiry(b *bench) {
	b.enrol(alice)
	c, d := b.begin(alice), b.begin(alice)
	b.clock.Advance(2 * time.Minute)
	b.settle(c.answer(1, "755224", 100), accepted()) // at the very end
	b.clock.Advance(time.Nanosecond)
	b.settle(d.answer(1, "287082", 101), expired())
	b.settle(d.answer(1, "111111", 0), expired())
	if f := b.enrolment(alice).Credentials[totp].Failures; f != 0 {
		b.Errorf("%d failures, want 0", f)
	}
	b.settle(c.answer(1, "755224", 100), again(accepted()))
}

func forgotten(b *bench) {
	b.enrol(alice)
	s := b.begin(alice).answer(1, "755224", 100)
	b.settle(s, accepted())
	b.clock.Advance(2*time.Minute + 39*time.Second)
	b.settle(s, again(accepted()))
	b.clock.Advance(2 * time.Second)
	b.settle(s, expired())
}

func staleChallenge(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	other := c.answer(1, "755224", 100)
	other.ClusterEpoch++
	b.settle(other, invalid())
	b.enrol(alice) // raises version and epoch
	b.settle(c.answer(1, "755224", 100), stale())
	b.settle(c.answer(1, "111111", 0), stale())
	versionOnly := b.begin(alice).answer(1, "755224", 100)
	versionOnly.Version--
	b.settle(versionOnly, stale())
	if cred := b.enrolment(alice).Credentials[totp]; cred.Failures != 0 || cred.Last != 0 {
		b.Errorf("a stale answer changed something: %+v", cred)
	}
}

func mixups(b *bench) {
	b.enrol(alice)
	b.enrol(bob)
	c := b.begin(alice)
	b.settle(c.answer(1, "111111", 0), wrong(2))
	s := c.answer(1, "755224", 100)
	s.Client = "another"
	b.settle(s, invalid())
	s = c.answer(1, "755224", 100)
	s.UserID = bob
	b.settle(s, invalid())
	b.settle(c.answer(1, "755224", 100), accepted())
}

// cancellation cancels the challenge.
func (c challenge) cancellation() login.Cancellation {
	s := c.base
	return login.Cancellation{Challenge: s.Challenge, Client: s.Client, UserID: s.UserID, Handle: s.Handle, Epoch: s.Epoch, Expires: s.Expires, Keep: s.Limits.Keep, Capacity: s.Limits.Capacity}
}

func cancelled(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	stranger := c.cancellation()
	stranger.Client = "another"
	b.settle(c.answer(1, "111111", 0), wrong(2))
	if err := b.Cancel(b.Context(), stranger); err != nil {
		b.Fatalf("Cancel by another client: %v", err)
	}
	b.settle(c.answer(2, "222222", 0), wrong(1))
	for _, c := range []challenge{c, b.begin(alice)} { // known to the ledger, and not
		if err := b.Cancel(b.Context(), c.cancellation()); err != nil {
			b.Fatalf("Cancel: %v", err)
		}
		b.settle(c.answer(3, "755224", 100), invalid())
	}
	b.settle(c.answer(1, "111111", 0), again(wrong(2)))
}

func fullLedger(b *bench) {
	b.enrol(alice)
	first := b.begin(alice).answer(1, "755224", 100)
	first.Limits.Capacity = 1
	b.settle(first, accepted())
	second := b.begin(alice).answer(1, "287082", 101)
	second.Limits.Capacity = 1
	if _, err := b.Settle(b.Context(), second); !errors.Is(err, login.ErrFull) {
		b.Fatalf("a second challenge: %v", err)
	}
	if _, err := b.Open(b.Context(), login.Opening{ID: b.id(), UserID: alice, Client: vpn, Capacity: 1}); !errors.Is(err, login.ErrFull) {
		b.Fatalf("Open of a second challenge: %v", err)
	}
	b.settle(first, again(accepted()))
	b.clock.Advance(2*time.Minute + 41*time.Second)
	third := b.begin(alice).answer(1, "287082", 101)
	third.Limits.Capacity = 1
	b.settle(third, accepted())
}

func resetVoids(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	b.settle(c.answer(1, "755224", 100), accepted())
	open := b.begin(alice)
	if err := b.Reset(b.Context(), alice, ""); err != nil {
		b.Fatalf("Reset: %v", err)
	}
	b.settle(c.answer(1, "755224", 100), stale())
	b.settle(c.answer(2, "755224", 100), stale())
	b.settle(open.answer(1, "287082", 101), stale())
	e := b.enrolment(alice)
	if e.Credentials[totp].Registered() {
		b.Errorf("still registered: %+v", e)
	}
	b.enrol(alice)
	if v := b.enrolment(alice).Credentials[totp].Version; v != 2 {
		b.Errorf("version %d, want 2", v)
	}
	b.settle(b.begin(alice).answer(1, "755224", 100), replayed(3)) // a used code stays used
}

func callerGone(b *bench) {
	b.enrol(alice)
	s := b.begin(alice).answer(1, "755224", 100)
	_, err := b.Settle(gone(b), s)
	if !errors.Is(err, login.ErrUnavailable) {
		b.Fatalf("Settle for a caller who has gone: %v", err)
	}
	b.settle(s, accepted())
}
