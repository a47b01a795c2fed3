package ledgertest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// administration are the tests of what administrators and the wire ask for.
func administration() map[string]func(*bench) {
	return map[string]func(*bench){
		"users are listed without secrets": listing,
		"nobody is not reset":              unknownUser,
		"registration needs everything":    incomplete,
		"a client's addresses are learned": learning,
		"keys name the cluster":            keys,
		"a record opens for its owner":     records,
	}
}

func listing(b *bench) {
	for i := range 5 {
		b.enrol(fmt.Sprintf("corp:%d", i))
	}
	if err := b.Reset(b.Context(), "corp:3", totp); err != nil {
		b.Fatalf("Reset: %v", err)
	}
	var ids []string
	for after := ""; ; {
		page, err := b.Users(b.Context(), after, 2)
		if err != nil {
			b.Fatalf("Users: %v", err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			ids = append(ids, u.UserID)
			cred, listed := u.Credentials[totp]
			if len(cred.Record) != 0 || listed == (u.UserID == "corp:3") {
				b.Errorf("%s is listed as %+v", u.UserID, u.Credentials)
			}
		}
		after = page[len(page)-1].UserID
	}
	slices.Sort(ids) // the order is the ledger's own
	if got := fmt.Sprint(ids); got != "[corp:0 corp:1 corp:2 corp:3 corp:4]" {
		b.Errorf("users %s", got)
	}
}

func unknownUser(b *bench) {
	b.enrol(alice)
	for _, err := range []error{
		b.Reset(b.Context(), bob, ""), b.Unlock(b.Context(), bob, ""),
		b.Reset(b.Context(), alice, "sms"), b.Unlock(b.Context(), alice, "sms"),
	} {
		if !errors.Is(err, login.ErrNotEnrolled) {
			b.Errorf("%v is not ErrNotEnrolled", err)
		}
	}
}

func incomplete(b *bench) {
	for _, r := range []cluster.Registration{
		{UserID: "", Factor: totp, Record: []byte("r")},
		{UserID: alice, Factor: "", Record: []byte("r")},
		{UserID: alice, Factor: totp},
	} {
		if err := b.Register(b.Context(), r); err == nil {
			b.Errorf("registered %+v", r)
		}
	}
}

func learning(b *bench) {
	signs, old, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.9")
	learn := func(client string, addr netip.Addr, sender byte, unsigned bool) {
		b.Helper()
		one := login.Lesson{Client: client, Address: addr, Sender: login.SenderTag{sender}, Unsigned: unsigned}
		if err := b.Learn(b.Context(), one); err != nil {
			b.Fatalf("Learn: %v", err)
		}
	}
	since := b.clock.Now()
	learn(vpn, old, 1, true)
	if b.Learned(vpn, old) {
		b.Error("what is not signed was taken for signed")
	}
	learn(vpn, signs, 2, false)
	learn("vpn2", signs, 2, false)
	b.clock.Advance(time.Hour)
	learn(vpn, netip.MustParseAddr("::ffff:192.0.2.1"), 3, false)
	for _, a := range []netip.Addr{signs, old, stranger} {
		if !b.Learned(vpn, a) || b.Learned("vp", a) {
			b.Errorf("%v: learned %v, by another name %v", a, b.Learned(vpn, a), b.Learned("vp", a))
		}
	}
	signed, unsigned := b.Sighted(vpn, signs)
	if !signed.Since.Equal(since) || signed.Seen.Before(since.Add(time.Hour)) || len(signed.Senders) != 2 || !unsigned.Seen.IsZero() {
		b.Errorf("sighted at %v: %+v, %+v", signs, signed, unsigned)
	}
	if signed, unsigned = b.Sighted(vpn, old); !signed.Seen.IsZero() || len(unsigned.Senders) != 1 {
		b.Errorf("sighted at %v: %+v, %+v", old, signed, unsigned)
	}
	all := b.LearnedAll()
	if len(all) != 3 || all[0].Client != vpn || all[0].Address != signs || all[0].Unsigned || !all[1].Unsigned {
		b.Errorf("LearnedAll: %v", all)
	}
	if n, err := b.Forget(b.Context(), vpn); n != 2 || err != nil {
		b.Errorf("Forget: %d, %v", n, err)
	}
	if b.Learned(vpn, signs) || !b.Learned("vpn2", signs) {
		b.Error("the wrong client was forgotten")
	}
	if err := b.Learn(b.Context(), login.Lesson{Client: vpn}); err == nil {
		b.Error("no address was learned")
	}
}

func keys(b *bench) {
	ring := b.ring()
	if ring.ClusterID() == "" || ring.Epoch() != 1 {
		b.Errorf("cluster %q, epoch %d", ring.ClusterID(), ring.Epoch())
	}
	if ring.Handle(alice) == ring.Handle(bob) {
		b.Error("two users have one handle")
	}
}

func records(b *bench) {
	b.enrol(alice)
	b.enrol(bob)
	e := b.enrolment(alice)
	if got := b.record(e); got != "the secret of "+alice {
		b.Errorf("record %q", got)
	}
	if got, err := b.Record(b.Context(), e, "sms"); len(got) != 0 || err != nil {
		b.Errorf("a factor that is not registered: %q, %v", got, err)
	}
	e.Credentials[totp] = b.enrolment(bob).Credentials[totp]
	if got, err := b.Record(b.Context(), e, totp); err == nil {
		b.Errorf("alice opened bob's record: %q", got)
	}
}
