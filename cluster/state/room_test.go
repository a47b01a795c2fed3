package state

import (
	"testing"

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
	}
	const next = maxChallenges + 1
	for name, c := range map[string]struct {
		command Command
		want    Status
	}{
		"open":                 {open(next, "alice"), Crowded},
		"cancel":               {cancel(next), Crowded},
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
