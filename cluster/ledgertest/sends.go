package ledgertest

import (
	"sync"
	"sync/atomic"
	"time"

	"sallyport/login"
)

// sends are the tests of codes that are sent.
func sends() map[string]func(*bench) {
	return map[string]func(*bench){
		"a send is numbered for the user's factor":          numberedSends,
		"the same request sends once":                       sendsOnce,
		"a fail-over's second first request sends nothing":  failoverSendsNothing,
		"one of many at a time sends":                       manySends,
		"a send that failed makes way for another":          failedSend,
		"a failure that comes late frees nothing":           lateFailure,
		"a challenge lives from its last send":              livesFromTheLastSend,
		"a send number is accepted once":                    sentNumbers,
		"nothing is sent for a challenge that has moved on": staleSend,
		"an old send gives way to the newest":               manyInOneChallenge,
	}
}

const email = "email"

// mail opens a challenge of five minutes in which a code is sent to the user's address, one a minute.
func (b *bench) mail(userID string) login.Opening {
	b.Helper()
	ring := b.ring()
	return login.Opening{
		ID: b.id(), UserID: userID, Name: "A. Person", Handle: ring.Handle(userID), Client: vpn, Factor: email,
		Epoch: b.enrolment(userID).Epoch, Life: 5 * time.Minute, Keep: 40 * time.Second,
		Send: &login.Send{
			Act: b.tag(), Destination: ring.AddressTag(email, userID+"@example.org"),
			Limits: login.SendLimits{Between: time.Minute},
		},
	}
}

// resend asks for another code in the challenge, as a new request.
func (b *bench) resend(o login.Opening) login.Opening {
	send := b.mail(o.UserID).Send
	if o.Send != nil {
		send.Limits = o.Send.Limits
	}
	o.Key, o.Record, o.Send = b.tag(), nil, send
	return o
}

// send opens o and expects that its code is to be delivered, with this number.
func (b *bench) send(o login.Opening, number uint64) login.Opened {
	b.Helper()
	got := b.open(o)
	if !got.Fresh || got.Refusal != "" || got.Stale || got.ID != o.ID || len(got.Sends) == 0 {
		b.Fatalf("not sent: %+v", got)
	}
	want := login.Sent{Factor: o.Factor, Number: number, At: b.clock.Now()}
	if last := got.Sends[len(got.Sends)-1]; last.Number != want.Number || last.Factor != want.Factor || !last.At.Equal(want.At) || last.Failed {
		b.Fatalf("sent %+v, want %+v", last, want)
	}
	return got
}

// refuse opens o and expects that nothing is sent before the given time from now.
func (b *bench) refuse(o login.Opening, why login.Code, in time.Duration) login.Opened {
	b.Helper()
	got := b.open(o)
	if got.Fresh || got.Refusal != why || !got.SendAt.Equal(b.clock.Now().Add(in)) {
		b.Fatalf("%+v, want %s for %v", got, why, in)
	}
	return got
}

func numberedSends(b *bench) {
	first := b.mail(bob)
	b.send(first, 1)
	b.clock.Advance(59 * time.Second)
	early := b.mail(bob)
	b.refuse(early, login.CodeResendTooSoon, time.Second)
	if _, found, err := b.Opened(b.Context(), early.ID); found || err != nil {
		b.Errorf("a challenge without a code is stored: %v, %v", found, err)
	}
	b.refuse(b.resend(first), login.CodeResendTooSoon, time.Second)
	b.clock.Advance(time.Second)
	second := b.mail(bob)
	b.send(second, 2)
	b.clock.Advance(61 * time.Second)
	if got := b.send(b.resend(first), 3); len(got.Sends) != 2 || got.Sends[0].Number != 1 {
		b.Errorf("sends of the first challenge: %+v", got.Sends)
	}
	cred := b.enrolment(bob).Credentials[email]
	if cred.Challenge != first.ID || cred.Registered() || cred.Version != 0 {
		b.Errorf("credential: %+v", cred)
	}
	if got, found, err := b.EnrolmentByHandle(b.Context(), first.Handle); !found || err != nil || got.Epoch != 0 || got.Name != "A. Person" {
		b.Errorf("by handle: %+v, %v, %v", got, found, err)
	}
	other := b.mail(bob)
	other.Factor = "sms"
	b.send(other, 1) // another factor counts for itself
}

