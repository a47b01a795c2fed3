package cluster

import (
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
	d := &disk{dog: &watchdog{after: time.Minute, onHang: func(string) {}}}
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
