package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"
)

// fullStore has no room.
type fullStore struct{ *raft.InmemStore }

func (fullStore) Set(_, _ []byte) error              { return unix.ENOSPC }
func (fullStore) SetUint64(_ []byte, _ uint64) error { return unix.ENOSPC }

// TestANodeStopsWhileItsDiskIsFull: the term that Raft cannot write down ends no process, and in it
// nothing is promised.
func TestANodeStopsWhileItsDiskIsFull(t *testing.T) {
	d := &disk{dog: &watchdog{after: time.Minute, onHang: func(string) {}}, turn: make(chan struct{}, 1)}
	d.stopped.Store(true)
	store := raft.NewInmemStore()
	stable, logs := watchedStable{fullStore{store}, d}, watchedLogs{store, d}
	if err := stable.SetUint64([]byte("LastVoteTerm"), 7); !isFull(err) {
		t.Errorf("a vote: %v", err)
	}
	if err := logs.StoreLog(&raft.Log{Index: 1}); err != nil {
		t.Errorf("an entry of an earlier term: %v", err)
	}
	if err := stable.SetUint64(termName, 7); err != nil {
		t.Errorf("the term: %v", err)
	}
	if err := logs.StoreLog(&raft.Log{Index: 2}); !isFull(err) {
		t.Errorf("an entry after it: %v", err)
	}
	if last, err := store.LastIndex(); err != nil || last != 1 {
		t.Errorf("the newest entry is %d, %v", last, err)
	}
}

// TestTheTermNeverGoesBack: two goroutines of Raft write terms, and the one with the older is the last.
func TestTheTermNeverGoesBack(t *testing.T) {
	var fault error
	d := newDisk(Config{HangAfter: time.Minute, OnFault: func(_ string, err error) { fault = err }})
	store := raft.NewInmemStore()
	stable := watchedStable{store, d}
	for _, term := range []uint64{3, 5, 5} {
		if err := stable.SetUint64(termName, term); err != nil {
			t.Fatalf("term %d: %v", term, err)
		}
	}
	if err := stable.SetUint64(termName, 4); !errors.Is(err, errTermBack) || !errors.Is(fault, errTermBack) {
		t.Errorf("an older one: %v; the fault is %v", err, fault)
	}
	if term, err := store.GetUint64(termName); err != nil || term != 5 {
		t.Errorf("term %d is on the disk, %v", term, err)
	}
}
