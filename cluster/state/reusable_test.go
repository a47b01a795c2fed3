package state

import (
	"testing"

	"sallyport/login"
)

// pin is a claim of a passcode that may be right again, in a challenge of its own.
func pin(challenge, act byte) *Claim {
	return &Claim{
		Settle: *answer(func(c *Settle) {
			c.Challenge, c.Answer, c.Factor, c.Version, c.Number = login.ChallengeID{challenge}, login.Tag{challenge}, "securid", 0, 0
		}).(*Settle),
		Act: login.Tag{act}, Passcode: login.Tag{7}, Within: 20 * second, Reusable: true,
	}
}

// concluded is what became of a claim.
func concluded(c *Claim, v VerdictCode) *Conclude {
	d := &Conclude{Settle: c.Settle, Act: c.Act, Verdict: v}
	if v == VerdictPassed {
		d.Dialogue = []byte("sealed")
	}
	return d
}

// TestR3FreeWhenTheOutcomeIsKnown: a PIN is on its way once; each outcome leaves it free for the next login,
// also one that never comes, and also after a snapshot; in its own challenge it is forwarded once.
func TestR3FreeWhenTheOutcomeIsKnown(t *testing.T) {
	for _, end := range []VerdictCode{VerdictAccepted, VerdictRejected, VerdictPassed, VerdictMisconfigured, VerdictUnavailable, VerdictPending} {
		t.Run(string(end.Code()), func(t *testing.T) {
			m, now := enrolled(), int64(second)
			index := uint64(10)
			apply := func(c Command) login.Outcome {
				index++
				return m.apply(index, now, []Command{c})[0].Outcome
			}
			first := pin(1, 1)
			if o := apply(first); !o.Claimed {
				t.Fatalf("%+v", o)
			}
			if o := apply(pin(2, 2)); o.Code != login.CodeOTPReplayed {
				t.Errorf("while it is on its way: %+v", o)
			}
			again := pin(1, 3)
			if o := apply(again); !o.Pending {
				t.Errorf("the same answer while it is on its way: %+v", o)
			}
			if end != VerdictPending {
				apply(concluded(first, end))
			} else {
				now += 30 * second // its node has died
			}
			under2 := pin(1, 4)
			under2.Token = login.Tag{2}
			if o := apply(under2); o.Claimed || end == VerdictRejected && (o.Code != login.CodeSecurIDRejected || !o.Repeated) {
				t.Errorf("in the same challenge under another token: %+v", o)
			}
			m = restoredFrom(t, m.View())
			if o := apply(again); o.Claimed || o.Pending || !o.Repeated && end != VerdictPending {
				t.Errorf("the same answer: %+v", o)
			}
			if o := apply(pin(3, 5)); !o.Claimed {
				t.Errorf("another login: %+v", o)
			}
			once := pin(4, 6)
			once.Reusable = false
			if o := apply(once); o.Code != login.CodeOTPReplayed {
				t.Errorf("while it is on its way again: %+v", o)
			}
		})
	}
}

// A passcode that is good once stays taken.
func TestR3WhatIsGoodOnceIsForwardedOnce(t *testing.T) {
	m := enrolled()
	first := pin(1, 1)
	first.Reusable = false
	m.apply(10, second, []Command{first, concluded(first, VerdictRejected)})
	if o := m.apply(11, second, []Command{pin(2, 2)})[0].Outcome; o.Code != login.CodeOTPReplayed {
		t.Errorf("%+v", o)
	}
}
