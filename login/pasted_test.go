package login_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// paste writes a code as it may look after it was copied: other digits, and what nobody sees or needs
// before, between and behind them.
func paste(rng *rand.Rand, code string) string {
	const between = "\u200b\u200e\u2060\ufeff\u00ad\u202a\u202c\u2011\u2212\u00a0\u2009 -\t"
	put := []rune(between)
	zeros := []rune{'0', '0', '٠', '۰', '०', '０'}
	zero := zeros[rng.IntN(len(zeros))]
	var b strings.Builder
	for _, r := range code {
		for range rng.IntN(2) {
			b.WriteRune(put[rng.IntN(len(put))])
		}
		if r >= '0' && r <= '9' {
			r += zero - '0'
		}
		b.WriteRune(r)
	}
	return b.String() + string(put[rng.IntN(5)])
}

// TestR8EveryFactorReadsWhatWasPasted: in every mode and at every step that takes a code.
func TestR8EveryFactorReadsWhatWasPasted(t *testing.T) {
	for seed := range uint64(20) {
		w, rng := newWorld(t), rand.New(rand.NewPCG(seed, 8))
		w.enrol("carol", "email", []byte("carol@corp.example"))
		w.enrol("dave", "sms", []byte("+15550001"))
		at := func(what string, user, policy string, code func() string) {
			t.Helper()
			w.now = w.now.Add(2 * time.Minute)
			origin := login.Origin{Client: "vpn", Policy: policy}
			first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: user, Password: "right"})
			w.must(err)
			w.reply = first
			if first.Verdict == login.Challenge {
				w.note()
			}
			typed := paste(rng, code())
			reply, err := w.engine.Continue(t.Context(), login.Answer{Origin: origin, State: first.State, Text: typed})
			if err != nil || reply.Verdict != login.Accept && what != "invitation" || what == "invitation" && reply.Prompt.Step != login.StepRegisterTOTP {
				t.Errorf("%s: %q: %s %s (%v)", what, typed, reply.Verdict, reply.Code, err)
			}
		}
		atOnce := func(what string, mode login.Mode, digits int, text string) {
			t.Helper()
			origin := login.Origin{Client: "vpn", Policy: "staff", Mode: mode, AppendDigits: digits}
			reply, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: text})
			if err != nil || reply.Verdict != login.Accept {
				t.Errorf("%s: %q: %s %s (%v)", what, text, reply.Verdict, w.events[len(w.events)-1].Code, err)
			}
			w.now = w.now.Add(2 * time.Minute)
		}
		now := func() string { return w.codeAt("alice", 0) }
		at("app", "alice", "staff", now)
		at("email", "carol", "email", func() string { return w.mail.code(0) })
		at("SMS", "dave", "sms", func() string { return w.phone.code(0) })
		at("registration", "bob", "staff", func() string { return w.codeAt("bob", 0) })
		for _, kind := range []string{login.CredentialRecovery, login.CredentialBypass} {
			w.issue("alice", kind, "24h", "")
			at(kind, "alice", "staff", func() string { return w.issued[kind][0] })
		}
		w.issue("erin", login.CredentialInvitation, "24h", "")
		at("invitation", "erin", "invited", func() string { return w.issued[login.CredentialInvitation][0] })
		w.now = w.now.Add(2 * time.Minute)
		atOnce("comma", login.ModeAppend, 0, "right,"+paste(rng, now()))
		atOnce("digits", login.ModeAppend, 6, "right"+strings.TrimLeft(paste(rng, now()), " -\t\u00a0\u2009\u2011\u2212"))
		atOnce("code alone", login.ModeOTPOnly, 0, paste(rng, now()))
		w.rsa.next([]string{"accepts"}, nil)
		at("word", "alice", "staff", now)
	}
}

