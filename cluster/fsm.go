package cluster

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
)

// fsm hands log entries to the state machine.
type fsm struct {
	machine   *state.Machine
	snapshots atomic.Uint64
}

// Apply returns a []state.Result.
func (f *fsm) Apply(log *raft.Log) any { return f.machine.Apply(log.Index, log.Data) }

// Snapshot costs nothing: a view never changes, and is written while logins go on.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	f.snapshots.Add(1)
	return fsmSnapshot{f.machine.View()}, nil
}

// Restore replaces the state, or leaves it when the snapshot is damaged.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	return f.machine.Restore(r)
}

type fsmSnapshot struct{ view state.View }

// Persist writes the view.
func (s fsmSnapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.view.WriteSnapshot(sink); err != nil {
		_ = sink.Cancel() // the write error says more
		return err
	}
	if err := sink.Close(); err != nil {
		return fmt.Errorf("close snapshot: %w", err)
	}
	return nil
}

// Release has nothing to release.
func (fsmSnapshot) Release() {}
