package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func openTestMemory(t *testing.T, dir string) *memory {
	t.Helper()
	m, err := openMemory(dir)
	if err != nil {
		t.Fatalf("openMemory: %v", err)
	}
	return m
}

func TestWhatIsKnownOfOthersIsKept(t *testing.T) {
	dir := t.TempDir()
	m := openTestMemory(t, dir)
	if beats, at := m.beats(); beats != 0 || !at.IsZero() || m.belongs("n1") {
		t.Errorf("a new one has %d beats, the last at %v", beats, at)
	}
	m.learn(roster{Index: 3, Members: []member{{Name: "n1", Voter: true}, {Name: "n2"}}})
	m.note("n2", trace{Fingerprint: "f", Term: 2, LastTerm: 2, LastIndex: 7, Beats: 4})
	at := time.Unix(1_000_000, 0).UTC()
	for range 2 {
		if err := m.beat(at); err != nil {
			t.Fatalf("beat: %v", err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, recallFile))
	if err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again := openTestMemory(t, dir)
	beats, last := again.beats()
	t2, known := again.of("n2")
	if beats != 2 || !last.Equal(at) || !again.belongs("n1") || again.roster().Index != 3 || !known || t2.LastIndex != 7 || t2.Beats != 4 {
		t.Errorf("%d beats, the last at %v; %+v; %+v, %v", beats, last, again.roster(), t2, known)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

func TestADamagedRecollectionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := openTestMemory(t, dir).beat(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, recallFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "", "cut": string(whole[:len(whole)-1]), "other": "[]"} {
		if err := os.WriteFile(path, []byte(text), fileMode); err != nil {
			t.Fatal(err)
		}
		var setting *ConfigError
		if _, err := openMemory(dir); !errors.As(err, &setting) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, dirMode)); err != nil {
		t.Fatal(err)
	}
	if _, err := openMemory(dir); err == nil {
		t.Error("what cannot be read is taken for nothing")
	}
}

// TestWhatANodeLostIsRemembered: one that says less than it has said before does not talk others out of it.
func TestWhatANodeLostIsRemembered(t *testing.T) {
	m := openTestMemory(t, "")
	full := trace{Fingerprint: "f", Term: 2, LastTerm: 2, LastIndex: 70, Beats: 40}
	m.note("n2", full)
	old := trace{Fingerprint: "f", Term: 2, LastTerm: 2, LastIndex: 30, Beats: 20}
	m.note("n2", old)
	if got, _ := m.of("n2"); got != full {
		t.Errorf("an old image is believed: %+v", got)
	}
	m.grow("n2", 2, 2, 60)
	if got, _ := m.of("n2"); got != full {
		t.Errorf("an older acknowledgement is believed: %+v", got)
	}
	m.grow("n2", 2, 2, 80)
	full.LastIndex = 80
	if got, _ := m.of("n2"); got != full {
		t.Errorf("an acknowledgement is forgotten: %+v", got)
	}
	m.grow("n3", 2, 2, 80)
	if _, known := m.of("n3"); known {
		t.Error("one who never said who it is, is known")
	}
	anew := trace{Fingerprint: "g", Term: 3, LastTerm: 3, LastIndex: 1, Beats: 1}
	m.note("n2", anew)
	if got, _ := m.of("n2"); got != anew {
		t.Errorf("a new node of the name is taken for the old one: %+v", got)
	}
}

func TestAnOlderRosterIsNotLearned(t *testing.T) {
	m := openTestMemory(t, "")
	two := roster{Index: 5, Members: []member{{Name: "n1"}, {Name: "n2"}}}
	if !m.learn(two) || m.learn(two) {
		t.Error("the first is news, the second is not")
	}
	if m.learn(roster{Index: 4, Members: two.Members[:1]}) || m.learn(roster{Index: 6}) || len(m.roster().Members) != 2 {
		t.Errorf("%+v", m.roster())
	}
	if !m.learn(roster{Index: 6, Members: two.Members[:1]}) || m.belongs("n2") {
		t.Errorf("%+v", m.roster())
	}
	m.reset(roster{Index: 1, Members: two.Members[1:]})
	if m.belongs("n1") || !m.belongs("n2") {
		t.Errorf("%+v", m.roster())
	}
}

func TestABeatThatCannotBeWrittenIsSaidAndDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	m := openTestMemory(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := m.beat(time.Unix(1, 0)); !isMissing(err) {
		t.Errorf("beat: %v", err)
	}
	if beats, _ := m.beats(); beats != 0 {
		t.Errorf("others are told of %d beats that are not on disk", beats)
	}
}