func sendsOnce(b *bench) {
	first := b.mail(bob)
	b.send(first, 1)
	b.send(first, 1) // its outcome was not known
	b.clock.Advance(time.Minute)
	again := b.resend(first)
	b.send(again, 2)
	b.send(again, 2)
	b.clock.Advance(time.Minute)
	elsewhere := again
	elsewhere.Send = b.resend(first).Send // another node has the same packet
	if got := b.open(elsewhere); got.Fresh || got.Refusal != "" || len(got.Sends) != 2 {
		b.Errorf("the same request sent again: %+v", got)
	}
	b.send(b.resend(first), 3)
	if got := b.open(again); got.Fresh || len(got.Sends) != 3 {
		b.Errorf("what was sent before is to be delivered again: %+v", got)
	}
	stranger := b.resend(first)
	stranger.Client = "another"
	if _, err := b.Open(b.Context(), stranger); err == nil {
		b.Error("another client sent a code")
	}
}

func failoverSendsNothing(b *bench) {
	tag := b.ring().Tag(login.PurposeBegin, []byte("bob at vpn"))
	first, second := b.mail(bob), b.mail(bob)
	for _, o := range []*login.Opening{&first, &second} {
		o.Rejoin, o.RejoinWithin = tag, 30*time.Second
	}
	b.send(first, 1)
	b.clock.Advance(29 * time.Second)
	got := b.open(second)
	if got.ID != first.ID || got.Fresh || got.Refusal != "" || len(got.Sends) != 1 {
		b.Errorf("the second node sent: %+v", got)
	}
	b.clock.Advance(time.Second)
	b.refuse(second, login.CodeResendTooSoon, 30*time.Second)
}

