package state

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

// TestOneUserCannotFillTheMachine opens and cancels as often as a user may, in each way that stores a
// challenge, and then once more.
func TestOneUserCannotFillTheMachine(t *testing.T) {
	open := func(n byte, user string) Command {
		return &Open{ID: login.ChallengeID{n}, UserID: user, Client: "vpn", Life: 120 * second, Keep: 40 * second}
	}
	cancel := func(n byte) Command {
		return &Cancel{Challenge: login.ChallengeID{n}, Client: "vpn", UserID: "alice", Epoch: 1, Expires: 120 * second, Keep: 40 * second}
	}
	settle := func(n byte) Command { return answer(func(c *Settle) { c.Challenge[0] = n }) }

	m := enrolled()
	for n := range byte(maxChallenges) {
		m.apply(3, 0, []Command{open(n+1, "alice"), cancel(n + 1)})
		m.apply(3, 0, []Command{cancel(100 + n)})
	}
	const next = maxChallenges + 1
	for name, c := range map[string]struct {
		command Command
		want    Status
	}{
		"open":                 {open(next, "alice"), Crowded},
		"cancel":               {cancel(next), Done}, // and is not stored
		"settle":               {settle(next), Crowded},
		"open what is known":   {open(1, "alice"), Done},
		"cancel what is known": {cancel(1), Done},
		"settle what is known": {settle(1), Done},
		"open for another":     {open(next+1, "bob"), Done},
	} {
		if got := m.apply(4, 0, []Command{c.command})[0].Status; got != c.want {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
	}
	if n := m.View().Sizes().Challenges; n != 2*maxChallenges+1 {
		t.Errorf("%d challenges are stored, want %d", n, 2*maxChallenges+1)
	}
	if got := m.apply(5, 0, []Command{settle(2)})[0].Outcome.Code; got != login.CodeStateInvalid {
		t.Errorf("an answer to a cancelled challenge: %s", got)
	}
	if got := m.apply(6, 160*second, []Command{open(next, "alice")})[0].Status; got != Done {
		t.Errorf("after the first ones were forgotten: status %d", got)
	}
	m.apply(7, 1000*second, nil)
	if n := m.now.Load().kept.size; n != 0 {
		t.Errorf("%d users still count", n)
	}
}

// TestWhatIsCountedIsThere compares what is counted as challenges come and go with the challenges.
func TestWhatIsCountedIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		for index := range rapid.IntRange(1, 60).Draw(t, "commands") {
			c := drawCommand(t)
			switch c := c.(type) {
			case *Claim:
				fit(&c.Settle, m.View().User("corp:1"))
				c.Act = login.Tag{1}
			case *Conclude:
				fit(&c.Settle, m.View().User("corp:1"))
				c.Act = login.Tag{1}
			}
			m.Apply(uint64(index+2), EncodeBatch(int64(4*index)*second, [][]byte{Encode(c)}))
			checkCounts(t, m)
		}
	})
}

// fit makes an answer one of few of a user's that are not stale.
func fit(c *Settle, user *User) {
	c.Challenge, c.Token, c.Answer, c.Request = login.ChallengeID{c.Challenge[0]}, login.Tag{1}, login.Tag{c.Answer[0]%2 + 1}, login.Tag{}
	c.UserID, c.Client, c.Factor, c.Epoch, c.Version = "corp:1", "vpn", "securid", user.epoch(), user.version("securid")
	c.Again, c.Expires, c.Limits.Capacity, c.Decoy = login.Tag{}, 200*second, 0, false
}

// checkCounts counts all challenges anew.
func checkCounts(t *rapid.T, m *Machine) {
	now := m.now.Load()
	counted := newTxn(now, m.edit+1, &m.wire)
	counted.kept, counted.verdicts, counted.decoys = tagMap{}, 0, 0
	now.challenges.walk(func(id tag, _ []byte) bool {
		counted.enter(counted.challenge(login.ChallengeID(id), "", ""))
		return true
	})
	if counted.verdicts != now.verdicts || counted.decoys != now.decoys || counted.kept.size != now.kept.size {
		t.Fatalf("%d, %d, %d counted, %d, %d, %d there", now.verdicts, now.decoys, now.kept.size, counted.verdicts, counted.decoys, counted.kept.size)
	}
	now.kept.walk(func(key tag, b []byte) bool {
		if there, _ := counted.kept.get(key); !bytes.Equal(there, b) {
			t.Fatalf("%x: %x counted, %x there", key, b, there)
		}
		return true
	})
}
