package state

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// A snapshot is a magic line, then records: number of the record's kind, length, message. Records
// of a kind are in the order of their keys. The last record has kind 0 and is the SHA-256 of
// everything before it. A kind that is not known is skipped.
const (
	snapshotMagic = "sallyport-state-1\n"

	recordEnd       = 0
	recordHead      = 1
	recordMeta      = 2
	recordUser      = 3
	recordChallenge = 4
	recordBucket    = 5
	recordLearned   = 6
	recordAct       = 7
	recordTally     = 8
	recordWindow    = 9
	recordNode      = 10
	recordToken     = 11
)

// head is the place in the log that a snapshot was taken at.
type head struct {
	time   int64
	index  uint64
	digest [sha256.Size]byte
}

func (h *head) wire(w *wire) {
	w.int(1, &h.time)
	number(w, 2, &h.index)
	w.fixed(3, h.digest[:])
}

// snapshotWriter remembers the first error.
type snapshotWriter struct {
	out    *bufio.Writer
	sum    hash.Hash
	wire   wire
	prefix [64]byte
	err    error
}

func (s *snapshotWriter) write(b []byte) {
	if s.err == nil {
		s.sum.Write(b)
		_, s.err = s.out.Write(b)
	}
}

func (s *snapshotWriter) record(kind uint64, m message) { s.octets(kind, nil, s.wire.encode(m)) }

// octets writes an encoded message, the first fields apart from the rest, and reports whether there
// was no error yet.
func (s *snapshotWriter) octets(kind uint64, first, rest []byte) bool {
	prefix := protowire.AppendVarint(s.prefix[:0], kind)
	prefix = protowire.AppendVarint(prefix, uint64(len(first)+len(rest)))
	s.write(append(prefix, first...))
	s.write(rest)
	return s.err == nil
}

// WriteSnapshot writes the state. Equal states are equal octets.
func (v View) WriteSnapshot(w io.Writer) error { return v.write(w, v.root.digest) }

func (v View) write(w io.Writer, digest [sha256.Size]byte) error {
	s := &snapshotWriter{out: bufio.NewWriterSize(w, 1<<16), sum: sha256.New()}
	s.write([]byte(snapshotMagic))
	s.record(recordHead, &head{v.root.time, v.root.index, digest})
	s.record(recordMeta, v.root.meta)
	v.root.writeRecords(s)
	sum := s.sum.Sum(nil)
	s.write(append([]byte{recordEnd, byte(len(sum))}, sum...))
	if s.err == nil {
		s.err = s.out.Flush()
	}
	if s.err != nil {
		return fmt.Errorf("write snapshot: %w", s.err)
	}
	return nil
}

// writeRecords writes users, challenges, what was learned and what was counted as they are in memory.
func (r *root) writeRecords(s *snapshotWriter) {
	r.users.walk(func(_ tag, b []byte) bool { return s.octets(recordUser, nil, b) })
	s.keyed(recordChallenge, r.challenges)
	for _, b := range r.expiries {
		s.record(recordBucket, b)
	}
	r.learned.walk(func(_ tag, b []byte) bool { return s.octets(recordLearned, nil, b) })
	for i := range r.acts {
		s.record(recordAct, &r.acts[i])
	}
	s.keyed(recordTally, r.tallies)
	r.windows.walk(func(_ tag, b []byte) bool { return s.octets(recordWindow, nil, b) })
	for i := range r.nodes {
		s.record(recordNode, &r.nodes[i])
	}
	for i := range r.tokens {
		s.record(recordToken, &r.tokens[i])
	}
}

// keyed writes items whose first field is their key, which is not in the item.
func (s *snapshotWriter) keyed(kind uint64, m tagMap) {
	var room [2 + len(tag{})]byte
	m.walk(func(key tag, b []byte) bool {
		first := protowire.AppendTag(room[:0], 1, protowire.BytesType)
		return s.octets(kind, protowire.AppendBytes(first, key[:]), b)
	})
}

// Hash is the SHA-256 of the state, whatever led to it: equal on all nodes at equal index. It reads
// everything; [View.Digest] costs nothing.
func (v View) Hash() [sha256.Size]byte {
	h := sha256.New()
	_ = v.write(h, [sha256.Size]byte{}) // a hash takes everything
	return [sha256.Size]byte(h.Sum(nil))
}
