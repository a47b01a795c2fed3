package state

import (
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

// raise begins the second epoch.
func raise(floors ...Floor) *RaiseEpoch {
	return &RaiseEpoch{Previous: 1, Key: StateKey{ID: 2, Sealed: []byte("key 2")}, Floors: floors, Act: login.Tag{3}}
}

func TestAnotherEpochBegins(t *testing.T) {
	m := enrolled()
	m.apply(3, 7*second, []Command{
		answer(), candidate(), &Claim{Settle: *answer(another).(*Settle), Act: login.Tag{1}, Passcode: login.Tag{2}, Within: second},
		answer(wrong, func(c *Settle) { c.Challenge[0] = 3 }), &OpenWindow{Subject: "corp:1", Until: 90 * second},
		&Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}}, sendOne(1),
	})
	if s := m.View().Sizes(); s.Challenges < 4 || s.Verdicts < 3 || s.Tallies == 0 {
		t.Fatalf("sizes %+v", s)
	}
	if r := m.apply(4, 8*second, []Command{raise(Floor{"totp", 20}), raise()}); r[0].Status != Done || r[1].Status != Done {
		t.Errorf("%+v", r)
	}
	v := m.View()
	if got := v.Meta(); got.Epoch != 2 || len(got.Keys) != 1 || got.Keys[0].ID != 2 || got.Keys[0].Since != 8*second || v.Floor("totp") != 20 || v.Floor("sms") != 0 {
		t.Errorf("meta %+v", got)
	}
	want := Sizes{Users: 1, Learned: 1, Windows: 1, Tallies: 2}
	if got := v.Sizes(); got != want {
		t.Errorf("sizes %+v, want %+v", got, want)
	}
	if c := v.User("alice").Credential("totp"); c.Last != 10 || c.Failures != 1 || v.Window("corp:1") != 90*second {
		t.Errorf("what stays: %+v", c)
	}
	if o := m.apply(5, 8*second, []Command{answer()})[0].Outcome; o != (login.Outcome{Code: login.CodeStateInvalid}) {
		t.Errorf("a token of the first epoch: %+v", o)
	}
	if o := m.apply(6, 8*second, []Command{answer(inEpoch2)})[0].Outcome; o.Code != login.CodeOTPReplayed || o.Repeated {
		t.Errorf("the same answer in the second: %+v", o)
	}
	checkLeftovers(t, m)
}

// sendOne sends a code to alice in this epoch.
func sendOne(epoch uint32) Command {
	return &Open{
		ID: login.ChallengeID{9}, UserID: "alice", Client: "vpn", Factor: "sms", Epoch: epoch, Life: 300 * second,
		Send: &Send{Act: login.Tag{1}},
	}
}

// checkLeftovers lets everything expire, what was queued anew too.
func checkLeftovers(t *testing.T, m *Machine) {
	t.Helper()
	for range 10 {
		m.apply(m.View().Index()+1, m.View().Time()+2*day*second, nil)
	}
	r := m.now.Load()
	if s := m.View().Sizes(); s.Challenges+s.Tallies+s.Windows != 0 || len(r.expiries) != 0 || r.kept.size != 0 || r.passcodes.size != 0 {
		t.Errorf("left: %+v, %d in the queue", s, len(r.expiries))
	}
}

func TestAnEpochIsRaisedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		command *RaiseEpoch
		want    Status
		epoch   uint32
	}{
		"from the epoch":  {raise(), Done, 2},
		"from an earlier": {&RaiseEpoch{Key: raise().Key}, Conflict, 1},
		"from a later":    {&RaiseEpoch{Previous: 2, Key: raise().Key}, Conflict, 1},
		"without a key":   {&RaiseEpoch{Previous: 1}, Ignored, 1},
		"endless floors":  {raise(endless()...), Ignored, 1},
	} {
		m := foundedMachine()
		if got := m.apply(2, 0, []Command{c.command})[0].Status; got != c.want || m.View().Meta().Epoch != c.epoch {
			t.Errorf("%s: status %d, epoch %d", name, got, m.View().Meta().Epoch)
		}
	}
}

// endless are floors of more factors than may be.
func endless() []Floor {
	floors := make([]Floor, maxFloors+1)
	for i := range floors {
		floors[i] = Floor{string(rune('A' + i)), 1}
	}
	return floors
}

func TestFloorsNeverFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		want := map[string]uint64{}
		for epoch := range rapid.Uint32Range(1, 9).Draw(t, "epochs") {
			var floors []Floor
			for range rapid.IntRange(0, 4).Draw(t, "floors") {
				f := Floor{rapid.SampledFrom([]string{"sms", "totp", "email"}).Draw(t, "factor"), rapid.Uint64Range(0, 9).Draw(t, "number")}
				floors = append(floors, f)
				want[f.Factor] = max(want[f.Factor], f.Number)
			}
			m.apply(uint64(epoch+2), 0, []Command{&RaiseEpoch{Previous: epoch + 1, Key: raise().Key, Floors: floors}})
			for factor, number := range want {
				if got := m.View().Floor(factor); got != number {
					t.Fatalf("%s: %d, want %d", factor, got, number)
				}
			}
		}
	})
}

func TestNumbersUpToTheFloorAreUsed(t *testing.T) {
	bob := func(c *Settle) { c.UserID, c.Handle, c.Epoch, c.Version = "bob", login.Handle{2}, 0, 0 }
	for _, c := range []struct {
		name   string
		answer Command
		want   login.Outcome
	}{
		{"below", answer(inEpoch2, num(19)), left(login.CodeOTPReplayed, 3)},
		{"the floor", answer(inEpoch2, num(20)), left(login.CodeOTPReplayed, 3)},
		{"above", answer(inEpoch2, num(21)), login.Outcome{Code: login.CodeAccepted}},
		{"passing on", answer(inEpoch2, num(20), pass), left(login.CodeOTPReplayed, 3)},
		{"concealed", answer(inEpoch2, num(20), conceal), left(login.CodeOTPInvalid, 2)},
		{"a first registration", answer(inEpoch2, num(20), bob, register), left(login.CodeOTPReplayed, 3)},
		{"a first registration above", answer(inEpoch2, num(21), bob, register), login.Outcome{Code: login.CodeAccepted}},
		{"another registration", answer(inEpoch2, num(20), register), left(login.CodeOTPReplayed, 3)},
		{"another factor", answer(inEpoch2, num(1), func(c *Settle) { c.Factor, c.Version = "sms", 0 }), login.Outcome{Code: login.CodeAccepted}},
		{"wrong", answer(inEpoch2, wrong), left(login.CodeOTPInvalid, 2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := enrolled()
			m.apply(3, 0, []Command{raise(Floor{"totp", 20})})
			if got := m.apply(4, 0, []Command{c.answer})[0].Outcome; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
