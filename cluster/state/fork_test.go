package state

import (
	"testing"

	"pgregory.net/rapid"
)

// TestAMachineGoesOnFromAView: whatever either does after, both are what their own logs say.
func TestAMachineGoesOnFromAView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stamp int64
		index := uint64(1)
		both := func(machines ...*Machine) {
			index++
			entry := drawEntry(t, &stamp)
			for _, m := range machines {
				m.Apply(index, entry)
			}
		}
		first, firstTwin, otherTwin := foundedMachine(), foundedMachine(), foundedMachine()
		for range rapid.IntRange(0, 10).Draw(t, "before") {
			both(first, firstTwin, otherTwin)
		}
		other := NewFrom(first.View())
		for range rapid.IntRange(0, 20).Draw(t, "after") {
			if rapid.Bool().Draw(t, "which") {
				both(first, firstTwin)
			} else {
				both(other, otherTwin)
			}
		}
		if first.View().Hash() != firstTwin.View().Hash() || first.View().Digest() != firstTwin.View().Digest() {
			t.Fatal("the first one was changed by the other")
		}
		if other.View().Hash() != otherTwin.View().Hash() || other.View().Digest() != otherTwin.View().Digest() {
			t.Fatal("the other one was changed by the first")
		}
	})
}

// TestMachinesOfOneViewDoNotMeet applies to both at once; the race detector has the last word.
func TestMachinesOfOneViewDoNotMeet(t *testing.T) {
	first := foundedMachine()
	run := func(m *Machine, from int) {
		for i := from; i < from+500; i++ {
			c := settleNumber(i, 10)
			c.Expires, c.Limits.Keep = int64(i%7+1)*second, 0
			m.Apply(uint64(i+2), EncodeBatch(int64(i/100)*second, [][]byte{Encode(c)}))
		}
	}
	run(first, 0)
	view := first.View()
	before := view.Hash()
	done := make(chan struct{})
	for range 2 {
		other := NewFrom(view)
		go func() {
			defer func() { done <- struct{}{} }()
			run(other, 1000)
		}()
	}
	run(first, 500)
	<-done
	<-done
	if view.Hash() != before {
		t.Error("the view has changed")
	}
}
