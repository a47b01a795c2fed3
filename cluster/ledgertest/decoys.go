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

func decoyRoom(b *bench) {
	b.enrol(alice)
	for i := range 17 {
		c := b.begin(alice)
		c.base.Decoy = true
		_, err := b.Settle(b.Context(), c.answer(1, fmt.Sprint("guess ", i), 0))
		if (err != nil) != (i == 16) || err != nil && !errors.Is(err, login.ErrFull) {
			b.Errorf("decoy %d: %v", i+1, err)
		}
	}
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
	b.clock.Advance(3 * time.Minute)
	c := b.begin(alice)
	c.base.Decoy = true
	b.settle(c.answer(1, "a guess", 0), wrong(2))
}

func decoyRejoins(b *bench) {
	decoy, real := b.mail(bob), b.mail(bob)
	decoy.Decoy = true
	for _, o := range []*login.Opening{&decoy, &real} {
		o.Rejoin, o.RejoinWithin = b.ring().Tag("rejoin", []byte("bob at vpn")), 30*time.Second
	}
	b.send(decoy, 1)
	b.send(real, 1)
}