func manySends(b *bench) {
	const logins = 12
	openings := make([]login.Opening, logins)
	for i := range openings {
		openings[i] = b.mail(bob)
	}
	var fresh, refused atomic.Int32
	var all sync.WaitGroup
	for _, o := range openings {
		all.Go(func() {
			got, err := b.Open(b.Context(), o)
			switch {
			case err == nil && got.Fresh:
				fresh.Add(1)
			case err == nil && got.Refusal == login.CodeResendTooSoon:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 || refused.Load() != logins-1 {
		b.Errorf("%d sent and %d refused of %d", fresh.Load(), refused.Load(), logins)
	}
}

// failure says that a code of o did not leave.
func failure(o login.Opening, number uint64) login.SendFailure {
	return login.SendFailure{Challenge: o.ID, Client: o.Client, UserID: o.UserID, Factor: o.Factor, Number: number}
}

func (b *bench) sendFailed(f login.SendFailure) {
	b.Helper()
	for range 2 { // the outcome of the first was not known
		if err := b.SendFailed(b.Context(), f); err != nil {
			b.Fatalf("SendFailed: %v", err)
		}
	}
}

func failedSend(b *bench) {
	o := b.mail(bob)
	o.Send.Limits.User.Hour = 3
	b.send(o, 1)
	b.sendFailed(failure(o, 2)) // nobody knows it
	b.refuse(b.resend(o), login.CodeResendTooSoon, time.Minute)
	stranger := failure(o, 1)
	stranger.Client = "another"
	b.sendFailed(stranger)
	b.refuse(b.resend(o), login.CodeResendTooSoon, time.Minute)
	b.sendFailed(failure(o, 1))
	if got, _, err := b.Opened(b.Context(), o.ID); err != nil || !got.Sends[0].Failed {
		b.Errorf("not marked: %+v, %v", got, err)
	}
	next := b.mail(bob) // another challenge of the user may send, too
	next.Send.Limits = o.Send.Limits
	b.send(next, 2)
	b.sendFailed(failure(next, 2))
	b.send(b.resend(o), 3)
	b.sendFailed(failure(o, 3))
	b.refuse(b.resend(o), login.CodeRateLimited, time.Hour) // what failed was tried
}

func lateFailure(b *bench) {
	o := b.mail(bob)
	b.send(o, 1)
	b.clock.Advance(time.Minute)
	b.send(b.resend(o), 2)
	b.sendFailed(failure(o, 1))
	b.refuse(b.resend(o), login.CodeResendTooSoon, time.Minute)
}

func livesFromTheLastSend(b *bench) {
	o := b.mail(bob)
	b.send(o, 1)
	b.clock.Advance(4 * time.Minute)
	got := b.send(b.resend(o), 2)
	if want := b.clock.Now().Add(o.Life); !got.Expires.Equal(want) {
		b.Errorf("expires %v, want %v", got.Expires, want)
	}
	b.clock.Advance(5 * time.Minute)
	if got := b.open(b.resend(o)); !got.Fresh {
		b.Errorf("at its very end: %+v", got)
	}
	b.clock.Advance(5*time.Minute + time.Second)
	if got := b.open(b.resend(o)); got.Fresh || got.Refusal != "" || len(got.Sends) != 3 {
		b.Errorf("sent after its end: %+v", got)
	}
	b.clock.Advance(40 * time.Second)
	b.enrol(alice) // any command forgets what is due
	if _, found, err := b.Opened(b.Context(), o.ID); found || err != nil {
		b.Errorf("not forgotten: %v, %v", found, err)
	}
}

func sentNumbers(b *bench) {
	err := b.Register(b.Context(), registrationOf(bob, email))
	if err != nil {
		b.Fatalf("Register: %v", err)
	}
	o := b.mail(bob)
	b.send(o, 1)
	b.clock.Advance(time.Minute)
	b.send(b.resend(o), 2)
	c := b.beginWith(bob, email)
	c.base.Challenge, c.base.Expires = o.ID, b.clock.Now().Add(5*time.Minute)
	b.settle(c.answer(1, "000000", 0), wrong(2))
	b.settle(c.answer(1, "755224", 2), accepted())
	b.settle(c.answer(1, "755224", 2), again(accepted()))
	b.clock.Advance(time.Minute)
	next := b.mail(bob)
	b.send(next, 3)
	d := b.beginWith(bob, email)
	d.base.Challenge, d.base.Expires = next.ID, b.clock.Now().Add(5*time.Minute)
	b.settle(d.answer(1, "287082", 1), replayed(3)) // older than the last one accepted
	b.settle(d.answer(2, "359152", 3), accepted())
	if cred := b.enrolment(bob).Credentials[email]; cred.Last != 3 {
		b.Errorf("last number %d, want 3", cred.Last)
	}
}

func staleSend(b *bench) {
	o := b.mail(bob)
	b.send(o, 1)
	b.enrol(bob)
	b.clock.Advance(time.Minute)
	if got := b.open(b.resend(o)); !got.Stale || got.Fresh || len(got.Sends) != 1 {
		b.Errorf("sent in a challenge of an earlier epoch: %+v", got)
	}
	late := b.mail(bob)
	late.Epoch--
	if got := b.open(late); !got.Stale || got.Fresh {
		b.Errorf("began on an earlier epoch: %+v", got)
	}
	if _, found, err := b.Opened(b.Context(), late.ID); found || err != nil {
		b.Errorf("and was stored: %v, %v", found, err)
	}
	sequence := b.resend(b.mail(bob))
	b.send(sequence, 2)
	sequence = b.resend(sequence)
	sequence.Sequence = 1
	if got := b.open(sequence); !got.Stale || got.Fresh {
		b.Errorf("sent to a candidate that there is not: %+v", got)
	}
}

func manyInOneChallenge(b *bench) {
	o := b.mail(bob)
	var got login.Opened
	for n := range uint64(20) {
		got = b.send(b.resend(o), n+1)
		b.clock.Advance(time.Minute)
	}
	if len(got.Sends) != 16 || got.Sends[0].Number != 5 {
		b.Errorf("%d sends, the first %+v", len(got.Sends), got.Sends[0])
	}
}
