package ledgertest

import (
	"time"

	"sallyport/login"
)

// candidates are the tests of addresses and keys that are being registered.
func candidates() map[string]func(*bench) {
	return map[string]func(*bench){
		"a candidate takes the place of an earlier one":     replacedCandidate,
		"a candidate is stored although nothing is sent":    candidateWithoutSend,
		"a challenge that was only answered takes one":      candidateAfterAPass,
		"the sixty-fifth candidate closes the challenge":    tooManyCandidates,
		"a registered factor is registered anew":            renewal,
		"an invitation is used up by one registration":      invitedOnce,
		"without its invitation a registration is stale":    notInvited,
		"the invitation that passed is the one that counts": replacedInvitation,
		"a candidate of a closed challenge is not replaced": closedCandidate,
	}
}

// address opens a registration of an address, without a code.
func (b *bench) address(userID, text string) login.Opening {
	o := b.mail(userID)
	o.Send, o.Record = nil, []byte(text)
	return o
}

// edit puts another address in place of the challenge's, and sends a code to it.
func (b *bench) edit(o login.Opening, text string) login.Opening {
	o.Key, o.Record = b.tag(), []byte(text)
	o.Send = b.mail(o.UserID).Send
	return o
}

// confirmation answers the code that was sent to the candidate.
func (b *bench) confirmation(o login.Opened, token int, text string, number uint64) login.Settlement {
	c := b.beginWith(o.UserID, email)
	c.base.Challenge, c.base.Expires = o.ID, o.Expires
	s := c.answer(token, text, number)
	s.Register, s.Sequence = []byte("the address"), o.Sequence
	return s
}

func replacedCandidate(b *bench) {
	first := b.address(bob, "a@example.org")
	if got := b.open(first); got.Sequence != 0 || string(got.Record) != "a@example.org" || got.Fresh {
		b.Fatalf("the first candidate: %+v", got)
	}
	send := first
	send.Record, send.Key, send.Send = nil, b.tag(), b.mail(bob).Send
	old := b.send(send, 1)
	b.clock.Advance(time.Minute)
	edit := b.edit(first, "b@example.org")
	got := b.send(edit, 2)
	if got.Sequence != 1 || string(got.Record) != "b@example.org" || len(got.Sends) != 1 {
		b.Fatalf("the second candidate: %+v", got)
	}
	if again := b.open(edit); again.Sequence != 1 || !again.Fresh || len(again.Sends) != 1 {
		b.Errorf("the same request again: %+v", again)
	}
	if again := b.open(first); again.Sequence != 1 || string(again.Record) != "b@example.org" {
		b.Errorf("the very first request again: %+v", again)
	}
	if late := b.open(b.resend(first)); !late.Stale || late.Fresh {
		b.Errorf("a code to the earlier address: %+v", late)
	}
	b.settle(b.confirmation(old, 1, "755224", 1), stale())
	third := b.edit(first, "c@example.org")
	b.refuse(third, login.CodeResendTooSoon, time.Minute)
	if late := b.open(edit); late.Sequence != 2 || string(late.Record) != "c@example.org" {
		b.Errorf("an earlier candidate came back: %+v", late)
	}
	b.clock.Advance(time.Minute)
	got = b.send(third, 3)
	b.settle(b.confirmation(got, 2, "755224", 3), accepted())
	if e := b.enrolment(bob); e.Epoch != 1 || e.Credentials[email].Last != 3 || !e.Credentials[email].Registered() {
		b.Errorf("registered: %+v", e)
	}
}

func candidateWithoutSend(b *bench) {
	b.send(b.mail(bob), 1)
	o := b.edit(b.address(bob, ""), "a@example.org")
	if got := b.refuse(o, login.CodeResendTooSoon, time.Minute); string(got.Record) != "a@example.org" || len(got.Sends) != 0 {
		b.Errorf("%+v", got)
	}
	if got, found, err := b.Opened(b.Context(), o.ID); !found || err != nil || string(got.Record) != "a@example.org" {
		b.Errorf("stored: %+v, %v, %v", got, found, err)
	}
	b.clock.Advance(time.Minute)
	if got := b.send(o, 2); got.Sequence != 0 {
		b.Errorf("the same request, later: %+v", got)
	}
}

func candidateAfterAPass(b *bench) {
	b.enrol(bob)
	c := b.begin(bob)
	s := c.answer(1, "755224", 100)
	s.Pass = true
	b.settle(s, passed(3))
	o := b.address(bob, "a@example.org")
	o.ID, o.Key, o.Life = c.base.Challenge, b.tag(), 10*time.Minute
	got := b.open(o)
	if got.Sequence != 0 || string(got.Record) != "a@example.org" || !got.Expires.Equal(b.clock.Now().Add(10*time.Minute)) {
		b.Fatalf("opened: %+v", got)
	}
	if again := b.open(o); again.Sequence != 0 {
		b.Errorf("the same request again: %+v", again)
	}
	b.clock.Advance(5 * time.Minute) // longer than the first prompt would have lived
	o = b.resend(o)
	got = b.send(o, 1)
	b.settle(b.confirmation(got, 2, "287082", 1), accepted())
	b.settle(s, stale()) // what was before the registration is void
}

func tooManyCandidates(b *bench) {
	o := b.address(bob, "a@example.org")
	b.open(o)
	edit := func() login.Opening {
		next := b.edit(o, "b@example.org")
		next.Send = nil
		return next
	}
	for n := range uint8(63) {
		if got := b.open(edit()); got.Sequence != n+1 || got.Closed {
			b.Fatalf("edit %d: %+v", n+1, got)
		}
	}
	if got := b.open(edit()); !got.Closed || len(got.Record) != 0 {
		b.Errorf("the last edit: %+v", got)
	}
	if got, _, err := b.Opened(b.Context(), o.ID); err != nil || !got.Closed {
		b.Errorf("not closed: %+v, %v", got, err)
	}
}

