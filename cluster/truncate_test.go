package cluster

import (
	"testing"

	"github.com/hashicorp/raft"
)

// observedLogs looks at the log after each removal.
type observedLogs struct {
	*raft.InmemStore
	removed []uint64
	after   func()
}

func (o *observedLogs) DeleteRange(first, last uint64) error {
	o.removed = append(o.removed, last-first+1)
	err := o.InmemStore.DeleteRange(first, last)
	o.after()
	return err
}

func TestTheLogIsTruncatedInStepsWithoutAGap(t *testing.T) {
	const entries = 5 * truncateStep / 2
	for name, c := range map[string]struct{ first, last, left, from uint64 }{
		"beginning":  {1, entries - 7, 7, entries - 6},
		"end":        {8, entries, 7, 1},
		"everything": {1, entries, 0, 0},
		"one step":   {1, truncateStep, entries - truncateStep, truncateStep + 1},
		"one entry":  {entries, entries, entries - 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := &observedLogs{InmemStore: raft.NewInmemStore()}
			for i := range uint64(entries) {
				if err := o.StoreLog(&raft.Log{Index: i + 1}); err != nil {
					t.Fatal(err)
				}
			}
			count := uint64(0)
			o.after = func() { count = countWithoutGap(t, o) }
			if err := (steppedLogs{o}).DeleteRange(c.first, c.last); err != nil {
				t.Fatal(err)
			}
			if first, _ := o.FirstIndex(); count != c.left || first != c.from {
				t.Errorf("%d entries from %d are left, want %d from %d", count, first, c.left, c.from)
			}
			for _, n := range o.removed {
				if n > truncateStep {
					t.Errorf("%d entries were removed at once", n)
				}
			}
		})
	}
}

// countWithoutGap counts the entries from the first index to the last.
func countWithoutGap(t *testing.T, o *observedLogs) (count uint64) {
	first, _ := o.FirstIndex()
	last, _ := o.LastIndex()
	for i := first; i <= last && last > 0; i++ {
		if err := o.GetLog(i, &raft.Log{}); err != nil {
			t.Fatalf("entry %d between %d and %d: %v", i, first, last, err)
		}
		count++
	}
	return count
}
