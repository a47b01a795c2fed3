package ledgertest

import (
	"fmt"
	"time"

	"sallyport/login"
)

// limitsOfSends are the tests of how much may be sent.
func limitsOfSends() map[string]func(*bench) {
	return map[string]func(*bench){
		"five codes an hour":                    hourly,
		"ten codes a day":                       daily,
		"an address, a country and all":         subjects,
		"hundreds of sends are counted":         countedByTheMinute,
		"what is told lasts longest":            twoReasons,
		"no bound is no bound":                  unbounded,
		"nobody's limits are kept for ever":     forgottenCounts,
		"a registration keeps what was counted": countsOutliveARegistration,
	}
}

func hourly(b *bench) {
	o := func() login.Opening {
		o := b.mail(bob)
		o.Send.Limits.User.Hour = 5
		return o
	}
	for n := range uint64(5) {
		b.send(o(), n+1)
		b.clock.Advance(time.Minute)
	}
	b.refuse(o(), login.CodeRateLimited, 55*time.Minute)
	b.clock.Advance(54*time.Minute + 59*time.Second) // 3599 s after the first
	b.refuse(o(), login.CodeRateLimited, time.Second)
	b.clock.Advance(2 * time.Second) // 3601 s
	b.send(o(), 6)
	b.refuse(o(), login.CodeResendTooSoon, time.Minute)
	b.clock.Advance(58 * time.Second) // 3659 s: the second still counts
	b.refuse(o(), login.CodeResendTooSoon, 2*time.Second)
	b.clock.Advance(2 * time.Second)
	b.send(o(), 7)
}

func daily(b *bench) {
	o := func() login.Opening {
		o := b.mail(bob)
		o.Send.Limits.User = login.SendRate{Hour: 5, Day: 10}
		return o
	}
	for n := range uint64(10) {
		b.send(o(), n+1)
		b.clock.Advance(2 * time.Hour)
	}
	b.clock.Advance(4*time.Hour - time.Second)
	b.refuse(o(), login.CodeRateLimited, time.Second)
	b.clock.Advance(2 * time.Second)
	b.send(o(), 11)
	b.refuse(o(), login.CodeRateLimited, 2*time.Hour-time.Second)
}

func subjects(b *bench) {
	users := 0
	// o sends to one more user; the first two of each kind are allowed.
	o := func(factor, address, country string) login.Opening {
		users++
		o := b.mail(fmt.Sprintf("corp:%d", users))
		o.Factor = factor
		o.Send.Destination, o.Send.Country = b.ring().AddressTag(factor, address), country
		return o
	}
	address := func(o login.Opening) login.Opening { o.Send.Limits.Destination.Hour = 2; return o }
	country := func(o login.Opening) login.Opening { o.Send.Limits.Country.Hour = 2; return o }
	global := func(o login.Opening) login.Opening { o.Send.Limits.Global.Hour = 3; return o }

	b.send(address(o("sms", "+92 300 1", "PK")), 1)
	b.send(address(o("sms", "+92 300 1", "PK")), 1)
	b.refuse(address(o("sms", "+92 300 1", "PK")), login.CodeRateLimited, time.Hour)
	b.refuse(country(o("sms", "+92 300 2", "PK")), login.CodeRateLimited, time.Hour)
	b.send(country(o("voice", "+92 300 2", "PK")), 1) // of another factor
	b.send(address(global(country(o("sms", "+966 50 1", "SA")))), 1)
	b.refuse(global(o("sms", "+966 50 2", "SA")), login.CodeRateLimited, time.Hour)
	b.send(global(o(email, "erin@example.org", "")), 1)
	b.clock.Advance(time.Hour)
	b.send(address(global(country(o("sms", "+92 300 1", "PK")))), 1)
}

func countedByTheMinute(b *bench) {
	const limit, users = 120, 40
	o := func(n int) login.Opening {
		o := b.mail(fmt.Sprintf("corp:%d", n%users))
		o.Send.Limits.Global.Hour, o.Send.Limits.Between = limit, 0
		return o
	}
	for n := range limit {
		if got := b.open(o(n)); !got.Fresh {
			b.Fatalf("send %d: %+v", n, got)
		}
		b.clock.Advance(20 * time.Second) // forty minutes in all
	}
	got := b.open(o(0))
	if in := got.SendAt.Sub(b.clock.Now()); got.Refusal != login.CodeRateLimited || in < 20*time.Minute || in > 21*time.Minute {
		b.Errorf("one more: %+v, in %v", got, in)
	}
	b.clock.Advance(21 * time.Minute)
	if got := b.open(o(0)); !got.Fresh {
		b.Errorf("after the first minute was over: %+v", got)
	}
}

func twoReasons(b *bench) {
	o := func() login.Opening {
		o := b.mail(bob)
		o.Send.Limits.User.Hour = 1
		return o
	}
	b.send(o(), 1)
	b.refuse(o(), login.CodeRateLimited, time.Hour)
	b.clock.Advance(time.Hour)
	more := o()
	more.Send.Limits.User.Hour = 9
	b.send(more, 2)
	more = o()
	more.Send.Limits.User.Hour = 9
	b.refuse(more, login.CodeResendTooSoon, time.Minute)
}

func unbounded(b *bench) {
	for n := range uint64(12) {
		o := b.mail(bob)
		o.Send.Limits = login.SendLimits{}
		b.send(o, n+1)
	}
}

func forgottenCounts(b *bench) {
	o := b.mail(bob)
	o.Send.Limits.User.Day = 1
	b.send(o, 1)
	b.clock.Advance(23 * time.Hour)
	o = b.mail(bob)
	o.Send.Limits.User.Day = 2
	b.send(o, 2)
	b.clock.Advance(22 * time.Hour) // the first does not count any more, the second does
	b.enrol(alice)
	b.enrol(alice)
	o = b.mail(bob)
	o.Send.Limits.User.Day = 1
	b.refuse(o, login.CodeRateLimited, 2*time.Hour)
	b.clock.Advance(2 * time.Hour)
	b.send(o, 3)
}

func countsOutliveARegistration(b *bench) {
	o := b.mail(bob)
	o.Send.Limits.User.Hour = 1
	b.send(o, 1)
	if err := b.Register(b.Context(), registrationOf(bob, email)); err != nil {
		b.Fatalf("Register: %v", err)
	}
	if err := b.Reset(b.Context(), bob, ""); err != nil {
		b.Fatalf("Reset: %v", err)
	}
	o = b.mail(bob)
	o.Send.Limits.User.Hour = 1
	b.refuse(o, login.CodeRateLimited, time.Hour)
	b.clock.Advance(time.Hour)
	b.send(o, 2) // nor does the number begin anew
}