func renewal(b *bench) {
	b.enrol(bob)
	if err := b.Renew(b.Context(), bob, totp); err != nil {
		b.Fatalf("Renew: %v", err)
	}
	if !b.enrolment(bob).Credentials[totp].Renew {
		b.Fatal("not marked")
	}
	s := b.begin(bob).answer(1, "755224", 100)
	s.Pass = true
	b.settle(s, passed(3))
	if cred := b.enrolment(bob).Credentials[totp]; !cred.Renew || cred.Last != 100 {
		b.Errorf("after the old code: %+v", cred)
	}
	s = b.begin(bob).answer(1, "287082", 7)
	s.Register = []byte("a new secret")
	b.settle(s, accepted())
	if e := b.enrolment(bob); e.Credentials[totp].Renew || b.record(e) != "a new secret" {
		b.Errorf("after the registration: %+v", e)
	}
}

// invite gives the user an invitation.
func (b *bench) invite(userID string, until time.Time) login.Tag {
	b.Helper()
	tag := b.ring().CodeTag(login.CredentialInvitation, userID, "invitation")
	b.grant(userID, login.CredentialInvitation, login.OneTimeCode{Tag: tag, Uses: 1, Until: until})
	return tag
}

func invitedOnce(b *bench) {
	tag := b.invite(bob, time.Time{})
	first, second := b.begin(bob), b.begin(bob)
	for i, c := range []challenge{first, second} {
		s := c.answer(1, "invitation", 0)
		s.Factor, s.Version, s.Code, s.Pass = login.CredentialInvitation, 0, tag, true
		want := passed(3)
		want.Remaining = 1
		b.settle(s, want)
		b.settle(s, again(want))
		if left := b.enrolment(bob).Credentials[login.CredentialInvitation].Codes; len(left) != 1 {
			b.Fatalf("login %d used up the invitation: %+v", i, left)
		}
	}
	register := func(c challenge) login.Settlement {
		s := c.answer(2, "755224", 100)
		s.Register, s.Invitation = []byte("a new secret"), tag
		return s
	}
	b.settle(register(first), accepted())
	b.settle(register(first), again(accepted()))
	b.settle(register(second), stale())
	if e := b.enrolment(bob); e.Credentials[login.CredentialInvitation].Registered() || e.LastFactor != totp {
		b.Errorf("afterwards: %+v", e)
	}
}

// present answers the challenge with an invitation, which passes.
func (c challenge) present(code string, tag login.Tag) {
	c.Helper()
	s := c.answer(1, code, 0)
	s.Factor, s.Version, s.Code, s.Pass = login.CredentialInvitation, 0, tag, true
	want := passed(3)
	want.Remaining = 1
	c.settle(s, want)
}

func notInvited(b *bench) {
	soon := b.clock.Now().Add(time.Minute)
	tag := b.invite(bob, soon)
	c := b.begin(bob)
	s := c.answer(2, "755224", 100)
	s.Register, s.Invitation = []byte("a new secret"), tag
	b.settle(s, stale()) // nobody presented it
	c.present("invitation", tag)
	s.Invitation = b.ring().CodeTag(login.CredentialInvitation, bob, "another")
	b.settle(s, stale())
	s.Invitation = tag
	b.clock.Advance(time.Minute)
	b.settle(s, stale()) // it has ended
	b.invite(bob, soon.Add(time.Minute))
	b.settle(s, accepted())
	t := b.begin(alice).answer(1, "755224", 100)
	t.Register, t.Invitation = []byte("a new secret"), tag
	b.settle(t, stale()) // nobody invited alice
	if e := b.enrolment(alice); len(e.Credentials) != 0 {
		b.Errorf("alice: %+v", e)
	}
}

// replacedInvitation presents an invitation that an administrator then replaces, or withdraws.
func replacedInvitation(b *bench) {
	old := b.invite(bob, time.Time{})
	c := b.begin(bob)
	c.present("invitation", old)
	next := login.OneTimeCode{Tag: b.ring().CodeTag(login.CredentialInvitation, bob, "the next"), Uses: 1}
	b.grant(bob, login.CredentialInvitation, next)
	s := c.answer(2, "755224", 100)
	s.Register = []byte("a new secret")
	for _, tag := range []login.Tag{old, next.Tag} {
		s.Invitation = tag
		b.settle(s, stale())
	}
	if left := b.enrolment(bob).Credentials[login.CredentialInvitation].Codes; len(left) != 1 || left[0] != next {
		b.Errorf("the new invitation was used: %+v", left)
	}
	d := b.begin(bob)
	d.present("the next", next.Tag)
	b.grant(bob, login.CredentialInvitation)
	s = d.answer(2, "287082", 101)
	s.Register, s.Invitation = []byte("a new secret"), next.Tag
	b.settle(s, stale())
}

func closedCandidate(b *bench) {
	o := b.address(bob, "a@example.org")
	b.open(o)
	err := b.Cancel(b.Context(), login.Cancellation{Challenge: o.ID, Client: vpn, UserID: bob, Expires: b.clock.Now().Add(o.Life)})
	if err != nil {
		b.Fatalf("Cancel: %v", err)
	}
	if got := b.open(b.edit(o, "b@example.org")); !got.Closed || got.Fresh || got.Sequence != 0 || len(got.Record) != 0 {
		b.Errorf("%+v", got)
	}
}
