package state

import (
	"bytes"
	"io"
	"testing"
)

// million is a state with as many enrolled users.
func million() *Machine {
	m := foundedMachine()
	m.enrolMany(1_000_000)
	return m
}

// BenchmarkSnapshotOfAMillion writes the state of a million users.
func BenchmarkSnapshotOfAMillion(b *testing.B) {
	m := million()
	for b.Loop() {
		if err := m.View().WriteSnapshot(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRestoreOfAMillion reads it.
func BenchmarkRestoreOfAMillion(b *testing.B) {
	var snapshot bytes.Buffer
	if err := million().View().WriteSnapshot(&snapshot); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(snapshot.Len()))
	for b.Loop() {
		if err := New().Restore(bytes.NewReader(snapshot.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}
