package cluster

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// errNoFit means that this node's log was another than the leader's snapshot says.
var errNoFit = errors.New("the log did not fit the leader's snapshot, so that it was removed: no entry in it was ever committed; the node starts anew from the snapshot")

// edgeType marks what stands for the last entry of a snapshot. No entry of that type is ever stored, sent
// or applied.
const edgeType raft.LogType = 255

// seam is the log as Raft uses it, joined to the snapshot that the state was restored from. Raft leaves
// entries in the log that a snapshot has overtaken, and looks for the entry before the first one that
// comes after it in the log alone: a node whose log holds some that were never committed is then sent the
// same snapshot again and again (hashicorp/raft issue 697), and sends them to others when it leads.
type seam struct {
	raft.LogStore
	edge atomic.Pointer[edge] // nil while no snapshot was restored that the log does not contain
	// misfit is called when Raft goes by entries that were removed: it must be started anew.
	misfit func(error)
}

// edge is the last entry of a snapshot.
type edge struct{ index, term uint64 }

// GetLog reads one entry. The last one of a snapshot is known by its term, which is all that Raft asks of
// an entry before others. It is never among those to be sent, since the one before it is not there, which
// Raft asks for first; except before entry 1, which is therefore not known.
func (s *seam) GetLog(index uint64, log *raft.Log) error {
	err := s.LogStore.GetLog(index, log)
	if e := s.edge.Load(); errors.Is(err, raft.ErrLogNotFound) && e != nil && e.index == index && index > 1 {
		*log = raft.Log{Index: index, Term: e.term, Type: edgeType}
		return nil
	}
	return err
}

// join makes the log fit a snapshot that the state was restored from. Where the log has its last entry,
// all of it stays (Raft, figure 13, InstallSnapshot, rule 6). Otherwise what comes before goes, and where
// the log has another entry at its place, so does what comes after.
func (s *seam) join(index, term uint64) error {
	var at raft.Log
	err := s.LogStore.GetLog(index, &at)
	missing := errors.Is(err, raft.ErrLogNotFound)
	if err != nil && !missing {
		return fmt.Errorf("read the entry that a snapshot ends with: %w", err)
	}
	if !missing && at.Term == term {
		return nil
	}
	if err := s.remove(index, !missing); err != nil {
		return fmt.Errorf("remove entries that a snapshot has overtaken: %w", err)
	}
	s.edge.Store(&edge{index, term})
	if !missing {
		s.misfit(errNoFit)
	}
	return nil
}

// remove removes the entries up to index, or all of them.
func (s *seam) remove(index uint64, all bool) error {
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	if !all {
		last = min(last, index)
	}
	if first == 0 || first > last {
		return nil
	}
	return s.DeleteRange(first, last)
}

// labelled are snapshots that say which they are to whoever reads them.
type labelled struct{ raft.SnapshotStore }

// Open opens a snapshot.
func (s labelled) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	return meta, labelledReader{r, edge{meta.Index, meta.Term}}, nil
}

type labelledReader struct {
	io.ReadCloser
	edge edge
}

// edgeOf returns where a snapshot ends that Raft hands over, wrapped or not.
func edgeOf(r io.ReadCloser) (e edge, known bool) {
	for {
		switch inner := r.(type) {
		case labelledReader:
			return inner.edge, true
		case raft.ReadCloserWrapper:
			r = inner.WrappedReadCloser()
		default:
			return edge{}, false
		}
	}
}
