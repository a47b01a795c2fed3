package state

import (
	"bytes"
	"testing"
)

func entryOf(commands ...Command) []byte {
	encoded := make([][]byte, len(commands))
	for i, c := range commands {
		encoded[i] = Encode(c)
	}
	return EncodeBatch(0, encoded)
}

func TestTheDigestTellsHistoriesApart(t *testing.T) {
	one, two := settleNumber(1, 10), settleNumber(2, 10)
	lone := func(index uint64, entry []byte) *Machine {
		m := foundedMachine()
		m.Apply(index, entry)
		return m
	}
	want := lone(2, entryOf(one)).View().Digest()
	if lone(2, entryOf(one)).View().Digest() != want {
		t.Error("the same history has two digests")
	}
	for name, m := range map[string]*Machine{
		"nothing":             foundedMachine(),
		"another command":     lone(2, entryOf(two)),
		"another index":       lone(3, entryOf(one)),
		"one more":            lone(2, entryOf(one, two)),
		"another stamp":       lone(2, EncodeBatch(1, [][]byte{Encode(one)})),
		"an unknown batch":    lone(2, []byte{9}),
		"another unknown one": lone(2, []byte{8}),
	} {
		if m.View().Digest() == want {
			t.Errorf("%s has the same digest", name)
		}
	}
}

// TestTheDigestTellsResultsApart is what it is for: nodes whose log is the same, and whose states are not.
func TestTheDigestTellsResultsApart(t *testing.T) {
	sound, damaged := foundedMachine(), foundedMachine()
	r := *damaged.now.Load()
	r.meta = &Meta{ClusterID: "test", Epoch: 2, Keys: r.meta.Keys, Level: Level}
	damaged.now.Store(&r)
	entry := entryOf(settleNumber(1, 10))
	a, b := sound.Apply(2, entry)[0], damaged.Apply(2, entry)[0]
	if a.Outcome.Code == b.Outcome.Code || sound.View().Digest() == damaged.View().Digest() {
		t.Errorf("%+v and %+v have one digest", a, b)
	}
}

// TestCheckpointsAreAtTheSamePlaces has a log whose indices have gaps, and a node that was restored on the
// way.
func TestCheckpointsAreAtTheSamePlaces(t *testing.T) {
	whole, late := foundedMachine(), (*Machine)(nil)
	if index, _ := whole.Checkpoint(); index != 0 {
		t.Errorf("a checkpoint at %d from the start", index)
	}
	const step = 100
	places := map[uint64]bool{300: true, 600: true, 800: true, 1100: true} // each first one from 256, 512, ...
	for index := uint64(step); index <= 1200; index += step {
		entry := entryOf(settleNumber(int(index), 100))
		whole.Apply(index, entry)
		if late != nil {
			late.Apply(index, entry)
		}
		if index == 700 {
			late = restoredFrom(t, whole.View())
		}
		got, found := whole.DigestAt(index)
		if found != places[index] || found && got != whole.View().Digest() {
			t.Errorf("at %d: %v, %x", index, found, got)
		}
	}
	index, digest := late.Checkpoint()
	if want, found := whole.DigestAt(index); index != 1100 || !found || digest != want {
		t.Errorf("restored on the way: %d, %x, want %x", index, digest, want)
	}
	if _, found := late.DigestAt(600); found {
		t.Error("the restored one knows what was before")
	}
	if _, found := late.DigestAt(800); !found {
		t.Error("the restored one does not know its first")
	}
}

func TestOldCheckpointsAreForgotten(t *testing.T) {
	m := foundedMachine()
	for i := range uint64(checkpointsKept + 1) {
		m.Apply((i+1)*checkpointEvery, nil)
	}
	if _, found := m.DigestAt(checkpointEvery); found || len(m.kept()) != checkpointsKept {
		t.Errorf("%d are kept", len(m.kept()))
	}
	if index, _ := m.Checkpoint(); index != (checkpointsKept+1)*checkpointEvery {
		t.Errorf("the newest is at %d", index)
	}
	if err := m.Restore(bytes.NewReader(snapshotOf(t, m.View()))); err != nil {
		t.Fatal(err)
	}
	if index, _ := m.Checkpoint(); index != 0 {
		t.Errorf("after a restore there is one at %d", index)
	}
}

// BenchmarkDigest is what the digest adds to an entry of 64 settlements; the figure is for one command.
func BenchmarkDigest(b *testing.B) {
	entry := benchBatches(1, 1000, 1)[0]
	results := make([]Result, benchBatch)
	for i := range results {
		results[i].Outcome.Code = "accepted"
	}
	var d digester
	var digest [32]byte
	b.ReportAllocs()
	for i := 0; i < b.N; i += benchBatch {
		digest = d.next(digest, uint64(i), entry, results)
	}
}
