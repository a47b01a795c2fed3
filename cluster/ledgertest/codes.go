package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// codes are the tests of recovery and bypass codes, of exemptions and of logins without a State.
func codes() map[string]func(*bench) {
	return map[string]func(*bench){
		"ten recovery codes, each once":                      recoveryCodes,
		"a bypass code has its uses and its end":             bypassCode,
		"wrong recovery codes lock nothing":                  wrongRecoveryCodes,
		"a right answer that is not the end":                 passing,
		"an exemption is recorded and stores nobody":         exemption,
		"a login without State is repeated for a while":      repeatedLogin,
		"a locked factor that is concealed":                  concealedLock,
		"a reset takes the codes too":                        resetTakesCodes,
		"codes that cannot be kept are refused":              badGrants,
		"a window is open until its end":                     windows,
		"what is not registered is not registered anew":      renewNothing,
		"codes are listed, and no secret with them":          listedCodes,
		"a code granted twice is counted anew":               regranted,
		"the same code in another challenge is used up once": codeElsewhere,
		"a used code is named when its answer comes again":   usedUpCode,
	}
}

func (b *bench) grant(userID, kind string, codes ...login.OneTimeCode) {
	b.Helper()
	err := b.Grant(b.Context(), cluster.CodeGrant{UserID: userID, Name: "A. Person", Factor: kind, Codes: codes, Note: "by root: lost telephone"})
	if err != nil {
		b.Fatalf("Grant: %v", err)
	}
}

// codeAnswer is the settlement of a one-time code.
func (c challenge) codeAnswer(token int, kind, code string) login.Settlement {
	s := c.answer(token, code, 0)
	s.Factor, s.Version, s.Code = kind, 0, c.ring().CodeTag(kind, s.UserID, code)
	return s
}

// leaving is an accept of a recovery code after which so many are left.
func leaving(n int) login.Outcome { return leavingOf(login.CredentialRecovery, n) }

// leavingOf is an accept after which so many uses or codes of the kind are left.
func leavingOf(kind string, n int) login.Outcome {
	return login.Outcome{Code: login.CodeAccepted, Factor: kind, Remaining: n}
}

func passed(left int) login.Outcome {
	return login.Outcome{Code: login.CodePrompt, AttemptsLeft: left}
}

// recover gives alice ten recovery codes.
func (b *bench) recover() (texts []string) {
	b.Helper()
	var codes []login.OneTimeCode
	for i := range 10 {
		text := fmt.Sprintf("recovery %d", i)
		texts = append(texts, text)
		codes = append(codes, login.OneTimeCode{Tag: b.ring().CodeTag(login.CredentialRecovery, alice, text), Uses: 1})
	}
	b.grant(alice, login.CredentialRecovery, codes...)
	return texts
}

func recoveryCodes(b *bench) {
	b.enrol(alice)
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
	texts := b.recover()
	var accepts, refusals atomic.Int32
	for n, text := range texts {
		var all sync.WaitGroup
		for _, c := range []challenge{b.begin(alice), b.begin(alice), b.begin(alice)} {
			s := c.codeAnswer(1, login.CredentialRecovery, text)
			all.Go(func() {
				switch o, err := b.Settle(b.Context(), s); {
				case err == nil && o == leaving(9-n):
					accepts.Add(1)
				case err == nil && o.Code == login.CodeOTPInvalid:
					refusals.Add(1)
				}
			})
		}
		all.Wait()
		if err := b.Unlock(b.Context(), alice, login.CredentialRecovery); err != nil {
			b.Fatalf("Unlock: %v", err)
		}
		b.clock.Advance(3 * time.Minute) // only so many challenges are kept
	}
	if accepts.Load() != 10 || refusals.Load() != 20 {
		b.Errorf("%d accepted and %d refused", accepts.Load(), refusals.Load())
	}
	e := b.enrolment(alice)
	if e.LastFactor != totp || e.Credentials[login.CredentialRecovery].Registered() || e.Credentials[totp].Last != 100 {
		b.Errorf("afterwards: %+v", e)
	}
}

func bypassCode(b *bench) {
	tag := b.ring().CodeTag(login.CredentialBypass, bob, "bypass")
	b.grant(bob, login.CredentialBypass, login.OneTimeCode{Tag: tag, Uses: 3, Until: b.clock.Now().Add(time.Hour)})
	s := b.begin(bob).codeAnswer(1, login.CredentialBypass, "bypass")
	b.settle(s, leavingOf(login.CredentialBypass, 2))
	b.settle(s, again(leavingOf(login.CredentialBypass, 2)))
	b.settle(b.begin(bob).codeAnswer(1, login.CredentialBypass, "bypass"), leavingOf(login.CredentialBypass, 1))
	b.clock.Advance(time.Hour)
	b.settle(b.begin(bob).codeAnswer(1, login.CredentialBypass, "bypass"), wrong(2))
	cred := b.enrolment(bob).Credentials[login.CredentialBypass]
	if len(cred.Codes) != 1 || cred.Codes[0].Uses != 1 || cred.Note != "by root: lost telephone" || cred.Failures != 0 {
		b.Errorf("credential: %+v", cred)
	}
}

