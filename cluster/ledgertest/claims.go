package ledgertest

import (
	"sync"
	"sync/atomic"
	"time"

	"sallyport/login"
)

// claims are the tests of answers that another server judges.
func claims() map[string]func(*bench) {
	return map[string]func(*bench){
		"a passcode is claimed and accepted once":         claimedOnce,
		"one of fifty at a time claims":                   manyClaims,
		"a claim whose outcome was not known":             repeatedClaim,
		"an outcome that never comes is unavailable":      overdueClaim,
		"a passcode is nobody else's":                     passcodeElsewhere,
		"wrong passcodes are counted and end a challenge": rejectedPasscodes,
		"what is wrong with the server is not counted":    serverFaults,
		"a passcode that did not leave is free again":     releasedPasscode,
		"a locked factor claims nothing":                  lockedClaim,
		"a reset voids a claim":                           resetClaim,
		"a cancelled challenge is not accepted":           cancelledClaim,
		"a concluded verdict stays":                       concludedTwice,
		"a claim is remembered until its outcome":         slowClaim,
		"a claim without State is repeated for a while":   repeatedPasscode,
	}
}

const securid = "securid"

// passcode is a claim of alice's, in a challenge of its own.
type passcode struct {
	challenge
	settlement login.Settlement
	claim      login.Claim
}

func (b *bench) passcode(text string) passcode {
	b.Helper()
	return b.beginWith(alice, securid).passcode(1, text)
}

// passcode answers the challenge with another passcode.
func (c challenge) passcode(token int, text string) passcode {
	s := c.answer(token, text, 0)
	tag := c.ring().Tag(login.PurposePasscode, []byte(s.UserID), []byte(text))
	return passcode{c, s, login.Claim{Act: c.tag(), Passcode: tag, Within: 20 * time.Second}}
}

// another is the same answer at another node.
func (p passcode) another() passcode {
	p.claim.Act = p.tag()
	return p
}

func (p passcode) expect(want login.Outcome) {
	p.Helper()
	got, err := p.Claim(p.Context(), p.settlement, p.claim)
	if err != nil {
		p.Fatalf("Claim: %v", err)
	}
	if got != want {
		p.Fatalf("Claim: %+v, want %+v", got, want)
	}
}

func (p passcode) conclude(c login.Conclusion, want login.Outcome) {
	p.Helper()
	c.Act = p.claim.Act
	got, err := p.Conclude(p.Context(), p.settlement, c)
	if err != nil {
		p.Fatalf("Conclude: %v", err)
	}
	if got != want {
		p.Fatalf("Conclude: %+v, want %+v", got, want)
	}
}

func claimed(left int) login.Outcome { return login.Outcome{Claimed: true, AttemptsLeft: left} }
func pending(left int) login.Outcome { return login.Outcome{Pending: true, AttemptsLeft: left} }

func rejected(left int) login.Outcome {
	return login.Outcome{Code: login.CodeSecurIDRejected, AttemptsLeft: left}
}

func unavailable() login.Outcome { return login.Outcome{Code: login.CodeSecurIDUnavailable} }

func (b *bench) failures(factor string) uint32 {
	b.Helper()
	return b.enrolment(alice).Credentials[factor].Failures
}

func claimedOnce(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	p.another().expect(pending(3))
	granted := login.Outcome{Code: login.CodeAccepted, Grant: "Class"}
	p.conclude(login.Conclusion{Code: login.CodeAccepted, Grant: "Class"}, granted)
	p.expect(again(granted))
	p.another().expect(again(granted))
	if e := b.enrolment(alice); e.LastFactor != securid || e.Epoch != 0 || e.Name != "A. Person" {
		b.Errorf("alice: %+v", e)
	}
	p.challenge.passcode(2, "12345678755224").expect(replayed(0))
	p.challenge.passcode(1, "87654321755224").expect(invalid())
}

