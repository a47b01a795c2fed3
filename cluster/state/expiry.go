package state

import (
	"encoding/binary"

	"sallyport/login"
)

// Forgetting is bounded per batch, so that a pause in traffic is not followed by a long apply:
// a constant, and for each command more than the one challenge that it can add.
const (
	forgetPerBatch   = 64
	forgetPerCommand = 2
)

const second = 1_000_000_000

// bucket is the challenges to be forgotten in one second, in the order in which they came. The
// slice is shared between roots: only the newest one is appended to, beyond what older ones see.
type bucket struct {
	second int64
	ids    []login.ChallengeID
	done   int // ids[:done] are forgotten
}

func (b *bucket) wire(w *wire) {
	w.int(1, &b.second)
	if !w.decoding {
		rest := make([]byte, 0, 16*(len(b.ids)-b.done))
		for _, id := range b.ids[b.done:] {
			rest = append(rest, id[:]...)
		}
		w.octets(2, &rest)
		return
	}
	var rest []byte
	w.octets(2, &rest)
	if len(rest)%16 != 0 {
		w.fail(2, "wrong length")
		return
	}
	for ; len(rest) > 0; rest = rest[16:] {
		b.ids = append(b.ids, login.ChallengeID(rest))
	}
}

// ceilSeconds rounds nanoseconds up to a second.
func ceilSeconds(t int64) int64 {
	s := t / second
	if t > s*second {
		s++
	}
	return s
}

// expiryKey sorts by time, also before 1970.
func expiryKey(sec int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(sec)^1<<63)
}

func (t *txn) queue(sec int64, id login.ChallengeID) {
	key := expiryKey(sec)
	next := &bucket{second: sec}
	if b, ok := t.expiriesTxn.Get(key); ok {
		*next = *b
	}
	next.ids = append(next.ids, id)
	t.expiriesTxn.Insert(key, next)
}

// forget forgets at most n challenges whose time has passed, oldest first.
func (t *txn) forget(n int) {
	for n > 0 {
		key, b, ok := t.expiriesTxn.Root().Minimum()
		if !ok || b.second > t.time/second {
			return
		}
		next := *b
		for ; n > 0 && next.done < len(next.ids); n-- {
			t.forgetChallenge(next.ids[next.done])
			next.done++
		}
		if next.done == len(next.ids) {
			t.expiriesTxn.Delete(key)
			continue
		}
		t.expiriesTxn.Insert(key, &next)
	}
}

func (t *txn) forgetChallenge(id login.ChallengeID) {
	c := t.challenge(id)
	if c == nil {
		return
	}
	for i := range c.Verdicts {
		request := c.Verdicts[i].Request
		if owner, ok := t.requests.get(tag(request)); ok && owner == id {
			t.requests.delete(t.edit, tag(request))
		}
	}
	if o := c.Opening; o != nil {
		if owner, ok := t.rejoins.get(tag(o.Rejoin)); ok && owner == id {
			t.rejoins.delete(t.edit, tag(o.Rejoin))
		}
	}
	t.verdicts -= uint64(len(c.Verdicts))
	t.challenges.delete(t.edit, tag(id))
}
