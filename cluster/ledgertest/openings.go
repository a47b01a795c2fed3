package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// openings are the tests of challenges that are stored before they are answered.
func openings() map[string]func(*bench) {
	return map[string]func(*bench){
		"an opened challenge is found":              opened,
		"a repeated first request rejoins":          rejoins,
		"what has ended or changed is not rejoined": notRejoined,
		"an opened challenge registers":             openedRegisters,
		"a reset ends a first registration":         resetFirst,
		"nobody fills the ledger":                   crowded,
		"whoever begins and cancels may log in":     crowdedCancels,
	}
}

func gone(b *bench) context.Context {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	return ctx
}

// opening opens a registration for bob.
func (b *bench) opening() login.Opening {
	ring := b.ring()
	return login.Opening{
		ID: b.id(), UserID: bob, Name: "A. Person", Handle: ring.Handle(bob), Client: vpn, Factor: totp,
		Epoch: b.enrolment(bob).Epoch, Record: []byte("candidate"), Rejoin: ring.Tag(login.PurposeBegin, []byte("bob at vpn")),
		RejoinWithin: 30 * time.Second, Life: 10 * time.Minute, Keep: 40 * time.Second,
	}
}

func (b *bench) open(o login.Opening) login.Opened {
	b.Helper()
	got, err := b.Open(b.Context(), o)
	if err != nil {
		b.Fatalf("Open: %v", err)
	}
	return got
}

func opened(b *bench) {
	o := b.opening()
	if _, found, err := b.Opened(b.Context(), o.ID); found || err != nil {
		b.Fatalf("before it was opened: %v, %v", found, err)
	}
	b.open(o)
	got, found, err := b.Opened(b.Context(), o.ID)
	if err != nil || !found {
		b.Fatalf("Opened: %v, %v", found, err)
	}
	if got.ID != o.ID || got.UserID != bob || got.Client != vpn || got.Factor != totp || string(got.Record) != "candidate" {
		b.Errorf("Opened: %+v", got)
	}
	if want := b.clock.Now().Add(o.Life); !got.Expires.Equal(want) {
		b.Errorf("expires %v, want %v", got.Expires, want)
	}
	again := b.open(o) // the outcome of the first was not known
	if again.ID != o.ID || string(again.Record) != "candidate" {
		b.Errorf("opened again: %+v", again)
	}
	o.UserID = alice
	if _, err := b.Open(b.Context(), o); err == nil {
		b.Error("the id of another login was taken")
	}
	c := b.begin(bob)
	b.settle(c.answer(1, "111111", 0), wrong(2))
	left, found, err := b.Opened(b.Context(), c.base.Challenge)
	if err != nil || !found || left.Failures != 1 || left.Closed || len(left.Record) != 0 {
		b.Errorf("a challenge that was only answered: %+v, %v, %v", left, found, err)
	}
}

func rejoins(b *bench) {
	first := b.opening()
	b.open(first)
	b.clock.Advance(29 * time.Second)
	second := b.opening()
	second.Record = []byte("another candidate")
	got := b.open(second)
	if got.ID != first.ID || string(got.Record) != "candidate" {
		b.Errorf("rejoined: %+v", got)
	}
	b.clock.Advance(time.Second)
	if got := b.open(second); got.ID != second.ID || string(got.Record) != "another candidate" {
		b.Errorf("rejoined after its time: %+v", got)
	}
	third := b.opening()
	if got := b.open(third); got.ID != second.ID {
		b.Errorf("rejoined the older one: %+v", got)
	}
}

func notRejoined(b *bench) {
	o := b.opening()
	b.open(o)
	other := b.opening()
	other.Client = "another"
	if got := b.open(other); got.ID != other.ID {
		b.Error("another client rejoined")
	}
	o = b.opening()
	b.open(o)
	err := b.Cancel(b.Context(), login.Cancellation{Challenge: o.ID, Client: o.Client, UserID: bob, Expires: b.clock.Now().Add(o.Life)})
	if err != nil {
		b.Fatalf("Cancel: %v", err)
	}
	next := b.opening()
	if got := b.open(next); got.ID != next.ID {
		b.Error("a cancelled challenge was rejoined")
	}
	b.enrol(bob)
	last := b.opening()
	if got := b.open(last); got.ID != last.ID {
		b.Error("a challenge of an earlier epoch was rejoined")
	}
}

