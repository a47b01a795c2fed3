package admin

import (
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

func TestAKeyIsHandedOverOnce(t *testing.T) {
	d := startDaemon(t)
	r, err := d.Enrol(t.Context(), EnrolAct{UserAct: UserAct{User: "bob", Factor: "totp"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.SecretKey != "KEY" || r.OTPAuthURI != "otpauth://totp/bob" || r.Replaced || !r.User.Factors[0].Registered {
		t.Errorf("got %+v", r)
	}
	if string(d.users.stored["corp:b2"].Credentials["totp"].Record) != "canary-record" {
		t.Errorf("stored %+v", d.users.stored["corp:b2"])
	}
	if text := d.log.String(); strings.Contains(text, "canary") || strings.Contains(text, "otpauth") ||
		!strings.Contains(text, `act="user enrol" outcome=done`) || !strings.Contains(text, "factor=totp replaced=false") {
		t.Errorf("log %s", text)
	}
	if want := (told{"bob", "totp", "an administrator", login.NoticeRegistered, false}); len(d.told) != 1 || d.told[0] != want {
		t.Errorf("told %v", d.told)
	}
	again, err := d.Enrol(t.Context(), EnrolAct{UserAct: UserAct{User: "bob", Factor: "totp"}})
	if err != nil || !again.Replaced || d.told[1].kind != login.NoticeReplaced {
		t.Errorf("again: %+v, %v, told %v", again, err, d.told)
	}
}

func TestAnAddressIsTheOneGivenOrTheDirectorys(t *testing.T) {
	d := startDaemon(t)
	d.factors["email"] = fakeSender{held: "bob@corp.example"}
	for given, want := range map[string]string{"": "bob@corp.example", "Bob@Home.example": "bob@home.example"} {
		r, err := d.Enrol(t.Context(), EnrolAct{UserAct: UserAct{User: "bob", Factor: "email"}, Address: given})
		if err != nil {
			t.Fatal(err)
		}
		stored := string(d.users.stored["corp:b2"].Credentials["email"].Record)
		if r.Address != want || stored != want || r.SecretKey != "" || r.User.Factors[0].Address != "b…" {
			t.Errorf("%q: got %+v, stored %s", given, r, stored)
		}
	}
	if text := d.log.String(); strings.Contains(text, "@") || strings.Count(text, "factor=email") != 2 || strings.Count(text, "address=b…") != 2 {
		t.Errorf("the audit does not hold the masked address, or holds another: %s", text)
	}
}

func TestWhatCannotBeEnrolledIsRefused(t *testing.T) {
	d := startDaemon(t)
	for name, tt := range map[string]struct {
		user, factor, address, want string
	}{
		"no factor":               {"bob", "", "", `no factor "" is configured (configured are: email, securid, totp)`},
		"an unknown factor":       {"bob", "sms", "", `no factor "sms" is configured`},
		"one managed elsewhere":   {"bob", "securid", "", "securid is not registered here"},
		"no address":              {"bob", "email", "", "the directory holds no address for email (give --address)"},
		"a wrong address":         {"bob", "email", "bob", "--address: this address cannot be used: it has no @"},
		"an address for a key":    {"bob", "totp", "a@b", "totp sends nothing"},
		"somebody who has left":   {"carol", "totp", "", "no directory knows Carol"},
		"somebody who is unknown": {"mallory", "totp", "", "no user is known"},
	} {
		_, err := d.Enrol(t.Context(), EnrolAct{UserAct: UserAct{User: tt.user, Factor: tt.factor}, Address: tt.address})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.users.acts) > 0 {
		t.Errorf("acts %v", d.users.acts)
	}
}

func TestTheNewestSendIsShown(t *testing.T) {
	d := startDaemon(t)
	id := login.ChallengeID{1}
	alice := d.users.stored["corp:a1"]
	alice.Credentials["email"] = login.Credential{Factor: "email", Version: 3, Record: []byte("alice@corp.example"), Challenge: id}
	d.users.opened = map[login.ChallengeID]login.Opened{id: {Sends: []login.Sent{
		{At: clock.Add(-time.Hour)}, {At: clock.Add(-time.Minute), Failed: true},
	}}}
	r, err := d.User(t.Context(), "alice", "")
	if err != nil {
		t.Fatal(err)
	}
	f := r.User.Factors[0]
	if f.Address != "a…" || f.Sent == nil || !f.Sent.Equal(clock.Add(-time.Minute)) || !f.SendFailed {
		t.Errorf("got %+v", f)
	}
	alice.Credentials["email"] = login.Credential{Factor: "email", Version: 3, Record: []byte("canary")}
	if r, err = d.User(t.Context(), "alice", ""); err != nil || len(r.Notes) != 1 || strings.Contains(r.Notes[0], "canary") {
		t.Errorf("a record of another time: %+v, %v", r, err)
	}
}
