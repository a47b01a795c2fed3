package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"

	"sallyport/cluster/faults"
	"sallyport/login"
)

// fullPause is how often a write is tried again while the disk is full.
const fullPause = 500 * time.Millisecond

// disk watches the writes to the log store: those that hang, those that find no room, and those that
// fail, after which nobody knows what is on the disk.
type disk struct {
	dog   *watchdog
	space *space // nil knows of no ballast
	// onFault is called when a write has failed for another reason than want of room. It ends the
	// process: at the next start the log is read again, and is what it is.
	onFault func(what string, err error)
	turn    chan struct{} // of capacity 1: holds who writes the term
	term    uint64        // that was written last; for whoever has the turn
	// stopped says that the node stops, over that nothing is written any more.
	stopped, over atomic.Bool
	full          atomic.Bool // the last entries found no room
}

// err says that the disk takes no entries.
func (d *disk) err() error {
	if d.full.Load() {
		return fmt.Errorf("%w: the disk of the data directory is full", login.ErrUnavailable)
	}
	return nil
}

func newDisk(cfg Config) *disk {
	return &disk{dog: &watchdog{after: cfg.HangAfter, onHang: cfg.OnHang}, onFault: cfg.OnFault, turn: make(chan struct{}, 1)}
}

// write does one write. Without room, the ballast is given back and it is tried once more.
func (d *disk) write(what string, op func() error) error {
	err := d.once(what, op)
	if isFull(err) && d.space != nil && d.space.drop() {
		err = d.once(what, op)
	}
	if err != nil && !isFull(err) && d.onFault != nil {
		d.onFault(what, err)
	}
	return err
}

// append writes entries, and notes whether there was room for them.
func (d *disk) append(what string, op func() error) error {
	err := d.write(what, op)
	d.full.Store(isFull(err))
	return err
}

// insist does a write without which Raft cannot go on, and waits while there is no room: a node that
// cannot write down its vote says nothing.
func (d *disk) insist(what string, op func() error) error {
	for {
		err := d.write(what, op)
		if !isFull(err) || d.stopped.Load() {
			return err
		}
		time.Sleep(fullPause)
	}
}

func (d *disk) once(what string, op func() error) error {
	if d.over.Load() {
		return unix.ENOSPC
	}
	return d.dog.watch(what, func() error {
		if err := faults.Write(); err != nil {
			return err
		}
		return op()
	})
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// watchedLogs is a log store whose writes are watched.
type watchedLogs struct {
	raft.LogStore
	disk *disk
}

// StoreLog stores one entry.
func (s watchedLogs) StoreLog(log *raft.Log) error {
	return s.disk.append("store log entry", func() error { return s.LogStore.StoreLog(log) })
}

// StoreLogs stores entries.
func (s watchedLogs) StoreLogs(logs []*raft.Log) error {
	return s.disk.append("store log entries", func() error { return s.LogStore.StoreLogs(logs) })
}

// DeleteRange removes the entries from first to last.
func (s watchedLogs) DeleteRange(first, last uint64) error {
	return s.disk.write("truncate log", func() error { return s.LogStore.DeleteRange(first, last) })
}

// watchedStable is a store for Raft's own few values whose writes are watched.
type watchedStable struct {
	raft.StableStore
	disk *disk
}

// Set stores a value.
func (s watchedStable) Set(key, value []byte) error {
	return s.disk.insist("store value", func() error { return s.StableStore.Set(key, value) })
}

// SetUint64 stores a number.
func (s watchedStable) SetUint64(key []byte, value uint64) error {
	store := func() error { return s.StableStore.SetUint64(key, value) }
	if bytes.Equal(key, termName) {
		return s.disk.setTerm(value, store)
	}
	return s.disk.insist("store value", store)
}

// errTermBack means that Raft would go back to a term that it has left: it could vote in it once more.
var errTermBack = errors.New("an older term than the one on the disk was to be stored")

// setTerm writes down Raft's term, one after the other and none that is older. Raft panics when it cannot.
// A node that stops while there is no room stops in peace: after that nothing is written, so that in this
// term it gives no vote and takes no entry.
func (d *disk) setTerm(term uint64, store func() error) error {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	if term < d.term {
		if d.onFault != nil {
			d.onFault("store term", errTermBack)
		}
		return errTermBack
	}
	err := d.insist("store term", store)
	if isFull(err) {
		d.over.Store(true)
		return nil
	}
	d.term = term
	return err
}
