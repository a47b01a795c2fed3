package ledgertest

import (
	"errors"
	"fmt"
	"time"

	"sallyport/login"
)

// decoys are the tests of challenges that nobody can answer.
func decoys() map[string]func(*bench) {
	return map[string]func(*bench){
		"a decoy looks like a challenge":        decoyAnswers,
		"a decoy that sends counts for itself":  decoySends,
		"decoys take no room from their target": decoyRoom,
		"decoys have a quarter of the ledger":   decoyQuarter,
		"cancelled decoys fill no ledger":       decoyCancels,
		"nobody rejoins a decoy":                decoyRejoins,
	}
}

func decoyAnswers(b *bench) {
	b.enrol(alice)
	before := b.enrolment(alice)
	for _, user := range []string{alice, bob} {
		c := b.begin(user)
		c.base.Decoy, c.base.Epoch = true, 0
		b.settle(c.answer(1, "755224", 100), wrong(2))
		b.settle(c.answer(1, "755224", 100), again(wrong(2)))
		b.settle(c.answer(2, "755224", 100), again(wrong(2)))
		s := c.answer(3, "287082", 101)
		s.Decoy = false // whoever answers: the challenge was begun as one
		b.settle(s, wrong(1))
		s = c.answer(4, "359152", 0)
		s.Register, s.Exempt = []byte("a secret"), "service accounts"
		b.settle(s, exhausted())
		b.settle(c.answer(5, "969429", 102), invalid())
	}
	if after := b.enrolment(alice); after.Epoch != before.Epoch || after.Credentials[totp].Failures != 0 || after.Credentials[totp].Last != 0 {
		b.Errorf("alice: %+v", after)
	}
	if _, found, err := b.EnrolmentByHandle(b.Context(), b.ring().Handle(bob)); found || err != nil {
		b.Errorf("bob is stored: %v, %v", found, err)
	}
}

func decoySends(b *bench) {
	decoy := func() login.Opening {
		o := b.mail(bob)
		o.Decoy, o.Epoch = true, 0
		o.Send.Limits.Global.Hour, o.Send.Limits.User.Hour = 1, 1
		return o
	}
	o := decoy()
	b.send(o, 1)
	b.refuse(b.resend(o), login.CodeResendTooSoon, time.Minute)
	b.clock.Advance(time.Minute)
	b.send(b.resend(o), 2)
	b.sendFailed(failure(o, 2))
	b.send(b.resend(o), 3)
	b.send(decoy(), 1)
	if e := b.enrolment(bob); len(e.Credentials) != 0 || e.Name != "" {
		b.Errorf("bob: %+v", e)
	}
	real := b.mail(bob)
	real.Send.Limits.Global.Hour, real.Send.Limits.User.Hour = 1, 1
	b.send(real, 1)
	b.sendFailed(failure(o, 1)) // of the decoy
	b.clock.Advance(time.Second)
	more := b.mail(bob)
	b.refuse(more, login.CodeResendTooSoon, 59*time.Second)
}

// decoyRoom begins one decoy more than a name may have: that one answers as a first one, and is not kept.
func decoyRoom(b *bench) {
	b.enrol(alice)
	decoy := func() challenge {
		c := b.begin(alice)
		c.base.Decoy = true
		return c
	}
	for i := range 16 {
		b.settle(decoy().answer(1, fmt.Sprint("guess ", i), 0), wrong(2))
	}
	b.notKept(decoy())
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
	b.clock.Advance(3 * time.Minute)
	c := decoy()
	b.settle(c.answer(1, "a guess", 0), wrong(2))
	b.settle(c.answer(2, "another", 0), wrong(1))
}

// notKept expects that the decoy is answered as if it had been begun just now, and not stored.
func (b *bench) notKept(c challenge) {
	b.Helper()
	o := b.mail(c.base.UserID)
	o.ID, o.Decoy, o.Capacity = c.base.Challenge, true, c.base.Limits.Capacity
	for range 2 {
		b.ends(b.send(o, 1), b.clock.Now(), o.Life)
	}
	o = b.resend(o)
	b.send(o, 1)
	o.Send = nil
	if got := b.open(o); got.Fresh || got.Stale || got.ID != o.ID || len(got.Sends) != 0 || got.Closed {
		b.Errorf("without a send: %+v", got)
	}
	b.settle(c.answer(1, "a guess", 0), wrong(2))
	b.settle(c.answer(2, "another", 7), wrong(2))
	c.passcode(9, "a passcode").expect(wrong(2))
	s := c.answer(3, "the only one", 0)
	s.Limits.Attempts = 1
	b.settle(s, exhausted())
	if err := b.Cancel(b.Context(), c.cancellation()); err != nil {
		b.Errorf("Cancel: %v", err)
	}
}

// decoyQuarter fills the quarter of the ledger that decoys may have, from many names.
func decoyQuarter(b *bench) {
	const capacity = 20
	decoy := func(n int) challenge {
		c := b.begin(fmt.Sprint("?", n))
		c.base.Decoy, c.base.Limits.Capacity = true, capacity
		return c
	}
	for n := range capacity / 4 {
		b.settle(decoy(n).answer(1, "a guess", 0), wrong(2))
	}
	for n := range 30 {
		late := decoy(n)
		b.notKept(late)
		if _, found, err := b.Opened(b.Context(), late.base.Challenge); found || err != nil {
			b.Fatalf("it is kept: %v, %v", found, err)
		}
	}
	for n := range capacity {
		c := b.begin(fmt.Sprint("corp:", n))
		c.base.Limits.Capacity = capacity
		b.settle(c.answer(1, "755224", 100), accepted())
	}
	c := b.begin(alice)
	c.base.Limits.Capacity = capacity
	if _, err := b.Settle(b.Context(), c.answer(1, "755224", 100)); !errors.Is(err, login.ErrFull) {
		b.Errorf("one login more than there is room for: %v", err)
	}
	b.clock.Advance(3 * time.Minute)
	c = decoy(1)
	b.settle(c.answer(1, "a guess", 0), wrong(2))
	b.settle(c.answer(2, "another", 0), wrong(1))
}

// decoyCancels cancels decoys that were never stored, of more names than the ledger has room for.
func decoyCancels(b *bench) {
	const capacity = 8
	for n := range 4 * capacity {
		c := b.begin(fmt.Sprint("?", n)).cancellation()
		c.Capacity = capacity
		if err := b.Cancel(b.Context(), c); err != nil {
			b.Fatalf("Cancel: %v", err)
		}
	}
	for n := range capacity {
		c := b.begin(fmt.Sprint("corp:", n))
		c.base.Limits.Capacity = capacity
		b.settle(c.answer(1, "755224", 100), accepted())
	}
}

func decoyRejoins(b *bench) {
	decoy, real := b.mail(bob), b.mail(bob)
	decoy.Decoy = true
	for _, o := range []*login.Opening{&decoy, &real} {
		o.Rejoin, o.RejoinWithin = b.ring().Tag(login.PurposeBegin, []byte("bob at vpn")), 30*time.Second
	}
	b.send(decoy, 1)
	b.send(real, 1)
}
