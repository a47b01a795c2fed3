package login_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"sallyport/login"
)

// ways are policies of the test that differ in the way to register alone; scripts know "all" as well.
var ways = []login.Registration{
	login.RegistrationFirstLogin, login.RegistrationDirectory, login.RegistrationInvited, login.RegistrationWindow, login.RegistrationClosed,
}

// TestS14EveryWayAtEveryStep registers under policies that are reloaded between any two answers, while
// the directory's address changes and windows open and close: whoever is registered was allowed to be by
// what held when it was committed. And S13: no key is shown in two logins that nothing tells apart.
func TestS14EveryWayAtEveryStep(t *testing.T) {
	completed := map[login.Registration]int{}
	refused := 0
	for seed := range uint64(400) {
		w, rng := newWorld(t), rand.New(rand.NewPCG(seed, 14))
		pick := func(from ...string) string { return from[rng.IntN(len(from))] }
		var open bool              // a window, for erin
		issued := rng.IntN(2) == 0 // an invitation
		addresses := []string{"erin@corp.example", "erin@example.net"}
		w.dir.users["erin"].user.Mail = addresses[0]
		if issued {
			w.issue("erin", login.CredentialInvitation, "24h", "")
		}
		way := ways[rng.IntN(len(ways))]
		var typed string
		shown := map[string]int{} // the login in which a key was shown
		logins, presented, alone := 0, false, rng.IntN(2) == 0
		for range 25 {
			switch rng.IntN(12) {
			case 0, 1:
				way = ways[rng.IntN(len(ways))]
			case 2:
				w.dir.users["erin"].user.Mail = pick(addresses...)
			case 3:
				until := w.now.Add(-time.Second)
				if open = !open; open {
					until = w.now.Add(time.Hour)
				}
				w.must(w.ledger.OpenWindow(context.Background(), "test:erin", until))
			}
			origin := login.Origin{Client: "vpn", Policy: "way-" + string(way)}
			if alone && way != login.RegistrationDirectory {
				origin.Policy += "-totp"
			}
			prompt := w.reply.Prompt
			if w.reply.Verdict != login.Challenge || rng.IntN(12) == 0 {
				logins++
				w.now = w.now.Add(time.Duration(rng.IntN(3)) * 20 * time.Second)
				w.reply, w.err = w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: "erin", Password: "right"})
				presented = false
			} else {
				a := login.Answer{Origin: origin, State: w.reply.State}
				switch {
				case prompt.Step == login.StepChooseFactor:
					a.Text = pick("1", "2", "3")
				case prompt.Step == login.StepRegisterAddress:
					typed = pick(append(addresses, "thief@example.org", "+15550001")...)
					a.Text = typed
				case prompt.Step == login.StepConfirmAddress:
					a.Text = "y"
				case w.reply.Factor == login.CredentialInvitation:
					a.Text, presented = w.issued[login.CredentialInvitation][0], true
				case w.reply.Factor == "totp":
					a.Text = w.code("erin", "now")
				case w.reply.Factor == "email" && len(w.mail.messages) > 0:
					a.Text = w.mail.code(0)
				case w.reply.Factor == "sms" && len(w.phone.messages) > 0:
					a.Text = w.phone.code(0)
				}
				if rng.IntN(8) == 0 {
					a.Action = login.Action(pick("resend", "edit-address", "use-factor"))
				}
				w.reply, w.err = w.engine.Continue(context.Background(), a)
			}
			w.must(w.err)
			if w.reply.Code == login.CodeNotPermitted {
				refused++
			}
			if key := w.reply.Prompt.SecretKey.Reveal(); key != "" {
				if in, ok := shown[key]; ok && in != logins {
					t.Fatalf("seed %d: the key of login %d is shown in login %d", seed, in, logins)
				}
				shown[key], w.keys["erin"] = logins, key
			}
			if !w.reply.Registered {
				continue
			}
			e, err := w.ledger.Enrolment(context.Background(), "test:erin")
			w.must(err)
			record, err := w.ledger.Record(context.Background(), e, w.reply.Factor)
			w.must(err)
			allowed := way == login.RegistrationFirstLogin || open && way != login.RegistrationClosed || presented && way != login.RegistrationClosed
			if way == login.RegistrationDirectory {
				allowed = w.reply.Factor == "email" && string(record) == w.dir.users["erin"].user.Mail
			}
			if !allowed {
				t.Fatalf("seed %d: under %q, window %v, invitation %v, %s %q was registered; the directory has %s",
					seed, way, open, presented, w.reply.Factor, record, w.dir.users["erin"].user.Mail)
			}
			completed[way]++
			break
		}
	}
	for _, way := range ways {
		if way != login.RegistrationClosed && completed[way] < 5 {
			t.Errorf("%q completed %d times: the test plays too little", way, completed[way])
		}
	}
	if refused < 50 {
		t.Errorf("%d registrations were refused: the test plays too little", refused)
	}
}