// resetFirst resets somebody while another has their registration open: first where the ledger has
// never seen the user, then where they have another factor.
func resetFirst(b *bench) {
	for _, factor := range []string{"", totp} {
		o := b.open(b.opening())
		c := b.begin(bob)
		if err := b.Reset(b.Context(), bob, factor); !errors.Is(err, login.ErrNotEnrolled) || !strings.Contains(err.Error(), "pending registrations were ended") {
			b.Errorf("Reset: %v", err)
		}
		c.base.Challenge, c.base.Expires = o.ID, o.Expires
		s := c.answer(1, "755224", 100)
		s.Register = o.Record
		b.settle(s, stale())
		if b.enrolment(bob).Credentials[totp].Registered() {
			b.Fatal("the registration was accepted")
		}
		err := b.Register(b.Context(), cluster.Registration{UserID: bob, Name: "Bob", Factor: "sms", Record: []byte("number")})
		if err != nil {
			b.Fatalf("Register: %v", err)
		}
	}
	o := b.open(b.opening())
	c := b.begin(bob)
	c.base.Challenge, c.base.Expires = o.ID, o.Expires
	s := c.answer(1, "755224", 100)
	s.Register = o.Record
	b.settle(s, accepted())
	if _, found, err := b.EnrolmentByHandle(b.Context(), b.ring().Handle(bob)); err != nil || !found {
		b.Errorf("bob by handle: %v, %v", found, err)
	}
}

func crowded(b *bench) {
	b.enrol(alice)
	for n := range uint64(16) {
		b.settle(b.begin(alice).answer(1, fmt.Sprint(n), 100+n), accepted())
	}
	if _, err := b.Settle(b.Context(), b.begin(alice).answer(1, "755224", 200)); !errors.Is(err, login.ErrFull) {
		b.Errorf("the seventeenth challenge: %v", err)
	}
	b.enrol(bob)
	b.settle(b.begin(bob).answer(1, "755224", 100), accepted())
	b.clock.Advance(2*time.Minute + 41*time.Second)
	b.settle(b.begin(alice).answer(1, "287082", 201), accepted())
}

// crowdedCancels begins and cancels far more often than a user may: that shuts nobody out.
func crowdedCancels(b *bench) {
	b.enrol(alice)
	cancel := func(capacity uint64) challenge {
		c := b.begin(alice)
		cancellation := c.cancellation()
		cancellation.Capacity = capacity
		if err := b.Cancel(b.Context(), cancellation); err != nil {
			b.Fatalf("Cancel: %v", err)
		}
		return c
	}
	for range 16 {
		b.settle(cancel(0).answer(1, "755224", 1), invalid())
	}
	b.settle(cancel(0).answer(1, "338314", 2), accepted()) // there was no room for the cancel
	for n := range uint64(15) {
		b.settle(b.begin(alice).answer(1, fmt.Sprint(n), 100+n), accepted())
	}
	b.clock.Advance(2*time.Minute + 41*time.Second)
	b.settle(cancel(0).answer(1, "755224", 300), invalid())
	b.settle(cancel(1).answer(1, "755224", 300), accepted()) // the ledger was full
}

func openedRegisters(b *bench) {
	o := b.open(b.opening())
	c := b.begin(bob)
	c.base.Challenge, c.base.Expires = o.ID, o.Expires
	s := c.answer(1, "111111", 0)
	s.Register = o.Record
	b.settle(s, wrong(2))
	if got, _, _ := b.Opened(b.Context(), o.ID); got.Failures != 1 {
		b.Errorf("%d failures, want 1", got.Failures)
	}
	s = c.answer(2, "755224", 100)
	s.Register = o.Record
	b.settle(s, accepted())
	if got := b.record(b.enrolment(bob)); got != "candidate" {
		b.Errorf("registered %q", got)
	}
	if got, found, err := b.Opened(b.Context(), o.ID); err != nil || !found || !got.Closed || len(got.Record) != 0 {
		b.Errorf("the candidate outlives its registration: %+v, %v, %v", got, found, err)
	}
	b.clock.Advance(11 * time.Minute)
	b.settle(b.begin(bob).answer(1, "287082", 101), accepted()) // any command forgets what is due
	if _, found, err := b.Opened(b.Context(), o.ID); found || err != nil {
		b.Errorf("not forgotten: %v, %v", found, err)
	}
}
