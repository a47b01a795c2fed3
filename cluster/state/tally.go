package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Windows in which sends are counted, in seconds.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// exactEntries is up to how many entries a tally is exact to the second. Beyond, what is of one minute
// becomes one entry, and what is older than an hour one for each hour: at most some ninety.
const exactEntries = 32

// tally counts the sends of one subject over a day.
type tally struct {
	entries []entry // the oldest first
	// newest and at are of the newest code of a user's factor that may have left; 0 when there is none.
	newest uint64
	at     int64
}

// entry is so many sends, at this second or before.
type entry struct {
	second int64
	count  uint64
}

func (y *tally) wire(w *wire) {
	list[entry](w, 2, &y.entries)
	number(w, 3, &y.newest)
	w.int(4, &y.at)
}

func (e *entry) wire(w *wire) {
	w.int(1, &e.second)
	number(w, 2, &e.count)
}

// subjectKey is under which a subject is stored; its parts are length-prefixed, so that no two
// subjects share a key.
func subjectKey(parts ...string) tag {
	var room [256]byte
	b := room[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return tag(sum[:16])
}

// ends is when an entry does not count any more in a window of so many seconds.
func (e entry) ends(window int64) int64 { return (e.second + window) * second }

// free is when one more send is allowed in any window of so many seconds; now, when it is already. A
// limit of 0 is no bound.
func (y *tally) free(limit uint32, window, now int64) int64 {
	var within uint64
	for _, e := range y.entries {
		if e.ends(window) > now {
			within += e.count
		}
	}
	at := now
	for _, e := range y.entries {
		if limit == 0 || within < uint64(limit) {
			break
		}
		if e.ends(window) > now {
			within -= e.count
			at = e.ends(window)
		}
	}
	return at
}

// add counts a send.
func (y *tally) add(now int64) {
	sec := ceilSeconds(now)
	live := y.entries[:0]
	for _, e := range y.entries {
		if e.ends(day) > now {
			live = append(live, e)
		}
	}
	if n := len(live); n > 0 && live[n-1].second == sec {
		live[n-1].count++
	} else {
		live = append(live, entry{sec, 1})
	}
	y.entries = live
	if len(live) > exactEntries {
		y.merge(sec)
	}
}

// merge makes entries coarser, to the later time: nothing is allowed earlier for it.
func (y *tally) merge(now int64) {
	merged := y.entries[:0]
	for _, e := range y.entries {
		if n := len(merged); n > 0 && together(merged[n-1].second, e.second, now) {
			merged[n-1] = entry{e.second, merged[n-1].count + e.count}
			continue
		}
		merged = append(merged, e)
	}
	y.entries = merged
}

// together reports whether entries of a and b, which is later, may be one.
func together(a, b, now int64) bool {
	if b <= now-hour {
		return a/hour == b/hour
	}
	return a/minute == b/minute
}

// stricter makes what is counted in any window of time the larger of both.
func (y *tally) stricter(o *tally) {
	all := slices.Concat(y.entries, o.entries)
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.second, b.second) })
	since := func(entries []entry, second int64) (n uint64) {
		for _, e := range entries {
			if e.second >= second {
				n += e.count
			}
		}
		return n
	}
	merged, later := []entry(nil), uint64(0)
	for i := len(all) - 1; i >= 0; i-- {
		sec := all[i].second
		if n := max(since(y.entries, sec), since(o.entries, sec)); n > later {
			merged = append(merged, entry{sec, n - later})
			later = n
		}
	}
	slices.Reverse(merged)
	y.entries = merged
	if n := len(merged); n > exactEntries {
		y.merge(merged[n-1].second)
	}
	if o.at > y.at {
		y.newest, y.at = o.newest, o.at
	}
}

// due is the second after which nothing counts any more.
func (y *tally) due() int64 {
	if len(y.entries) == 0 {
		return 0
	}
	return y.entries[len(y.entries)-1].second + day
}

// tally returns that of a subject, an empty one when nothing is stored.
func (t *txn) tally(key tag) *tally {
	y := &tally{}
	if b, ok := t.tallies.get(key); ok {
		mustDecode(t.wire, b, y)
	}
	return y
}

// putTally stores y, and sees to it that it is forgotten.
func (t *txn) putTally(key tag, y *tally) {
	if _, known := t.tallies.get(key); !known {
		t.queue(t.seldom(y.due()), key)
	}
	t.tallies.set(t.edit, key, t.wire.encode(y))
}

// keyedTally is a tally in a snapshot.
type keyedTally struct {
	key tag
	tally
}

func (k *keyedTally) wire(w *wire) {
	w.fixed(1, k.key[:])
	k.tally.wire(w)
}

func (t *txn) restoreTally(body []byte) error {
	k := &keyedTally{}
	if err := t.wire.decode(body, k); err != nil {
		return err
	}
	t.tallies.set(t.edit, k.key, t.wire.encode(&k.tally))
	return nil
}
