package state

import "encoding/binary"

// maxChallenges is how many challenges of one user are remembered; one more is refused until the oldest
// has served its time. Nobody begins so many in the minutes that they are kept, while someone who knows
// a password could fill the ledger.
const maxChallenges = 16

// decoyShare is the part of the ledger that decoys may fill: one in so many. It comes on top of what
// real logins may fill, so that they are never shed for decoys.
const decoyShare = 4

// room reports whether one more challenge may be kept, and what to say to a login if not. Nothing is
// given up to make room: not what was accepted, and not what was cancelled or used up either, since its
// State tokens would be good again.
func (t *txn) room(c *Challenge, capacity uint64) (refusal Result, ok bool) {
	kept, most := uint64(t.challenges.size)-t.decoys, capacity
	if c.Decoy {
		kept, most = t.decoys, capacity/decoyShare
	}
	switch {
	case capacity > 0 && kept >= most:
		return Result{Status: Full}, false
	case t.keptOf(c.keptKey()) >= maxChallenges:
		return Result{Status: Crowded}, false
	}
	return Result{}, true
}

// keptKey is under which the challenges of a user are counted. Decoys are counted apart: who does not
// know the password takes no room from who does. So are cancels of challenges that were never stored:
// to begin and cancel shuts nobody out.
func (c *Challenge) keptKey() tag {
	switch {
	case c.Closed == Cancelled && c.Opening == nil && len(c.Verdicts) == 0:
		return subjectKey("cancels", c.UserID)
	case c.Decoy:
		return subjectKey("decoys", c.UserID)
	}
	return userKey(c.UserID)
}

// pendingKey is under which the claims of a user whose outcome is awaited are counted.
func pendingKey(userID string) tag { return subjectKey("pending", userID) }

// enter counts a challenge that comes, from a command or a snapshot, with what it holds.
func (t *txn) enter(c *Challenge) {
	t.keep(c.keptKey(), 1)
	t.verdicts += uint64(len(c.Verdicts))
	if n := c.pending(); n > 0 {
		t.keep(pendingKey(c.UserID), n)
	}
	if c.Decoy {
		t.decoys++
	}
}

// leave is the opposite of enter.
func (t *txn) leave(c *Challenge) {
	t.keep(c.keptKey(), -1)
	t.verdicts -= uint64(len(c.Verdicts))
	if n := c.pending(); n > 0 {
		t.keep(pendingKey(c.UserID), -n)
	}
	if c.Decoy {
		t.decoys--
	}
}

// keptOf is how much is counted under a key.
func (t *txn) keptOf(key tag) uint64 {
	b, _ := t.kept.get(key)
	n, _ := binary.Uvarint(b)
	return n
}

// keep counts what comes under a key, or goes.
func (t *txn) keep(key tag, by int) {
	n := int(t.keptOf(key)) + by
	if n <= 0 {
		t.kept.delete(t.edit, key)
		return
	}
	var room [binary.MaxVarintLen64]byte
	t.kept.set(t.edit, key, binary.AppendUvarint(room[:0], uint64(n)))
}