// TestFailuresAndForwards plays random logins, in challenges and in one request, again and again with the
// same few answers, at nodes that lag: no factor has more failures than there were different wrong answers,
// and what holds a tokencode is forwarded once, a PIN once in a login.
func TestFailuresAndForwards(t *testing.T) {
	accepts, repeats := 0, 0
	for seed := range uint64(60) {
		w, rng := newReplicatedWorld(t), rand.New(rand.NewPCG(seed, 34))
		passcodes := []string{"sallyp00111111", "sallyp00222222", "pinpinpinpinpi", "pizpizpizpizpi"}
		codes := []string{"111111", "222222", "111-111", "333333"}
		wrong := map[string]map[string]bool{"totp": {}, "securid": {}} // without a State
		inChallenge := map[string]uint32{}
		logins := map[string]int{} // forwards of a passcode by login
		for i := range 60 {
			w.now = w.now.Add([]time.Duration{time.Second, 40 * time.Second, 6 * time.Minute, 2 * time.Hour}[rng.IntN(4)])
			w.engine = w.replicas.engines[rng.IntN(serving)]
			user, policy, factor, text := "alice", "staff", "totp", codes[rng.IntN(len(codes))]
			if rng.IntN(2) == 0 {
				user, policy, factor, text = "erin", "rsa", "securid", passcodes[rng.IntN(len(passcodes))]
			}
			if rng.IntN(12) == 0 && factor == "totp" {
				text = w.codeAt("alice", 0)
			}
			if rng.IntN(12) == 0 {
				w.rsa.next([]string{"accepts"}, nil)
			}
			origin := login.Origin{Client: "vpn", Policy: policy, CallingStationID: []string{"", "198.51.100.7"}[rng.IntN(2)]}
			before := len(w.rsa.seen)
			atOnce := rng.IntN(3) > 0
			if origin.RequestKey = tagOf(fmt.Sprint("packet", i)); atOnce {
				origin.Mode = login.ModeAppend
				w.reply, w.err = w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: user, Password: "right," + text})
			} else if w.reply, w.err = w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: user, Password: "right"}); w.err == nil && w.reply.Verdict == login.Challenge {
				state := w.reply.State
				for range 1 + rng.IntN(2) { // the same again
					w.engine = w.replicas.engines[rng.IntN(serving)]
					w.reply, w.err = w.engine.Continue(context.Background(), login.Answer{Origin: login.Origin{Client: "vpn", Policy: policy}, State: state, Text: text})
				}
			}
			w.must(w.err)
			e := w.events[len(w.events)-1]
			if n := len(w.rsa.seen) - before; n > 1 {
				t.Fatalf("seed %d, %d: %q was forwarded %d times in one login", seed, i, text, n)
			} else if n == 1 {
				logins[text]++
				if strings.Contains(text, "00") && logins[text] > 1 && atOnce && wrong[factor][text] {
					t.Fatalf("seed %d, %d: %q was wrong, and is forwarded again", seed, i, text)
				}
			}
			if e.Repeated {
				repeats++
			}
			switch counted := e.Code == login.CodeOTPInvalid || e.Code == login.CodeSecurIDRejected || e.Code == login.CodeAttemptsExhausted; {
			case e.Code == login.CodeAccepted:
				accepts++
				wrong[factor], inChallenge[factor] = map[string]bool{}, 0
			case counted && atOnce:
				wrong[factor][strings.ReplaceAll(text, "-", "")] = true
			case counted:
				inChallenge[factor]++
			}
			w.must(w.ledger.Refresh(context.Background()))
			stored, err := w.ledger.Enrolment(context.Background(), "test:"+user)
			w.must(err)
			if got, most := stored.Credentials[factor].Failures, uint32(len(wrong[factor]))+inChallenge[factor]; got > most {
				t.Fatalf("seed %d, %d: %d failures, and only %d different wrong answers", seed, i, got, most)
			}
		}
	}
	if accepts < 50 || repeats < 50 {
		t.Errorf("%d accepts, %d repeats: the test plays too little", accepts, repeats)
	}
}
