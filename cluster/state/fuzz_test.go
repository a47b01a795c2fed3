package state

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, c := range examples() {
		f.Add(Encode(c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(c))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%+v became %+v (%v)", c, again, err)
		}
	})
}

// FuzzApply applies whatever an entry may hold; two machines must agree on it.
func FuzzApply(f *testing.F) {
	for _, c := range examples() {
		f.Add(EncodeBatch(1, [][]byte{Encode(c), Encode(c)}))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		a, b := foundedMachine(), foundedMachine()
		for i := range 2 {
			ra, rb := a.Apply(uint64(i+2), entry), b.Apply(uint64(i+2), entry)
			if len(ra) != len(rb) {
				t.Fatalf("%d and %d results", len(ra), len(rb))
			}
		}
		if a.View().Hash() != b.View().Hash() {
			t.Fatal("two machines differ")
		}
		if a.Counters().Panics != 0 {
			t.Fatal("a command panicked")
		}
	})
}

// FuzzRestore restores records with a right checksum, so that the decoders behind it are reached.
func FuzzRestore(f *testing.F) {
	m := foundedMachine()
	for i, c := range examples() {
		m.Apply(uint64(len(i)), EncodeBatch(1, [][]byte{Encode(c)}))
	}
	m.Apply(99, EncodeBatch(2, [][]byte{Encode(settleNumber(1, 1)), Encode(examples2()["open"])}))
	var b bytes.Buffer
	if err := m.View().WriteSnapshot(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[len(snapshotMagic) : b.Len()-34])
	f.Fuzz(func(t *testing.T, records []byte) {
		whole := append([]byte(snapshotMagic), records...)
		sum := sha256.Sum256(whole)
		whole = append(append(whole, recordEnd, 32), sum[:]...)
		m := New()
		if err := m.Restore(bytes.NewReader(whole)); err != nil {
			return
		}
		m.Apply(100, EncodeBatch(1<<62, [][]byte{Encode(settleNumber(1, 1)), Encode(examples2()["settle"])}))
		if m.Counters().Panics != 0 {
			t.Fatal("a command panicked on a restored state")
		}
	})
}
