package cluster

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"sallyport/cluster/faults"
	"sallyport/cluster/state"
)

// fsm hands log entries to the state machine.
type fsm struct {
	machine   *state.Machine
	snapshots atomic.Uint64
	outgrown  outgrown
	// restored is told where the snapshot ends that the state was restored from; nil is nobody.
	restored func(edge)

	mu      sync.Mutex
	waiting map[chan struct{}]uint64
}

// Apply returns a []state.Result.
func (f *fsm) Apply(log *raft.Log) any {
	if f.outgrown.error() != nil {
		return nil
	}
	results := f.machine.Apply(log.Index, log.Data)
	f.outgrown.applied(f.machine.View())
	f.wake()
	return results
}

// applied is the index of the newest command that was applied. It covers every result that was given
// to anybody; no-ops and changes of the membership are not seen here, and nobody waits for them.
func (f *fsm) applied() uint64 { return f.machine.View().Index() }

// wake wakes those whose entry has been applied.
func (f *fsm) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied := f.applied()
	for ch, wanted := range f.waiting {
		if wanted <= applied {
			close(ch)
			delete(f.waiting, ch)
		}
	}
}

// await returns when the entry with this index has been applied.
func (f *fsm) await(ctx context.Context, index uint64) error {
	f.mu.Lock()
	if f.applied() >= index {
		f.mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	if f.waiting == nil {
		f.waiting = map[chan struct{}]uint64{}
	}
	f.waiting[ch] = index
	f.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		delete(f.waiting, ch)
		f.mu.Unlock()
		return fmt.Errorf("entry %d was not applied here yet: %w", index, context.Cause(ctx))
	}
}

// Snapshot costs nothing: a view never changes, and is written while logins go on.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if faults.HoldSnapshots() {
		return nil, raft.ErrNothingNewToSnapshot
	}
	if err := f.outgrown.error(); err != nil {
		return nil, err
	}
	f.snapshots.Add(1)
	return fsmSnapshot{f.machine.View()}, nil
}

// Restore replaces the state, or leaves it when the snapshot is damaged.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	if err := f.outgrown.error(); err != nil {
		return err // an older snapshot does not help
	}
	if err := f.outgrown.restored(f.machine.Restore(r)); err != nil {
		return err
	}
	if e, known := edgeOf(r); known && f.restored != nil {
		f.restored(e)
	}
	f.wake()
	return nil
}

type fsmSnapshot struct{ view state.View }

// Persist writes the view, no faster than logins can bear.
func (s fsmSnapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.view.WriteSnapshot(newPacedWriter(sink)); err != nil {
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
