package state

import (
	"math/rand/v2"
	"testing"

	"sallyport/login"
)

// guess is a wrong answer of a login without a State, in a challenge of its own.
func guess(challenge, what byte, number uint64) *Settle {
	return answer(func(c *Settle) {
		c.Challenge, c.Guess, c.Number = login.ChallengeID{1: challenge, 2: 1}, login.Tag{what, 15: 1}, number
		c.Answer = login.Tag{what, challenge}
		c.Expires = int64(challenge)*100*second + 10*second
		c.Limits.SoftLock, c.Limits.HardLock = 0, 0
	}).(*Settle)
}

// TestR4CountsOncePerAnswer: whatever is sent, and however often, a credential has as many failures as it had
// different wrong answers since they were cleared, none of which is right meanwhile, and remembers so many.
func TestR4CountsOncePerAnswer(t *testing.T) {
	accepted := 0
	for seed := range uint64(50) {
		m, rng := enrolled(), rand.New(rand.NewPCG(seed, 4))
		wrong := map[byte]bool{}
		for i := range 200 {
			what := byte(rng.IntN(30) + 1)
			c := guess(byte(i), what, 0)
			if rng.IntN(6) == 0 {
				c.Number = uint64(100 + i)
			}
			r := m.apply(uint64(i+3), int64(i)*100*second, []Command{c})[0]
			switch repeated := wrong[what]; {
			case c.Number > 0 && !repeated:
				if r.Outcome.Code != login.CodeAccepted {
					t.Fatalf("seed %d, %d: a right answer: %+v", seed, i, r)
				}
				wrong = map[byte]bool{}
				accepted++
			case r.Outcome.Code != login.CodeOTPInvalid || r.Outcome.Repeated != repeated:
				t.Fatalf("seed %d, %d: wrong before: %v, number %d: %+v", seed, i, repeated, c.Number, r)
			default:
				wrong[what] = true
			}
			u := m.View().User("alice")
			if cred := u.Credential("totp"); int(cred.Failures) != len(wrong) || len(cred.Wrong) != len(wrong) {
				t.Fatalf("seed %d, %d: %d failures, %d remembered, want %d", seed, i, cred.Failures, len(cred.Wrong), len(wrong))
			}
		}
	}
	if accepted < 50 {
		t.Errorf("%d answers were right", accepted)
	}
}

func TestR4WhatIsRememberedIsBounded(t *testing.T) {
	m := enrolled()
	for i := range 200 {
		m.apply(uint64(i+3), int64(i)*100*second, []Command{guess(byte(i), byte(i), 0)})
	}
	u := m.View().User("alice")
	if cred := u.Credential("totp"); cred.Failures != 200 || len(cred.Wrong) != maxWrong || cred.Wrong[maxWrong-1] != (login.Tag{199, 15: 1}) {
		t.Errorf("%d failures, %d remembered", cred.Failures, len(cred.Wrong))
	}
}

// A client that reconnects every second takes no room for challenges, or it would shut its user out.
func TestR4TakesNoRoom(t *testing.T) {
	m := enrolled()
	for i := range 100 {
		c := guess(byte(i), 1, 0)
		c.Expires = int64(i)*second + 10*second
		r := m.apply(uint64(i+3), int64(i)*second, []Command{c})[0]
		if r.Status != Done && r.Outcome.Code != login.CodeOTPInvalid || r.Outcome.Repeated != (i > 0) || r.Outcome.AttemptsLeft != 2 {
			t.Fatalf("%d: %+v", i, r)
		}
		if n := m.View().Sizes().Challenges; n > 1 {
			t.Fatalf("%d challenges are remembered", n)
		}
	}
	for i := range 100 { // and while it is locked
		c := guess(byte(i+100), byte(i%2+1), 0)
		c.Limits = answer().(*Settle).Limits
		c.Expires = int64(100+i)*second + 10*second
		r := m.apply(uint64(i+200), int64(100+i)*second, []Command{c})[0]
		if i > 10 && (r.Status == Crowded || m.View().Sizes().Challenges > 8) {
			t.Fatalf("%d: %+v, %d challenges", i, r, m.View().Sizes().Challenges)
		}
	}
}

