package state

import (
	"slices"
	"strings"
)

// maxFloors bounds the factors that have a floor.
const maxFloors = 64

// Floor is the highest number of a factor that counts as used for everybody: which ones were used is not
// known any more.
type Floor struct {
	Factor string
	Number uint64
}

func (f *Floor) wire(w *wire) {
	w.str(1, &f.Factor)
	number(w, 2, &f.Number)
}

// Floor is the highest number of a factor that counts as used for everybody, 0 where there is none.
func (v View) Floor(factor string) uint64 { return v.root.meta.floor(factor) }

func (m *Meta) floor(factor string) (highest uint64) {
	for i := range m.Floors {
		if f := &m.Floors[i]; f.Factor == factor {
			highest = max(highest, f.Number)
		}
	}
	return highest
}

// raised are floors with more of them: a floor never falls.
func raised(floors, more []Floor) []Floor {
	floors = slices.Clone(floors)
	for _, f := range more {
		i, ok := slices.BinarySearchFunc(floors, f.Factor, func(f Floor, factor string) int {
			return strings.Compare(f.Factor, factor)
		})
		if ok {
			floors[i].Number = max(floors[i].Number, f.Number)
			continue
		}
		floors = slices.Insert(floors, i, f)
	}
	return floors
}

// apply begins another epoch; see [RaiseEpoch].
func (c *RaiseEpoch) apply(t *txn) Result {
	return t.once(c.Act, func() Result { return c.raise(t) })
}

func (c *RaiseEpoch) raise(t *txn) Result {
	if c.Previous != t.meta.Epoch {
		return Result{Status: Conflict}
	}
	floors := raised(t.meta.Floors, c.Floors)
	if len(c.Key.Sealed) == 0 || c.Previous == 1<<32-1 || len(floors) > maxFloors {
		return Result{Status: Ignored}
	}
	t.beginEpoch(c.Previous+1, c.Key, floors)
	return Result{Status: Done}
}

// beginEpoch makes State tokens and verdicts of earlier epochs void, and forgets them.
func (t *txn) beginEpoch(epoch uint32, key StateKey, floors []Floor) {
	next := *t.meta
	next.Epoch, next.Keys, next.Floors = epoch, []StateKey{key.kept(t.time)}, floors
	t.meta = &next
	t.dropChallenges()
}

// dropChallenges forgets all challenges with what leads to them, and what is counted of them. What else
// expires is put into a new queue.
func (t *txn) dropChallenges() {
	t.challenges, t.requests, t.rejoins, t.agains, t.passcodes, t.kept = tagMap{}, tagMap{}, tagMap{}, tagMap{}, tagMap{}, tagMap{}
	t.verdicts, t.decoys = 0, 0
	t.expiries, t.ownExpiries = nil, false
	t.tallies.walk(func(key tag, _ []byte) bool {
		t.queue(t.seldom(t.tally(key).due()), key)
		return true
	})
	t.windows.walk(func(key tag, _ []byte) bool {
		until, _ := t.window(key)
		t.queue(t.seldom(ceilSeconds(until)), key)
		return true
	})
}
