package cluster

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/hashicorp/raft"
)

// TestTheLogFitsTheSnapshot restores a snapshot that ends with entry 5 of term 3.
func TestTheLogFitsTheSnapshot(t *testing.T) {
	for name, c := range map[string]struct {
		has, stays map[uint64]uint64 // terms by index
		edge       uint64            // the term that entry 5 is known by
		misfit     bool
	}{
		"an empty log":                   {edge: 3},
		"a log that has the snapshot":    {has: map[uint64]uint64{4: 2, 5: 3, 6: 3}, stays: map[uint64]uint64{4: 2, 5: 3, 6: 3}, edge: 3},
		"a log that ends before":         {has: map[uint64]uint64{1: 1, 2: 1}, edge: 3},
		"entries after an earlier join":  {has: map[uint64]uint64{1: 1, 2: 1, 6: 3}, stays: map[uint64]uint64{6: 3}, edge: 3},
		"another entry at its end":       {has: map[uint64]uint64{4: 2, 5: 2}, edge: 3, misfit: true},
		"others that follow another one": {has: map[uint64]uint64{4: 2, 5: 2, 6: 2, 7: 2}, edge: 3, misfit: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := raft.NewInmemStore()
			indexes := make([]uint64, 0, len(c.has))
			for index := range c.has {
				indexes = append(indexes, index)
			}
			slices.Sort(indexes)
			for _, index := range indexes {
				if err := store.StoreLog(&raft.Log{Index: index, Term: c.has[index]}); err != nil {
					t.Fatal(err)
				}
			}
			var told error
			s := &seam{LogStore: store, misfit: func(err error) { told = err }}
			if err := s.join(5, 3); err != nil {
				t.Fatalf("join: %v", err)
			}
			if errors.Is(told, errNoFit) != c.misfit {
				t.Errorf("told %v, want a misfit: %v", told, c.misfit)
			}
			for index := uint64(1); index < 9; index++ {
				var log raft.Log
				err := store.GetLog(index, &log)
				if term, stays := c.stays[index]; (err == nil) != stays || log.Term != term {
					t.Errorf("entry %d has term %d, %v", index, log.Term, err)
				}
			}
			var log raft.Log
			if err := s.GetLog(5, &log); err != nil || log.Term != c.edge {
				t.Errorf("entry 5 is known by term %d, %v", log.Term, err)
			}
			if err := s.GetLog(8, &log); !errors.Is(err, raft.ErrLogNotFound) {
				t.Errorf("entry 8: %v", err)
			}
		})
	}
}

func TestASnapshotSaysWhichItIs(t *testing.T) {
	store := labelled{raft.NewInmemSnapshotStore()}
	_, transport := raft.NewInmemTransport("")
	sink, err := store.Create(1, 5, 3, raft.Configuration{}, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := store.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	if e, known := edgeOf(r); !known || e != (edge{5, 3}) {
		t.Errorf("edge %+v, %v", e, known)
	}
	if e, known := edgeOf(io.NopCloser(new(bytes.Buffer))); known {
		t.Errorf("a reader without a label has edge %+v", e)
	}
	if _, _, err := store.Open("another"); err == nil {
		t.Error("a snapshot was opened that is not there")
	}
}