func manyClaims(b *bench) {
	p := b.passcode("12345678755224")
	var won, waiting atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		p := p.another()
		all.Go(func() {
			switch o, err := b.Claim(b.Context(), p.settlement, p.claim); {
			case err == nil && o.Claimed && !o.Pending:
				won.Add(1)
			case err == nil && o.Pending && !o.Claimed:
				waiting.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || waiting.Load() != 49 {
		b.Errorf("%d claimed, %d wait", won.Load(), waiting.Load())
	}
}

func repeatedClaim(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	p.expect(claimed(3))
	b.clock.Advance(30 * time.Second)
	p.expect(claimed(3)) // nobody has given it up yet
	p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, again(rejected(2)))
	p.expect(again(rejected(2)))
	if n := b.failures(securid); n != 1 {
		b.Errorf("%d failures, want 1", n)
	}
}

func overdueClaim(b *bench) {
	p := b.passcode("12345678755224")
	p.settlement.Request = b.tag()
	p.expect(claimed(3))
	b.clock.Advance(20*time.Second - 1)
	p.another().expect(pending(3))
	b.reads(p, true)
	b.clock.Advance(1)
	b.reads(p, false)                         // or whoever waits would never ask
	elsewhere := b.passcode("12345678755224") // the same packet at another node
	elsewhere.settlement.Request = p.settlement.Request
	elsewhere.expect(again(unavailable()))
	p.another().expect(again(unavailable()))
	p.expect(again(unavailable()))
	p.conclude(login.Conclusion{Code: login.CodeAccepted, Grant: "Class"}, again(unavailable()))
	p.challenge.passcode(2, "87654321755224").expect(invalid())
	b.passcode("12345678755224").expect(replayed(3)) // it may have been used up
	if n := b.failures(securid); n != 0 {
		b.Errorf("%d failures, want 0", n)
	}
}

// reads checks whether a ledger's own state still holds a claim.
func (b *bench) reads(p passcode, want bool) {
	b.Helper()
	if out, found, err := b.Recorded(b.Context(), p.settlement); err != nil || found != want || out.Pending != want {
		b.Errorf("Recorded: %+v, %v, %v; want %v", out, found, err, want)
	}
}

func passcodeElsewhere(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	p.challenge.passcode(2, "12345678755224").expect(replayed(3))
	b.passcode("12345678755224").expect(replayed(3))
	q := b.beginWith(alice, securid)
	q.base.Client = "another"
	q.passcode(1, "12345678755224").expect(replayed(3))
	stranger := p
	stranger.settlement.Client = "another"
	stranger.expect(invalid())
	p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	b.passcode("12345678755224").expect(replayed(3))
	if n := b.failures(securid); n != 1 {
		b.Errorf("%d failures, want 1", n)
	}
}

func rejectedPasscodes(b *bench) {
	c := b.beginWith(alice, securid)
	for i, text := range []string{"one", "two", "three"} {
		p := c.passcode(i, text)
		p.expect(claimed(3 - i))
		p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2-i))
	}
	c.passcode(4, "four").expect(invalid())
	if n := b.failures(securid); n != 3 {
		b.Errorf("%d failures, want 3", n)
	}
	p := b.passcode("five")
	p.expect(claimed(3))
	p.conclude(login.Conclusion{Code: login.CodeAccepted}, accepted())
	if n := b.failures(securid); n != 0 {
		b.Errorf("%d failures after an accept", n)
	}
}

func serverFaults(b *bench) {
	for _, code := range []login.Code{login.CodeSecurIDMisconfig, login.CodeSecurIDUnavailable} {
		p := b.passcode(string(code))
		p.expect(claimed(3))
		want := login.Outcome{Code: code}
		p.conclude(login.Conclusion{Code: code}, want)
		p.another().expect(again(want))
		p.challenge.passcode(2, "another").expect(invalid())
	}
	if n := b.failures(securid); n != 0 {
		b.Errorf("%d failures, want 0", n)
	}
	p := b.passcode("12345678755224")
	if _, err := b.Conclude(b.Context(), p.settlement, login.Conclusion{Code: login.CodeOTPInvalid}); err == nil {
		b.Error("concluded with what no server says")
	}
	if _, err := b.Conclude(b.Context(), p.settlement, login.Conclusion{Code: login.CodeAccepted, Grant: string(make([]byte, 2049))}); err == nil {
		b.Error("kept what is too long")
	}
	p.conclude(login.Conclusion{Code: login.CodeAccepted}, invalid()) // nobody claimed it
}

