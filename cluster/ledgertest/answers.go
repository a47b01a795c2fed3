package ledgertest

import (
	"sync"
	"sync/atomic"

	"sallyport/login"
)

// answers are the tests of right, wrong and repeated answers.
func answers() map[string]func(*bench) {
	return map[string]func(*bench){
		"a right answer is accepted once":                    acceptedOnce,
		"the same code in a new login is a replay":           replayCostsNothing,
		"a wrong answer counts once":                         wrongCountsOnce,
		"an identical packet has the verdict of the first":   samePacket,
		"an observed code gains nothing under another token": otherToken,
		"seventeen answers close a challenge":                tooManyAnswers,
		"a code is accepted once among many at a time":       manyAtOnce,
		"a login registers":                                  registration,
		"wrong answers to a registration lock nothing":       wrongRegistration,
	}
}

func acceptedOnce(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	s := c.answer(1, "755224", 100)
	s.Memo = []byte("drift")
	b.settle(s, accepted())
	b.settle(s, again(accepted())) // the Accept was lost
	e := b.enrolment(alice)
	cred := e.Credentials[totp]
	if cred.Last != 100 || string(cred.Memo) != "drift" || b.record(e) != "the secret of "+alice {
		b.Errorf("credential after the accept: %+v", cred)
	}
	if got := b.enrolment(alice).LastFactor; got != totp {
		b.Errorf("last factor %q", got)
	}
	b.settle(c.answer(1, "000000", 0), invalid()) // the challenge is over
}

func replayCostsNothing(b *bench) {
	b.enrol(alice)
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
	c := b.begin(alice)
	b.settle(c.answer(1, "755224", 100), replayed(3))
	b.settle(c.answer(2, "287082", 99), replayed(3)) // an older step
	b.settle(c.answer(3, "359152", 101), accepted())
}

func wrongCountsOnce(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	b.settle(c.answer(1, "111111", 0), wrong(2))
	b.settle(c.answer(1, "111111", 0), again(wrong(2)))
	b.settle(c.answer(2, "111111", 0), again(wrong(2)))
	b.settle(c.answer(2, "222222", 0), wrong(1))
	b.settle(c.answer(3, "111111", 0), again(wrong(1)))
	if f := b.enrolment(alice).Credentials[totp].Failures; f != 2 {
		b.Errorf("%d failures, want 2", f)
	}
	b.settle(c.answer(3, "333333", 0), exhausted())
	b.settle(c.answer(3, "333333", 0), again(exhausted()))
	b.settle(c.answer(3, "755224", 100), invalid()) // too late
	b.settle(c.answer(1, "111111", 0), again(wrong(2)))
	d := b.begin(alice)
	b.settle(d.answer(1, "111111", 0), wrong(2)) // in another challenge it counts again
	if f := b.enrolment(alice).Credentials[totp].Failures; f != 4 {
		b.Errorf("%d failures, want 4", f)
	}
}

func samePacket(b *bench) {
	b.enrol(alice)
	first := b.begin(alice).answer(1, "755224", 100)
	first.Request = b.ring().Tag(login.PurposePacket, []byte("the packet"))
	b.settle(first, accepted())
	second := b.begin(alice).answer(1, "755224", 100) // another node made its own challenge
	second.Request = first.Request
	b.settle(second, again(accepted()))
	second.Client = "another"
	b.settle(second, invalid())
	second.Request = login.Tag{}
	second.Client = vpn
	b.settle(second, replayed(3))
}

func otherToken(b *bench) {
	b.enrol(alice)
	c := b.begin(alice)
	b.settle(c.answer(1, "755224", 100), accepted())
	b.settle(c.answer(2, "755224", 100), replayed(0))
	b.settle(c.answer(2, "111111", 0), replayed(0))
	if f := b.enrolment(alice).Credentials[totp].Failures; f != 0 {
		b.Errorf("%d failures, want 0", f)
	}
}

func tooManyAnswers(b *bench) {
	b.enrol(alice)
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
	c := b.begin(alice)
	for token := range 16 {
		b.settle(c.answer(token, "755224", 100), replayed(3))
	}
	b.settle(c.answer(16, "755224", 100), exhausted())
	b.settle(c.answer(16, "755224", 100), again(exhausted()))
	b.settle(c.answer(17, "359152", 101), invalid())
}

func manyAtOnce(b *bench) {
	b.enrol(alice)
	const logins = 16 // as many as a user may have
	settlements := make([]login.Settlement, logins)
	for i := range settlements {
		settlements[i] = b.begin(alice).answer(1, "755224", 100)
	}
	var accepts, replays atomic.Int32
	var all sync.WaitGroup
	for _, s := range settlements {
		all.Go(func() {
			o, err := b.Settle(b.Context(), s)
			switch {
			case err == nil && o.Code == login.CodeAccepted:
				accepts.Add(1)
			case err == nil && o.Code == login.CodeOTPReplayed:
				replays.Add(1)
			}
		})
	}
	all.Wait()
	if accepts.Load() != 1 || replays.Load() != logins-1 {
		b.Errorf("%d accepted and %d replayed of %d", accepts.Load(), replays.Load(), logins)
	}
}

func registration(b *bench) {
	if e := b.enrolment(bob); e.UserID != bob || e.Epoch != 0 || len(e.Credentials) != 0 {
		b.Fatalf("a user never seen: %+v", e)
	}
	if _, found, err := b.EnrolmentByHandle(b.Context(), b.ring().Handle(bob)); found || err != nil {
		b.Fatalf("a user never seen, by handle: %v, %v", found, err)
	}
	c := b.begin(bob)
	s := c.answer(1, "755224", 100)
	s.Register = []byte("a new secret")
	b.settle(s, accepted())
	b.settle(s, again(accepted())) // although version and epoch have moved on
	e, found, err := b.EnrolmentByHandle(b.Context(), b.ring().Handle(bob))
	if err != nil || !found {
		b.Fatalf("by handle: %v, %v", found, err)
	}
	cred := e.Credentials[totp]
	if e.Epoch != 1 || e.Name != "A. Person" || cred.Version != 1 || b.record(e) != "a new secret" {
		b.Errorf("after registration: %+v", e)
	}
	b.settle(b.begin(bob).answer(1, "755224", 100), replayed(3)) // the code that registered is used
	b.settle(b.begin(bob).answer(1, "287082", 101), accepted())
}

func wrongRegistration(b *bench) {
	c := b.begin(bob)
	for i, want := range []login.Outcome{wrong(2), wrong(1), exhausted()} {
		s := c.answer(i, string(rune('a'+i)), 0)
		s.Register = []byte("a new secret")
		b.settle(s, want)
	}
	if e := b.enrolment(bob); len(e.Credentials) != 0 {
		b.Errorf("something was stored: %+v", e)
	}
}
