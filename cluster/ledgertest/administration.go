package ledgertest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

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
	addresses := []netip.Addr{
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("2001:db8::1"),
	}
	since := b.clock.Now()
	for _, a := range addresses {
		if b.Learned(vpn, a) {
			b.Errorf("%v is learned already", a)
		}
		if err := b.Learn(b.Context(), vpn, a); err != nil {
			b.Fatalf("Learn: %v", err)
		}
	}
	if err := b.Learn(b.Context(), "vpn2", addresses[0]); err != nil {
		b.Fatalf("Learn: %v", err)
	}
	b.clock.Advance(1)
	if err := b.Learn(b.Context(), vpn, netip.MustParseAddr("::ffff:192.0.2.1")); err != nil {
		b.Fatalf("Learn: %v", err)
	}
	for _, a := range addresses {
		if !b.Learned(vpn, a) || b.Learned("vp", a) {
			b.Errorf("%v: learned %v, by another name %v", a, b.Learned(vpn, a), b.Learned("vp", a))
		}
	}
	all := b.LearnedAll()
	if len(all) != 4 || all[0] != (cluster.LearnedClient{Client: vpn, Address: addresses[0], Since: since}) {
		b.Errorf("LearnedAll: %v", all)
	}
	if n, err := b.Forget(b.Context(), vpn); n != 3 || err != nil {
		b.Errorf("Forget: %d, %v", n, err)
	}
	if b.Learned(vpn, addresses[0]) || !b.Learned("vpn2", addresses[0]) {
		b.Error("the wrong client was forgotten")
	}
	if err := b.Learn(b.Context(), vpn, netip.Addr{}); err == nil {
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
