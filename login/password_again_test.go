package login_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sallyport/login"
)

// Two people hold the same conversation, and one of them types the password again wherever a code, a passcode, an
// address, a choice or a PIN is asked for: that shows in no other reply, nothing is sent, and the RSA server does not
// see it.
func TestR11ThePasswordAgainChangesNothing(t *testing.T) {
	const password = "correcthorse14" // which could be a passcode
	again := map[login.Step]int{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 11))
		policy := []string{"staff", "email", "sms", "all", "rsa", "rsa-or-totp", "directory"}[rng.IntN(7)]
		user := []string{"alice", "bob", "carol", "erin"}[rng.IntN(4)]
		worlds := [2]*world{newWorld(t), newWorld(t)}
		for _, w := range worlds {
			w.dir.users[user].password = password
			for _, step := range []login.Step{login.StepNewPIN, login.StepConfirmPIN} {
				w.rsa.next([]string{"asks"}, args{"step": string(step), "text": "PIN:"})
			}
		}
		var states [2][]string
		for range 12 {
			wait := time.Duration(rng.IntN(3)*20) * time.Second
			begin, at, text := len(states[0]) == 0 || rng.IntN(6) == 0, 0, ""
			if !begin {
				at = len(states[0]) - 1 - rng.IntN(min(len(states[0]), 2))
				text = []string{"", "r", "b", "000000", "000001", "totp", "y", "1", "a@mail.example", "sallyp00123456", "1234", "now"}[rng.IntN(12)]
			}
			insert := rng.IntN(2) == 0
			var told [2]string
			for n, w := range worlds {
				w.now = w.now.Add(wait)
				if begin {
					w.reply, w.err = w.engine.Begin(context.Background(), login.Request{
						Origin: login.Origin{Client: "vpn", Policy: policy, CallingStationID: "station"}, Username: user, Password: password,
					})
				} else {
					if n == 1 && insert {
						w.insertPassword(policy, user, states[n][at], password)
						again[w.events[len(w.events)-1].Step]++
					}
					typed := text
					if text == "now" {
						typed = "000002"
						if w.keys[user] != "" {
							typed = w.codeAt(user, 0)
						}
					}
					w.answerWith(policy, user, states[n][at], typed)
				}
				w.note()
				if w.reply.State != "" {
					states[n] = append(states[n], w.reply.State)
				}
				told[n] = fmt.Sprint(w.reply.Verdict, w.reply.Code, w.reply.Prompt.Step, w.reply.Prompt.AttemptsLeft, w.reply.Factor,
					w.reply.Registered, w.err != nil, w.events[len(w.events)-1].Code, w.taken(), len(w.rsa.seen))
			}
			if told[0] != told[1] {
				t.Fatalf("seed %d, %s at %s: after %q the password shows:\n%s\n%s", seed, user, policy, text, told[0], told[1])
			}
		}
	}
	for _, step := range []login.Step{
		login.StepChooseFactor, login.StepRegisterTOTP, login.StepRegisterAddress, login.StepConfirmAddress, login.StepOTP,
		login.StepPasscode, login.StepNewPIN, login.StepConfirmPIN,
	} {
		if again[step] < 3 {
			t.Errorf("the password came again %d times at %s: too little was tried", again[step], step)
		}
	}
}

// insertPassword types the password under a State.
func (w *world) insertPassword(policy, user, state, password string) {
	w.t.Helper()
	forwarded := len(w.rsa.seen)
	w.taken()
	w.answerWith(policy, user, state, password)
	if w.reply.Verdict == login.Accept {
		w.t.Errorf("the password let %s in in place of an answer", user)
	}
	if sent := w.taken(); sent != "0" || len(w.rsa.seen) != forwarded {
		w.t.Errorf("at the password %s messages were sent, and %d passcodes forwarded", sent, len(w.rsa.seen)-forwarded)
	}
}

func (w *world) answerWith(policy, user, state, text string) {
	w.reply, w.err = w.engine.Continue(context.Background(), login.Answer{
		Origin: login.Origin{Client: "vpn", Policy: policy, CallingStationID: "station"}, Username: user, State: state, Text: text,
	})
}
