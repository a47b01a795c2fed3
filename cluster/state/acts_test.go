package state

import (
	"testing"

	"sallyport/login"
)

// TestAnActThatComesAgainIsOne has between the two what the first must not undo.
func TestAnActThatComesAgainIsOne(t *testing.T) {
	again := &Register{UserID: "alice", Factor: "totp", Version: 1, Record: []byte("sealed anew")}
	learn := &Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}}
	act := login.Tag{1}
	bypass := &Grant{UserID: "alice", Factor: login.CredentialBypass, Codes: []OneTimeCode{{Tag: login.Tag{1}, Uses: 1}}, Act: act}
	useBypass := answer(func(c *Settle) { c.Factor, c.Code, c.Number = login.CredentialBypass, login.Tag{1}, 0 })
	for name, c := range map[string]struct {
		act     Command
		between []Command
		first   Result
		spared  func(View) bool
	}{
		"a reset, and a registration": {
			&Reset{UserID: "alice", Act: act}, []Command{again}, Result{Status: Done, Count: 1},
			func(v View) bool { return len(v.User("alice").Credential("totp").Record) > 0 },
		},
		"a reset of nobody, and a registration": {
			&Reset{UserID: "bob", Act: act, Handle: login.Handle{2}},
			[]Command{&Register{UserID: "bob", Factor: "totp", Record: []byte("sealed")}}, Result{Status: Done},
			func(v View) bool { return v.User("bob").epoch() == 2 },
		},
		"an unlock, and wrong answers": {
			&Unlock{UserID: "alice", Act: act}, []Command{answer(wrong)}, Result{Status: Done},
			func(v View) bool { return v.User("alice").Credential("totp").Failures == 1 },
		},
		"an unlock of nobody, and somebody": {
			&Unlock{UserID: "bob", Act: act}, []Command{&Register{UserID: "bob", Factor: "totp", Record: []byte("sealed")}},
			Result{Status: Unknown}, func(v View) bool { return v.User("bob").epoch() == 1 },
		},
		"a grant, and a code used": {
			bypass, []Command{useBypass}, Result{Status: Done},
			func(v View) bool { return len(v.User("alice").Credential("bypass").Codes) == 0 },
		},
		"a renewal, and a registration": {
			&Renew{UserID: "alice", Factor: "totp", Act: act}, []Command{again}, Result{Status: Done},
			func(v View) bool { return !v.User("alice").Credential("totp").Renew },
		},
		"a window, and its end": {
			&OpenWindow{Subject: "alice", Until: 9 * second, Act: act}, []Command{&OpenWindow{Subject: "alice"}}, Result{Status: Done},
			func(v View) bool { return v.Window("alice") == 0 },
		},
		"a forget, and a request": {
			&Forget{Client: "vpn", Act: act}, []Command{learn}, Result{Status: Done, Count: 1},
			func(v View) bool { return v.Learned("vpn", learn.Address, 0) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := enrolled()
			m.apply(3, 0, []Command{learn})
			first := m.apply(4, 0, []Command{c.act})[0]
			m.apply(5, 0, c.between)
			second := m.apply(6, 0, []Command{c.act})[0]
			if first != c.first || second != c.first {
				t.Errorf("first %+v, then %+v, want %+v", first, second, c.first)
			}
			if !c.spared(m.View()) {
				t.Error("it had its effect again")
			}
		})
	}
}

func TestTheOldestActsAreForgotten(t *testing.T) {
	m := foundedMachine()
	for i := range actsKept + 1 {
		m.apply(uint64(i+2), 0, []Command{&Forget{Client: "vpn", Act: login.Tag{1, byte(i)}}})
	}
	acts := m.now.Load().acts
	if len(acts) != actsKept || acts[0].id != (login.Tag{1, 1}) || acts[actsKept-1].id != (login.Tag{1, actsKept}) {
		t.Errorf("%d acts, from %x to %x", len(acts), acts[0].id, acts[len(acts)-1].id)
	}
}

// TestAResetWithoutAHandleStoresNobody: those of earlier programs have none, and a user without one
// could not answer a challenge.
func TestAResetWithoutAHandleStoresNobody(t *testing.T) {
	m := foundedMachine()
	if r := m.apply(2, 0, []Command{&Reset{UserID: "bob"}})[0]; r.Status != Unknown || m.View().User("bob") != nil {
		t.Errorf("%+v", r)
	}
}
