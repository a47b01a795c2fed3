package state

import (
	"cmp"
	"slices"

	"sallyport/login"
)

// Forgetting is bounded per batch, so that a pause in traffic is not followed by a long apply:
// a constant, and for each command more than the one challenge that it can add.
const (
	forgetPerBatch   = 64
	forgetPerCommand = 2
)

const second = 1_000_000_000

// expiries is the buckets in the order of their seconds: there are as many as a challenge is kept for,
// a few hundred. A published expiries never changes.
type expiries []*bucket

// bucket is the challenges to be forgotten in one second, in the order in which they came. The
// slice is shared between roots: only the newest one is appended to, beyond what older ones see.
type bucket struct {
	edit   uint64
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

// ownBucket makes the bucket at i one that this transaction may change.
func (t *txn) ownBucket(i int) *bucket {
	if !t.ownExpiries {
		t.expiries, t.ownExpiries = slices.Clone(t.expiries), true
	}
	if t.expiries[i].edit != t.edit {
		b := *t.expiries[i]
		b.edit = t.edit
		t.expiries[i] = &b
	}
	return t.expiries[i]
}

// putBucket stores a bucket in its place, instead of what is there.
func (t *txn) putBucket(b *bucket) {
	i, found := t.expiries.find(b.second)
	if found {
		t.ownBucket(i)
		t.expiries[i] = b
		return
	}
	t.expiries, t.ownExpiries = slices.Insert(slices.Clone(t.expiries), i, b), true
}

func (e expiries) find(sec int64) (int, bool) {
	return slices.BinarySearchFunc(e, sec, func(b *bucket, sec int64) int { return cmp.Compare(b.second, sec) })
}

func (t *txn) queue(sec int64, id login.ChallengeID) {
	i, found := t.expiries.find(sec)
	if !found {
		t.putBucket(&bucket{edit: t.edit, second: sec, ids: []login.ChallengeID{id}})
		return
	}
	b := t.ownBucket(i)
	b.ids = append(b.ids, id)
}

// forget forgets at most n challenges whose time has passed, oldest first.
func (t *txn) forget(n int) {
	for n > 0 && len(t.expiries) > 0 && t.expiries[0].second <= t.time/second {
		b := t.ownBucket(0)
		for ; n > 0 && b.done < len(b.ids); n-- {
			t.forgetChallenge(b.ids[b.done])
			b.done++
		}
		if b.done < len(b.ids) {
			return
		}
		t.expiries = t.expiries[1:]
	}
}
