package ledgertest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/login"
)

// guesses are the tests of many answers before the first of them is judged, and of wrong answers to a
// code that was sent to somebody's address.
func guesses() map[string]func(*bench) {
	return map[string]func(*bench){
		"no more is forwarded than may be wrong":            claimsAtOnce,
		"no more of a challenge is forwarded than attempts": claimsOfAChallenge,
		"a claim is given back once, whatever ends it":      claimsGivenBack,
		"claims count on top of what was wrong before":      claimsAfterFailures,
		"a locked registration":                             countedRegistration,
	}
}

// crowded expects that nothing more is forwarded now.
func (p passcode) crowded() {
	p.Helper()
	if o, err := p.Claim(p.Context(), p.settlement, p.claim); !errors.Is(err, login.ErrFull) {
		p.Fatalf("Claim: %+v, %v, want ErrFull", o, err)
	}
}

func claimsAtOnce(b *bench) {
	var forwarded, refused atomic.Int32
	var all sync.WaitGroup
	claims := make(chan passcode, 50)
	for n := range cap(claims) {
		p := b.passcode(fmt.Sprint("passcode ", n))
		all.Go(func() {
			switch o, err := b.Claim(b.Context(), p.settlement, p.claim); {
			case err == nil && o.Claimed:
				forwarded.Add(1)
				claims <- p
			case errors.Is(err, login.ErrFull):
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if forwarded.Load() != 5 || refused.Load() != 45 {
		b.Fatalf("%d forwarded and %d refused", forwarded.Load(), refused.Load())
	}
	for range 5 {
		p := <-claims
		p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	}
	b.passcode("another").expect(locked(3))
	other := b.beginWith(bob, securid).passcode(1, "a passcode of bob's")
	other.expect(claimed(3))
}

func claimsOfAChallenge(b *bench) {
	c := b.beginWith(alice, securid)
	var claims []passcode
	for n := range 3 {
		p := c.passcode(n, fmt.Sprint("passcode ", n))
		p.expect(claimed(3))
		claims = append(claims, p)
	}
	late := c.passcode(3, "late")
	late.crowded()
	claims[0].another().expect(pending(3)) // that is no further one
	c.passcode(4, "passcode 1").expect(replayed(3))
	claims[0].conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	late.crowded()
	claims[1].conclude(login.Conclusion{Code: login.CodeAccepted}, accepted())
	late.expect(replayed(0))
	claims[2].conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(0))
	one := b.beginWith(bob, securid)
	one.base.Limits.Attempts = 1
	one.passcode(1, "one").expect(claimed(1))
	one.passcode(2, "two").crowded()
}

// full claims as many passcodes as may be on their way.
func (b *bench) full() (claims []passcode) {
	b.Helper()
	for range 5 {
		p := b.passcode(fmt.Sprint("passcode ", b.used))
		p.expect(claimed(3))
		claims = append(claims, p)
	}
	b.passcode(fmt.Sprint("passcode ", b.used)).crowded()
	return claims
}

func claimsGivenBack(b *bench) {
	for name, end := range map[string]func(passcode){
		"unavailable": func(p passcode) {
			p.conclude(login.Conclusion{Code: login.CodeSecurIDUnavailable}, unavailable())
			p.conclude(login.Conclusion{Code: login.CodeSecurIDUnavailable}, again(unavailable()))
		},
		"accepted":   func(p passcode) { p.conclude(login.Conclusion{Code: login.CodeAccepted}, accepted()) },
		"a dialogue": func(p passcode) { p.conclude(ask("more"), asked(1)) },
		"cancelled": func(p passcode) {
			if err := b.Cancel(b.Context(), p.cancellation()); err != nil {
				b.Fatalf("Cancel: %v", err)
			}
			p.conclude(login.Conclusion{Code: login.CodeAccepted}, invalid())
		},
		"overdue": func(p passcode) {
			b.clock.Advance(20 * time.Second)
			p.another().expect(again(unavailable()))
			p.conclude(login.Conclusion{Code: login.CodeAccepted}, again(unavailable()))
		},
		"overdue, in the same challenge": func(p passcode) {
			b.clock.Advance(20 * time.Second)
			p.challenge.passcode(2, "another").expect(invalid())
		},
		"void": func(p passcode) {
			if err := b.Reset(b.Context(), alice, ""); err != nil && !errors.Is(err, login.ErrNotEnrolled) {
				b.Fatalf("Reset: %v", err)
			}
			p.conclude(login.Conclusion{Code: login.CodeAccepted}, stale())
			p.conclude(login.Conclusion{Code: login.CodeAccepted}, stale())
		},
		"forgotten": func(passcode) {
			b.clock.Advance(3 * time.Minute)
			b.enrol(bob)
		},
	} {
		claims := b.full()
		end(claims[0])
		p := b.passcode("one more, " + name)
		p.expect(claimed(3))
		if name != "forgotten" { // which were all of them
			b.passcode("two more, " + name).crowded()
		}
		b.clock.Advance(3 * time.Minute)
		b.enrol(bob)
	}
}

func claimsAfterFailures(b *bench) {
	reject := func(n int) {
		for range n {
			p := b.passcode(fmt.Sprint("passcode ", b.used))
			p.expect(claimed(3))
			p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
		}
	}
	reject(3)
	for range 2 {
		b.passcode(fmt.Sprint("passcode ", b.used)).expect(claimed(3))
	}
	b.passcode("one more").crowded()
	b.clock.Advance(3 * time.Minute) // all of them are forgotten, and none was judged
	reject(2)
	b.clock.Advance(3 * time.Minute) // the lock has ended, too
	b.full()
}

// countedRegistration guesses at the code that was sent to somebody's address.
func countedRegistration(b *bench) {
	o := b.edit(b.address(bob, "a@example.org"), "a@example.org")
	got := b.open(o)
	guess := func(n int) login.Settlement {
		c := b.beginWith(bob, email)
		c.base.Challenge, c.base.Expires, c.base.Limits.SoftLock = got.ID, got.Expires, 2
		s := c.answer(n, fmt.Sprint("guess ", n), 0)
		s.Register, s.Sequence = []byte("the address"), got.Sequence
		return s
	}
	b.settle(guess(1), wrong(2))
	if n := b.enrolment(bob).Credentials[email].Failures; n != 0 {
		b.Fatalf("%d failures of what does not count", n)
	}
	s := guess(2)
	s.Count = true
	b.settle(s, wrong(1))
	b.settle(s, again(wrong(1)))
	other := b.edit(b.address(bob, "a@example.org"), "a@example.org")
	other.Send.Limits.Between = 0
	got = b.open(other)
	s = guess(3)
	s.Count = true
	b.settle(s, wrong(2))
	cred := b.enrolment(bob).Credentials[email]
	if cred.Failures != 2 || !cred.LockedUntil.Equal(b.clock.Now().Add(time.Minute)) {
		b.Errorf("credential: %+v", cred)
	}
	right := guess(4)
	right.Number, right.Count = got.Sends[0].Number, true
	b.settle(right, locked(2))
	b.clock.Advance(time.Minute)
	right = guess(5)
	right.Number = got.Sends[0].Number
	b.settle(right, accepted())
	if cred := b.enrolment(bob).Credentials[email]; cred.Failures != 0 || !cred.Registered() {
		b.Errorf("after the registration: %+v", cred)
	}
}