func releasedPasscode(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	p.conclude(login.Conclusion{Code: login.CodeSecurIDUnavailable, Release: true}, unavailable())
	p.another().expect(again(unavailable()))
	q := b.passcode("12345678755224")
	q.expect(claimed(3))
	q.conclude(login.Conclusion{Code: login.CodeAccepted}, accepted())
	b.passcode("12345678755224").expect(replayed(3))
	b.clock.Advance(3 * time.Minute)
	b.passcode("12345678755224").expect(claimed(3)) // forgotten with its challenge
}

func lockedClaim(b *bench) {
	for _, text := range []string{"one", "two", "three", "four", "five"} {
		p := b.passcode(text)
		p.expect(claimed(3))
		p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	}
	p := b.passcode("six")
	p.expect(locked(3))
	p.expect(again(locked(3)))
	q := b.passcode("seven")
	q.settlement.Conceal = true
	q.expect(wrong(2))
	decoy := b.passcode("eight")
	decoy.settlement.Decoy = true
	decoy.expect(wrong(2))
}

func resetClaim(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	b.enrol(alice) // raises the epoch
	p.conclude(login.Conclusion{Code: login.CodeAccepted}, stale())
	p.another().expect(stale())
	if e := b.enrolment(alice); e.LastFactor != "" {
		b.Errorf("alice: %+v", e)
	}
}

func cancelledClaim(b *bench) {
	for _, c := range []login.Conclusion{
		{Code: login.CodeAccepted, Grant: "Class"}, {Code: login.CodePrompt, Dialogue: []byte("more")},
	} {
		p := b.passcode(string(c.Code))
		p.expect(claimed(3))
		if err := b.Cancel(b.Context(), p.cancellation()); err != nil {
			b.Fatalf("Cancel: %v", err)
		}
		p.conclude(c, invalid())
		p.another().expect(again(invalid()))
	}
	p := b.passcode("three")
	p.expect(claimed(3))
	if err := b.Cancel(b.Context(), p.cancellation()); err != nil {
		b.Fatalf("Cancel: %v", err)
	}
	p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(0)) // to cancel hides no guess
	if n := b.failures(securid); n != 1 {
		b.Errorf("%d failures, want 1", n)
	}
}

func concludedTwice(b *bench) {
	p := b.passcode("12345678755224")
	p.expect(claimed(3))
	q := p.another()
	q.conclude(login.Conclusion{Code: login.CodeAccepted}, pending(3)) // it is not the one who forwards
	p.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	p.conclude(login.Conclusion{Code: login.CodeAccepted}, again(rejected(2)))
	q.conclude(login.Conclusion{Code: login.CodeAccepted}, again(rejected(2)))
	b.clock.Advance(2*time.Minute + time.Second)
	late := b.passcode("87654321755224")
	late.expect(claimed(3))
	b.clock.Advance(2*time.Minute + 10*time.Second) // its challenge has ended meanwhile
	late.conclude(login.Conclusion{Code: login.CodeAccepted}, accepted())
}

func slowClaim(b *bench) {
	p := b.passcode("12345678755224")
	b.clock.Advance(2*time.Minute - time.Second)
	p.claim.Within = time.Minute
	p.expect(claimed(3))
	b.clock.Advance(59 * time.Second) // later than the challenge alone would be remembered
	b.enrol(bob)
	p.another().expect(pending(3))
	p.conclude(login.Conclusion{Code: login.CodeAccepted}, accepted())
}

// repeatedPasscode is a login in one packet: each attempt has a challenge of its own.
func repeatedPasscode(b *bench) {
	tag := b.tag()
	attempt := func() passcode {
		p := b.passcode("12345678755224")
		p.settlement.Again, p.settlement.Expires = tag, b.clock.Now().Add(10*time.Second)
		return p
	}
	first := attempt()
	first.expect(claimed(3))
	attempt().expect(pending(3))
	granted := login.Outcome{Code: login.CodeAccepted, Grant: "Class"}
	first.conclude(login.Conclusion{Code: login.CodeAccepted, Grant: "Class"}, granted)
	b.clock.Advance(10 * time.Second)
	attempt().expect(again(granted))
	b.clock.Advance(1)
	attempt().expect(replayed(3))
}
