package state

import (
	"cmp"
	"slices"

	"sallyport/login"
)

// Forgetting is bounded per batch, so that a pause in traffic is not followed by a long apply:
// a constant, and for each command more than the challenge and the four tallies that it can add.
const (
	forgetPerBatch   = 64
	forgetPerCommand = 6
)

const second = 1_000_000_000

// seldomSeconds is the grid on which what is kept for long is looked at, at least once a day: so there
// are few buckets for it.
const seldomSeconds = day / 96

// expiries is the buckets in the order of their seconds: there are as many as a challenge is kept for,
// a few hundred, and a hundred more for what is kept for days. A published expiries never changes.
type expiries []*bucket

// bucket is the ids and keys of what is looked at in one second, and forgotten unless its time has been
// put off, in the order in which they came. Everything that is ever forgotten is in one bucket. The
// slice is shared between roots: only the newest one is appended to, beyond what older ones see.
type bucket struct {
	edit   uint64
	second int64
	ids    []tag
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
		b.ids = append(b.ids, tag(rest))
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

func (t *txn) queue(sec int64, id tag) {
	i, found := t.expiries.find(sec)
	if !found {
		t.putBucket(&bucket{edit: t.edit, second: sec, ids: []tag{id}})
		return
	}
	b := t.ownBucket(i)
	b.ids = append(b.ids, id)
}

// seldom is when something that is kept until then is looked at: on the grid, a day from now at the
// latest.
func (t *txn) seldom(then int64) int64 {
	then = min(max(then, t.time/second), t.time/second+day)
	return (then/seldomSeconds + 1) * seldomSeconds
}

// forget looks at up to n things whose time may have passed, oldest first, and forgets those for which
// it has.
func (t *txn) forget(n int) {
	for n > 0 && len(t.expiries) > 0 && t.expiries[0].second <= t.time/second {
		b := t.ownBucket(0)
		for ; n > 0 && b.done < len(b.ids); n-- {
			t.look(b.ids[b.done])
			b.done++
		}
		if b.done < len(b.ids) {
			return
		}
		t.expiries = t.expiries[1:]
	}
}

// look forgets what is under an id or a key, or puts it off.
func (t *txn) look(id tag) {
	now := t.time / second
	if c := t.challenge(login.ChallengeID(id), "", ""); c != nil {
		if c.Forget > now {
			t.queue(c.Forget, id)
			return
		}
		t.forgetChallenge(c)
		return
	}
	if _, ok := t.tallies.get(id); ok {
		if due := t.tally(id).due(); due > now {
			t.queue(t.seldom(due), id)
			return
		}
		t.tallies.delete(t.edit, id)
		return
	}
	if until, ok := t.window(id); ok {
		if until > t.time {
			t.queue(t.seldom(ceilSeconds(until)), id)
			return
		}
		t.windows.delete(t.edit, id)
	}
}
