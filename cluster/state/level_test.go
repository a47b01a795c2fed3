package state

import (
	"bytes"
	"errors"
	"testing"
)

// TestLevels documents how a level is added: released and the comment beside it, a row of levels with the
// first command that needs it, and a row here. What is below stays as it is.
func TestLevels(t *testing.T) {
	if Level != 3 {
		t.Errorf("level %d has no row here", Level)
	}
	for _, c := range []struct {
		first, last Kind
		level       uint32
	}{
		{KindOpen, KindOpenWindow, 1},
		{KindCertify, KindRemoveNode, 2},
		{KindRaiseLevel, KindRaiseLevel, 1}, // or no level could be raised
		{KindRaiseEpoch, KindRaiseEpoch, 2},
	} {
		for k := c.first; k <= c.last; k++ {
			if got := LevelOf(k); got != c.level {
				t.Errorf("kind %d needs level %d, want %d", k, got, c.level)
			}
		}
	}
	for k := range Kind(255) {
		if newCommand(k) != nil && LevelOf(k) > Level {
			t.Errorf("kind %d needs level %d, and this program knows %d", k, LevelOf(k), Level)
		}
	}
}

// TestNoNodeDoesWhatAnotherIgnores: below its level, a command is a no-op for those who know it too.
func TestNoNodeDoesWhatAnotherIgnores(t *testing.T) {
	m := New()
	m.apply(1, 0, []Command{&Found{ClusterID: "test", Key: StateKey{ID: 1, Sealed: []byte("key")}}})
	if got := m.View().Level(); got != 1 {
		t.Errorf("what earlier releases found has level %d", got)
	}
	before := m.View().Hash()
	for i, c := range []Command{announce(), issue(), use(), &Certify{Certificate: []byte("c"), Key: []byte("k")}, &RaiseEpoch{Previous: 1, Key: StateKey{ID: 2, Sealed: []byte("key")}}} {
		if r := m.apply(1, 0, []Command{c})[0]; r.Status != Ignored || m.Counters().Ignored != uint64(i+1) {
			t.Errorf("%T: %+v", c, r)
		}
	}
	if m.View().Hash() != before {
		t.Error("a command above the level had an effect")
	}
	r := m.apply(2, 0, []Command{&RaiseLevel{Level: 2}, announce(), &RaiseLevel{Level: 1}})
	if r[0].Status != Done || r[1].Status != Done || r[2].Status != Done || m.View().Level() != 2 {
		t.Errorf("%+v, level %d", r, m.View().Level())
	}
}

func TestAStateOfANewerProgramIsRefused(t *testing.T) {
	newer, m := foundedMachine(), enrolled()
	newer.apply(2, 0, []Command{&RaiseLevel{Level: Level + 1}})
	before := m.View().Hash()
	snapshot := snapshotOf(t, newer.View())
	err := m.Restore(bytes.NewReader(snapshot))
	var level *LevelError
	if !errors.As(err, &level) || *level != (LevelError{Have: Level + 1, Know: Level}) || !errors.Is(err, ErrSnapshot) {
		t.Errorf("%v", err)
	}
	if m.View().Hash() != before {
		t.Error("the state was changed")
	}
	snapshot[len(snapshot)-1] ^= 1
	if err := m.Restore(bytes.NewReader(snapshot)); errors.As(err, &level) || !errors.Is(err, ErrSnapshot) {
		t.Errorf("damaged as well: %v", err)
	}
}