// usedUpCode: whoever answers a retransmission does not find the last code any more, and takes the text
// for an answer to the factor.
func usedUpCode(b *bench) {
	b.enrol(alice)
	texts := b.recover()
	c := b.begin(alice)
	s := c.codeAnswer(1, login.CredentialRecovery, texts[0])
	s.Request = b.tag()
	b.settle(s, leaving(9))
	for _, factor := range []string{totp, login.CredentialBypass} {
		r := s
		r.Factor, r.Version, r.Code = factor, b.enrolment(alice).Credentials[factor].Version, login.Tag{}
		b.settle(r, again(leaving(9)))
		elsewhere := b.begin(alice).answer(1, texts[0], 0)
		elsewhere.Request = s.Request
		b.settle(elsewhere, again(leaving(9)))
	}
	p := b.beginWith(alice, securid).passcode(1, texts[0])
	p.settlement.Request = s.Request
	p.expect(again(leaving(9)))
	p.settlement.Challenge, p.settlement.Token, p.settlement.Answer, p.settlement.Request = s.Challenge, s.Token, s.Answer, login.Tag{}
	p.expect(again(leaving(9)))
}

func codeElsewhere(b *bench) {
	texts := b.recover()
	c := b.begin(alice)
	b.settle(c.codeAnswer(1, login.CredentialRecovery, texts[0]), leaving(9))
	b.settle(c.codeAnswer(2, login.CredentialRecovery, texts[0]), replayed(0))
	b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, texts[0]), wrong(2))
}

// wrongRecoveryCodes: they are too long to be guessed, and a lock would take away the last way in.
func wrongRecoveryCodes(b *bench) {
	b.enrol(alice)
	texts := b.recover()
	for range 8 {
		b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, "no code of hers"), wrong(2))
	}
	b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, texts[0]), leaving(9))
	b.settle(b.begin(alice).answer(1, "755224", 100), accepted())
}

func regranted(b *bench) {
	for range 3 {
		texts := b.recover()
		b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, texts[0]), leaving(9))
		b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, "no code of hers"), wrong(2))
	}
	b.recover()
	if cred := b.enrolment(alice).Credentials[login.CredentialRecovery]; cred.Failures != 0 || len(cred.Codes) != 10 {
		b.Errorf("credential: %+v", cred)
	}
	b.grant(alice, login.CredentialRecovery)
	if cred := b.enrolment(alice).Credentials[login.CredentialRecovery]; cred.Registered() {
		b.Errorf("still there: %+v", cred)
	}
}

func passing(b *bench) {
	b.enrol(alice)
	b.settle(b.begin(alice).answer(1, "111111", 0), wrong(2))
	c := b.begin(alice)
	s := c.answer(1, "755224", 100)
	s.Pass = true
	b.settle(s, passed(3))
	b.settle(s, again(passed(3)))
	if e := b.enrolment(alice); e.LastFactor != "" || e.Credentials[totp].Failures != 0 {
		b.Errorf("after the pass: %+v", e)
	}
	other := c.answer(2, "755224", 100)
	other.Pass = true
	b.settle(other, replayed(3))
	b.settle(c.answer(3, "287082", 101), accepted())
}

// exemption uses up nothing, so it is not remembered: a service account logs in as often as it likes.
func exemption(b *bench) {
	s := b.begin(bob).answer(1, "", 0)
	s.Factor, s.Exempt = "", "service accounts"
	for range 40 {
		b.settle(s, accepted())
		s.Token, s.Challenge = b.tag(), b.id()
	}
	if _, found, err := b.EnrolmentByHandle(b.Context(), s.Handle); found || err != nil {
		b.Errorf("somebody was stored: %v, %v", found, err)
	}
	if _, found, err := b.Opened(b.Context(), s.Challenge); found || err != nil {
		b.Errorf("a challenge was stored: %v, %v", found, err)
	}
}

func repeatedLogin(b *bench) {
	b.enrol(alice)
	again10 := b.tag()
	// attempt is a login in one packet: a challenge of its own that lives for ten seconds.
	attempt := func(text string, number uint64) login.Settlement {
		s := b.begin(alice).answer(1, text, number)
		s.Again, s.Expires = again10, b.clock.Now().Add(10*time.Second)
		return s
	}
	b.settle(attempt("755224", 100), accepted())
	b.clock.Advance(10 * time.Second)
	b.settle(attempt("755224", 100), again(accepted()))
	b.clock.Advance(1)
	b.settle(attempt("755224", 100), replayed(3))
	b.settle(attempt("755224", 100), again(replayed(3)))
	b.enrol(alice)
	b.settle(attempt("755224", 100), replayed(3)) // what was said before a registration is void
	stranger := attempt("755224", 100)
	stranger.Client = "another"
	b.settle(stranger, replayed(3))
}

