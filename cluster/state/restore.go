package state

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// maxRecord bounds a record, so that a damaged length takes no memory. The largest are the buckets
// of the expiry queue: 16 octets for each challenge of one second.
const maxRecord = 64 << 20

// ErrSnapshot means that a snapshot is damaged, of another format, or of a newer program: then it is a
// [LevelError] too. Nothing was changed.
var ErrSnapshot = errors.New("snapshot cannot be read")

// Restore replaces the state by that of a snapshot; on an error the state is as it was.
func (m *Machine) Restore(r io.Reader) error {
	m.edit++
	empty := newRoot()
	t := newTxn(&empty, m.edit, &m.wire)
	if err := restore(r, t); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	m.checkpoints.Store(nil)
	m.now.Store(t.commit())
	return nil
}

func restore(in io.Reader, t *txn) error {
	r := &snapshotReader{in: bufio.NewReaderSize(in, 1<<16), sum: sha256.New()}
	magic := make([]byte, len(snapshotMagic))
	if err := r.full(magic); err != nil {
		return fmt.Errorf("read magic: %w", err)
	}
	if string(magic) != snapshotMagic {
		return errors.New("not a snapshot of a known version")
	}
	for {
		sum, err := r.sumBeforeEnd()
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		kind, body, err := r.record()
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		if kind == recordEnd {
			if !bytes.Equal(body, sum) {
				return errors.New("checksum differs")
			}
			return t.meta.known()
		}
		if err := t.restoreRecord(kind, body); err != nil {
			return fmt.Errorf("record of kind %d: %w", kind, err)
		}
	}
}

// snapshotReader sums what it reads.
type snapshotReader struct {
	in  *bufio.Reader
	sum hash.Hash
	// one is room for an octet, again for a record that nobody keeps.
	one   [1]byte
	again bytes.Buffer
}

// sumBeforeEnd is the sum of everything read so far when the record that comes is the last one.
func (r *snapshotReader) sumBeforeEnd() ([]byte, error) {
	next, err := r.in.Peek(1)
	if err != nil || next[0] != recordEnd {
		return nil, err
	}
	return r.sum.Sum(nil), nil
}

// ReadByte makes a snapshotReader readable as varints.
func (r *snapshotReader) ReadByte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		r.one[0] = b
		r.sum.Write(r.one[:])
	}
	return b, err
}

func (r *snapshotReader) full(b []byte) error {
	if _, err := io.ReadFull(r.in, b); err != nil {
		return err
	}
	r.sum.Write(b)
	return nil
}

// record reads the next record. Its body is good until the next one is read, where restoreRecord keeps
// nothing of it.
func (r *snapshotReader) record() (kind uint64, body []byte, err error) {
	if kind, err = binary.ReadUvarint(r); err != nil {
		return 0, nil, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, nil, err
	}
	if size > maxRecord {
		return 0, nil, fmt.Errorf("length %d is out of range", size)
	}
	b := &bytes.Buffer{} // grows with what is there, not with what is announced
	if encodedAgain(kind) {
		b = &r.again
		b.Reset()
	}
	if _, err = io.CopyN(b, r.in, int64(size)); err != nil {
		return 0, nil, fmt.Errorf("truncated: %w", err)
	}
	r.sum.Write(b.Bytes())
	return kind, b.Bytes(), nil
}

// encodedAgain reports whether what is decoded of such a record is stored as octets of its own. Others
// share the memory of the record.
func encodedAgain(kind uint64) bool {
	switch kind {
	case recordUser, recordChallenge, recordLearned, recordTally, recordWindow:
		return true
	}
	return false
}

func (t *txn) restoreRecord(kind uint64, body []byte) error {
	switch kind {
	case recordHead:
		var h head
		err := decodeMessage(body, &h)
		t.time, t.index, t.digest = h.time, h.index, h.digest
		return err
	case recordMeta:
		t.meta = &Meta{}
		return decodeMessage(body, t.meta)
	case recordUser:
		u := &User{}
		if err := t.wire.decode(body, u); err != nil {
			return err
		}
		slices.SortFunc(u.Credentials, func(a, b Credential) int { return strings.Compare(a.Factor, b.Factor) })
		t.claimHandle(u)
		t.putUser(u)
	case recordChallenge:
		c := &Challenge{}
		if err := t.wire.decode(body, c); err != nil {
			return err
		}
		t.restoreChallenge(c)
	case recordBucket:
		b := &bucket{edit: t.edit}
		if err := t.wire.decode(body, b); err != nil {
			return err
		}
		t.putBucket(b)
	case recordLearned:
		l := &Learned{}
		if err := t.wire.decode(body, l); err != nil {
			return err
		}
		t.putLearned(l)
	case recordTally:
		return t.restoreTally(body)
	case recordWindow:
		win := &Window{}
		if err := t.wire.decode(body, win); err != nil {
			return err
		}
		t.windows.set(t.edit, windowKey(win.Subject), t.wire.encode(win))
	case recordAct:
		var a act
		err := t.wire.decode(body, &a)
		t.remember(a)
		return err
	}
	return t.restoreMember(kind, body)
}

// restoreMember restores what concerns the nodes.
func (t *txn) restoreMember(kind uint64, body []byte) error {
	switch kind {
	case recordNode:
		var n NodeRecord
		err := t.wire.decode(body, &n)
		t.putNode(n)
		return err
	case recordToken:
		var k Token
		err := t.wire.decode(body, &k)
		t.tokens = append(t.tokens, k)
		return err
	}
	return nil
}

// restoreChallenge also rebuilds what is looked up by tag or user.
func (t *txn) restoreChallenge(c *Challenge) {
	t.know(c.Client)
	t.putChallenge(c)
	t.enter(c)
	c.leads(t, t.own)
}