// Below level 3 nothing is remembered, or nodes of two releases would differ.
func TestNothingIsRememberedBelowLevel3(t *testing.T) {
	m := enrolledAt(2)
	for i := range 3 {
		c := guess(byte(i), 1, 0)
		c.Near = Near{Number: uint64(90 + i), Ahead: -120 * second}
		if r := m.apply(uint64(i+3), int64(i)*100*second, []Command{c})[0]; r.Outcome.Repeated || r.Outcome.Near {
			t.Errorf("%+v", r)
		}
	}
	u := m.View().User("alice")
	if cred := u.Credential("totp"); cred.Failures != 3 || cred.Wrong != nil || cred.Near != (Near{}) || cred.NearAt != 0 {
		t.Errorf("%+v", cred)
	}
	claim := &Claim{Settle: *guess(9, 9, 0), Act: login.Tag{1}, Passcode: login.Tag{2}, Within: second, Reusable: true}
	m.apply(20, 900*second, []Command{claim})
	m.apply(21, 900*second, []Command{&Conclude{Settle: claim.Settle, Act: claim.Act, Verdict: VerdictRejected}})
	next := &Claim{Settle: *guess(10, 10, 0), Act: login.Tag{3}, Passcode: login.Tag{2}, Within: second, Reusable: true}
	if r := m.apply(22, 901*second, []Command{next})[0]; r.Outcome.Code != login.CodeOTPReplayed {
		t.Errorf("a passcode is forwarded again below level 3: %+v", r)
	}
}

// TestD14TwoCodesOfOneClock: one wrong answer that would be right at another time tells nobody anything; a
// second one of another time, off by as much, does. What comes between begins anew.
func TestD14TwoCodesOfOneClock(t *testing.T) {
	type try struct {
		number  uint64
		ahead   int64
		conceal bool
		near    bool
	}
	for name, tries := range map[string][]try{
		"behind":            {{90, -120, false, false}, {91, -120, false, true}, {92, -120, false, true}},
		"a step between":    {{90, -120, false, false}, {91, -150, false, true}},
		"ahead":             {{90, 90, false, false}, {95, 90, false, true}},
		"another offset":    {{90, -120, false, false}, {93, 90, false, false}, {94, 90, false, true}},
		"the same code":     {{90, -120, false, false}, {90, -120, false, false}},
		"the same, later":   {{90, -120, false, false}, {90, -150, false, false}},
		"a guess between":   {{90, -120, false, false}, {0, 0, false, false}, {91, -120, false, false}},
		"concealed":         {{90, -120, true, false}, {91, -120, true, false}},
		"nothing was right": {{0, 0, false, false}, {0, 0, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			m := enrolled()
			for i, try := range tries {
				c := guess(byte(i), byte(i), 0)
				c.Guess = login.Tag{}
				c.Near, c.Conceal = Near{Number: try.number, Ahead: try.ahead * second}, try.conceal
				r := m.apply(uint64(2*i+3), int64(i)*100*second, []Command{c})[0]
				if r.Outcome.Near != try.near {
					t.Errorf("answer %d: %+v", i+1, r)
				}
				again := m.apply(uint64(2*i+4), int64(i)*100*second, []Command{c})[0]
				if want := r.Outcome; again.Outcome.Near != want.Near || !again.Outcome.Repeated {
					t.Errorf("answer %d again: %+v, before %+v", i+1, again, r)
				}
			}
			u := m.View().User("alice")
			last := tries[len(tries)-1]
			if cred := u.Credential("totp"); cred.Near.Number != last.number || (cred.NearAt != 0) != (last.number != 0) {
				t.Errorf("%+v", cred)
			}
			m.apply(50, 2000*second, []Command{&Unlock{UserID: "alice"}})
			u = m.View().User("alice")
			if cred := u.Credential("totp"); cred.Near != (Near{}) || cred.NearAt != 0 || cred.Wrong != nil {
				t.Errorf("unlocked: %+v", cred)
			}
		})
	}
}