func concealedLock(b *bench) {
	b.enrol(alice)
	b.fail(5)
	before := b.enrolment(alice).Credentials[totp]
	c := b.begin(alice)
	for i, want := range []login.Outcome{wrong(2), wrong(1), exhausted()} {
		s := c.answer(i, fmt.Sprint("code ", i), uint64(100+i))
		s.Conceal = true
		b.settle(s, want)
	}
	after := b.enrolment(alice).Credentials[totp]
	if after.Failures != before.Failures || after.LockedUntil != before.LockedUntil || after.Last != 0 {
		b.Errorf("%+v became %+v", before, after)
	}
	b.clock.Advance(time.Minute)
	s := b.begin(alice).answer(1, "755224", 100)
	s.Conceal = true
	b.settle(s, accepted())
}

func resetTakesCodes(b *bench) {
	b.enrol(alice)
	texts := b.recover()
	c := b.begin(alice)
	if err := b.Reset(b.Context(), alice, ""); err != nil {
		b.Fatalf("Reset: %v", err)
	}
	b.settle(c.codeAnswer(1, login.CredentialRecovery, texts[0]), stale())
	b.settle(b.begin(alice).codeAnswer(1, login.CredentialRecovery, texts[0]), wrong(2))
	b.recover()
	if err := b.Reset(b.Context(), alice, login.CredentialRecovery); err != nil {
		b.Errorf("Reset of codes alone: %v", err)
	}
	if cred := b.enrolment(alice).Credentials[login.CredentialRecovery]; cred.Registered() || cred.Note != "" {
		b.Errorf("still there: %+v", cred)
	}
}

func badGrants(b *bench) {
	good := login.OneTimeCode{Tag: b.tag(), Uses: 1}
	for name, g := range map[string]cluster.CodeGrant{
		"nobody":          {Factor: login.CredentialBypass, Codes: []login.OneTimeCode{good}},
		"a factor":        {UserID: alice, Factor: totp, Codes: []login.OneTimeCode{good}},
		"thirty-three":    {UserID: alice, Factor: login.CredentialRecovery, Codes: make([]login.OneTimeCode, 33)},
		"a long note":     {UserID: alice, Factor: login.CredentialBypass, Codes: []login.OneTimeCode{good}, Note: strings.Repeat("x", 513)},
		"without a tag":   {UserID: alice, Factor: login.CredentialBypass, Codes: []login.OneTimeCode{{Uses: 1}}},
		"without any use": {UserID: alice, Factor: login.CredentialBypass, Codes: []login.OneTimeCode{{Tag: good.Tag}}},
	} {
		if err := b.Grant(b.Context(), g); err == nil || errors.Is(err, login.ErrUnavailable) {
			b.Errorf("%s: %v", name, err)
		}
	}
	if e := b.enrolment(alice); len(e.Credentials) != 0 {
		b.Errorf("something was stored: %+v", e)
	}
}

func listedCodes(b *bench) {
	b.recover()
	users, err := b.Users(b.Context(), "", 10)
	if err != nil || len(users) != 1 || len(users[0].Credentials) != 1 || len(users[0].Credentials[login.CredentialRecovery].Codes) != 10 {
		b.Errorf("%+v, %v", users, err)
	}
}

func renewNothing(b *bench) {
	b.recover()
	for _, factor := range []string{totp, login.CredentialRecovery} {
		if err := b.Renew(b.Context(), alice, factor); !errors.Is(err, login.ErrNotEnrolled) {
			b.Errorf("%s: %v", factor, err)
		}
	}
}

func windows(b *bench) {
	group := login.GroupSubject("corp", "staff")
	open := func(subject string, d time.Duration) {
		b.Helper()
		if err := b.OpenWindow(b.Context(), subject, b.clock.Now().Add(d)); err != nil {
			b.Fatalf("OpenWindow: %v", err)
		}
	}
	is := func(want bool, subjects ...string) {
		b.Helper()
		if got, err := b.Window(b.Context(), subjects); got != want || err != nil {
			b.Errorf("window of %q: %v, %v", subjects, got, err)
		}
	}
	is(false, alice, group)
	open(group, 72*time.Hour)
	open(bob, time.Hour)
	is(true, alice, group)
	is(false, alice)
	if all, err := b.Windows(b.Context()); err != nil || len(all) != 2 || all[0] != (cluster.Window{Subject: bob, Until: b.clock.Now().Add(time.Hour)}) {
		b.Errorf("Windows: %+v, %v", all, err)
	}
	b.clock.Advance(time.Hour)
	is(false, bob)
	b.clock.Advance(71*time.Hour - time.Second)
	is(true, group)
	b.enrol(alice) // any command looks at what may be over
	is(true, group)
	open(group, 2*time.Second) // anew, for longer
	b.clock.Advance(time.Second)
	is(true, group)
	if err := b.OpenWindow(b.Context(), group, time.Time{}); err != nil {
		b.Fatalf("close: %v", err)
	}
	is(false, group)
	if all, err := b.Windows(b.Context()); err != nil || len(all) != 0 {
		b.Errorf("Windows: %+v, %v", all, err)
	}
	if err := b.OpenWindow(b.Context(), "", b.clock.Now().Add(time.Hour)); err == nil {
		b.Error("a window for nobody was opened")
	}
}
