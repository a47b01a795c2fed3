package state

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
)

// Checkpoints are compared between nodes: at which distance in the log, and how many are kept.
const (
	checkpointEvery = 256
	checkpointsKept = 64
)

// Digest is a running SHA-256 over the log entries and what became of their commands: nodes that have
// applied the same entries and have another digest do not agree any more. A restored snapshot goes on
// with the digest that it was written with.
func (v View) Digest() [sha256.Size]byte { return v.root.digest }

// digester computes digests, one after the other.
type digester struct {
	sum hash.Hash
	buf []byte
}

// next returns the digest after one more entry. Everything of variable length has its length before it.
func (d *digester) next(previous [sha256.Size]byte, index uint64, entry []byte, results []Result) (next [sha256.Size]byte) {
	if d.sum == nil {
		d.sum = sha256.New()
	}
	d.sum.Reset()
	b := append(d.buf[:0], previous[:]...)
	b = binary.BigEndian.AppendUint64(b, index)
	b = binary.BigEndian.AppendUint64(b, uint64(len(entry)))
	d.sum.Write(b)
	d.sum.Write(entry)
	b = b[:0]
	for i := range results {
		code := results[i].Outcome.Code
		b = append(b, byte(results[i].Status))
		b = binary.AppendUvarint(b, uint64(len(code)))
		b = append(b, code...)
	}
	d.sum.Write(b)
	d.buf = d.sum.Sum(b[:0])
	return [sha256.Size]byte(d.buf)
}

// checkpoint is the digest after the entry with this index.
type checkpoint struct {
	index  uint64
	digest [sha256.Size]byte
}

// mark keeps a checkpoint where r, which comes after an entry with the index previous, is the first one
// at a multiple of checkpointEvery or after it: so all nodes have theirs at the same places.
func (m *Machine) mark(previous uint64, r *root) {
	if r.index/checkpointEvery <= previous/checkpointEvery {
		return
	}
	kept := append(slices.Clone(m.kept()), checkpoint{r.index, r.digest})
	kept = kept[max(0, len(kept)-checkpointsKept):]
	m.checkpoints.Store(&kept)
}

// kept are the checkpoints, the oldest first. They must not be changed.
func (m *Machine) kept() []checkpoint {
	if all := m.checkpoints.Load(); all != nil {
		return *all
	}
	return nil
}

// Checkpoint returns the newest checkpoint: the digest at a place in the log where every node has one, or
// an index of 0 when there was none since the start, or since a snapshot was restored.
func (m *Machine) Checkpoint() (index uint64, digest [sha256.Size]byte) {
	all := m.kept()
	if len(all) == 0 {
		return 0, digest
	}
	newest := all[len(all)-1]
	return newest.index, newest.digest
}

// DigestAt returns the digest of a checkpoint of another node, when it is among the last that this one
// has kept.
func (m *Machine) DigestAt(index uint64) (digest [sha256.Size]byte, found bool) {
	for _, c := range m.kept() {
		if c.index == index {
			return c.digest, true
		}
	}
	return digest, false
}
