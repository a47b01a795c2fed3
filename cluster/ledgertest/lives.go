package ledgertest

import (
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// lives are the tests of how long a challenge can be made to live, and a code be found.
func lives() map[string]func(*bench) {
	return map[string]func(*bench){
		"sends make a challenge live an hour at most":       anHourOfSends,
		"candidates make a challenge live an hour at most":  anHourOfCandidates,
		"a dialogue lives an hour at most":                  anHourOfDialogue,
		"an answered challenge's hour begins when it opens": anHourFromTheOpening,
		"a code to an earlier address is not found":         earlierAddress,
	}
}

// ends expects that the challenge ends so long after begin.
func (b *bench) ends(o login.Opened, begin time.Time, after time.Duration) {
	b.Helper()
	if got := o.Expires.Sub(begin); got != after {
		b.Fatalf("it lives for %v, want %v", got, after)
	}
}

func anHourOfSends(b *bench) {
	for _, decoy := range []bool{false, true} {
		begin, o := b.clock.Now(), b.mail(bob)
		o.Decoy = decoy
		o.Send.Limits = login.SendLimits{}
		b.open(o)
		for n := range 14 {
			b.clock.Advance(4 * time.Minute)
			got := b.open(b.resend(o))
			b.ends(got, begin, min(time.Duration(4*n+9)*time.Minute, time.Hour))
		}
		b.clock.Advance(4*time.Minute + 1)
		if got := b.open(b.resend(o)); got.Fresh {
			b.Errorf("decoy %v: sent after its hour: %+v", decoy, got)
		}
	}
}

func anHourOfCandidates(b *bench) {
	begin, o := b.clock.Now(), b.address(bob, "a@example.org")
	o.Life = 10 * time.Minute
	b.open(o)
	for range 6 {
		b.clock.Advance(9 * time.Minute)
		edit := b.edit(o, "b@example.org")
		edit.Send = nil
		b.open(edit)
	}
	got, _, err := b.Opened(b.Context(), o.ID)
	if err != nil {
		b.Fatalf("Opened: %v", err)
	}
	b.ends(got, begin, time.Hour)
	long := b.address(alice, "a@example.org")
	long.Life = 2 * time.Hour
	b.ends(b.open(long), b.clock.Now(), time.Hour)
}

func anHourOfDialogue(b *bench) {
	begin, c := b.clock.Now(), b.beginWith(alice, securid)
	for n := range uint8(8) {
		p := c.next(int(n), "more", n)
		p.expect(claimed(3))
		p.settlement.Expires = b.clock.Now().Add(10 * time.Minute)
		p.conclude(ask("more"), asked(n+1))
		b.clock.Advance(8 * time.Minute)
	}
	got, _, err := b.Opened(b.Context(), c.base.Challenge)
	if err != nil {
		b.Fatalf("Opened: %v", err)
	}
	b.ends(got, begin, time.Hour)
	c.next(8, "more", 8).expect(expired())
}

func anHourFromTheOpening(b *bench) {
	c := b.begin(bob)
	b.settle(c.answer(1, "111111", 0), wrong(2))
	b.clock.Advance(time.Minute)
	begin, o := b.clock.Now(), b.address(bob, "a@example.org")
	o.ID, o.Life = c.base.Challenge, 40*time.Minute
	b.ends(b.open(o), begin, 40*time.Minute)
	b.clock.Advance(30 * time.Minute)
	o.Life = 40 * time.Minute
	b.ends(b.open(b.resend(o)), begin, time.Hour)
}

// earlierAddress: the challenge of the last send is named, so that a code that was sent before can be
// found again by a login in one packet; what was sent to an address that was removed must not be.
func earlierAddress(b *bench) {
	accept := func() {
		got := b.open(b.edit(b.address(bob, "new"), "new"))
		b.settle(b.confirmation(got, 1, "755224", got.Sends[0].Number), accepted())
	}
	for name, replace := range map[string]func() error{
		"reset all":                      func() error { return b.Reset(b.Context(), bob, "") },
		"reset one":                      func() error { return b.Reset(b.Context(), bob, email) },
		"registered by an administrator": func() error { return b.Register(b.Context(), registrationOf(bob, email)) },
		"registered at a login":          func() error { accept(); return nil },
	} {
		if err := b.Register(b.Context(), cluster.Registration{UserID: bob, Name: "Bob", Factor: email, Record: []byte("of " + name)}); err != nil {
			b.Fatalf("Register: %v", err)
		}
		o := b.mail(bob)
		b.open(o)
		if got := b.enrolment(bob).Credentials[email].Challenge; got != o.ID {
			b.Fatalf("%s: the newest challenge is %x, want %x", name, got, o.ID)
		}
		b.clock.Advance(time.Minute)
		if err := replace(); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		if got := b.enrolment(bob).Credentials[email].Challenge; got != (login.ChallengeID{}) {
			b.Errorf("%s: the earlier challenge %x is still found", name, got)
		}
		b.clock.Advance(time.Minute)
	}
}
