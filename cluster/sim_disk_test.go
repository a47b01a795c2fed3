package cluster

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"golang.org/x/sys/unix"
)

// platter is what of a node survives its process: log, votes, snapshots.
type platter struct {
	logs        map[uint64]*raft.Log
	first, last uint64
	values      map[string][]byte
	numbers     map[string]uint64
	images      []simImage // snapshots, the newest first
	recalled    []byte     // the file of what is known of the others
}

func newPlatter() platter {
	return platter{logs: map[uint64]*raft.Log{}, values: map[string][]byte{}, numbers: map[string]uint64{}}
}

// clone is the platter as it is now. What it points to never changes.
func (p platter) clone() platter {
	p.logs, p.values, p.numbers = maps.Clone(p.logs), maps.Clone(p.values), maps.Clone(p.numbers)
	p.images = slices.Clone(p.images)
	return p
}

func (p *platter) store(logs []*raft.Log) {
	for _, l := range logs {
		kept := *l
		p.logs[l.Index] = &kept
		if p.first == 0 {
			p.first = l.Index
		}
		p.last = max(p.last, l.Index)
	}
}

func (p *platter) remove(from, to uint64) {
	for i := from; i <= to; i++ {
		delete(p.logs, i)
	}
	p.first, p.last = 0, 0
	for i := range p.logs {
		p.last = max(p.last, i)
		if p.first == 0 || i < p.first {
			p.first = i
		}
	}
}

// simDisk is a platter in use by one process: writes take time, and fail as the schedule says.
type simDisk struct {
	latency func() time.Duration
	// die ends the process, and leaves the platter as it is given. It does not wait.
	die func(platter)

	mu      sync.Mutex
	platter platter
	full    bool
	// crashIn is after how many more writes the process dies, 0 is never; crashBefore says that the last
	// of them is not on the platter, crashFault that it fails first, as a broken disk does.
	crashIn                 int
	crashBefore, crashFault bool
	// stalled is closed when writes go on; nil where they do.
	stalled chan struct{}
}

var errPlatter = errors.New("input/output error of a simulated disk")

// write does one write, which takes its time.
func (d *simDisk) write(op func(*platter)) error {
	time.Sleep(d.latency())
	for {
		d.mu.Lock()
		going := d.stalled
		d.mu.Unlock()
		if going == nil {
			return d.do(op)
		}
		<-going
	}
}

// do does one write at once.
func (d *simDisk) do(op func(*platter)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return unix.ENOSPC
	}
	if d.crashIn > 0 {
		if d.crashIn--; d.crashIn == 0 {
			return d.last(op)
		}
	}
	op(&d.platter)
	return nil
}

// last does the write in which the process dies.
func (d *simDisk) last(op func(*platter)) error {
	before := d.platter.clone()
	op(&d.platter)
	if d.crashBefore {
		d.die(before)
	} else {
		d.die(d.platter.clone())
	}
	if d.crashFault {
		return errPlatter
	}
	return nil
}

// fault sets what goes wrong from now on.
func (d *simDisk) fault(set func(*simDisk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set(d)
}

// heal makes the disk a good one; writes that hang go on.
func (d *simDisk) heal() {
	d.fault(func(d *simDisk) {
		d.full, d.crashIn = false, 0
		if d.stalled != nil {
			close(d.stalled)
			d.stalled = nil
		}
	})
}

// copy is the platter as it is now.
func (d *simDisk) copy() platter {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.platter.clone()
}

// remember writes the file of what is known of the others. It takes no time: whoever writes it holds a
// mutex, and time does not pass for those who wait at one.
func (d *simDisk) remember(text []byte) error {
	return d.do(func(p *platter) { p.recalled = text })
}

// storage is the disk as a node uses it.
func (d *simDisk) storage(watch *disk) storage {
	return storage{
		logs: watchedLogs{d, watch}, stable: watchedStable{simStable{d}, watch}, snapshots: simSnapshots{d},
		probe: func() error { return d.write(func(*platter) {}) },
		close: func() error { return nil },
	}
}

func (d *simDisk) FirstIndex() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.platter.first, nil
}

func (d *simDisk) LastIndex() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.platter.last, nil
}

func (d *simDisk) GetLog(index uint64, log *raft.Log) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.platter.logs[index]
	if !ok {
		return raft.ErrLogNotFound
	}
	*log = *l
	return nil
}

func (d *simDisk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

func (d *simDisk) StoreLogs(logs []*raft.Log) error {
	return d.write(func(p *platter) { p.store(logs) })
}

func (d *simDisk) DeleteRange(from, to uint64) error {
	return d.write(func(p *platter) { p.remove(from, to) })
}

// simStable is the disk for Raft's few values. It fails only for want of room: a process that died in a
// write goes on for a moment, and is heard by nobody.
type simStable struct{ *simDisk }

func (d simStable) write(op func(*platter)) error {
	if err := d.simDisk.write(op); isFull(err) {
		return err
	}
	return nil
}

func (d simStable) Set(key, value []byte) error {
	return d.write(func(p *platter) { p.values[string(key)] = bytes.Clone(value) })
}

func (d simStable) Get(key []byte) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ok := d.platter.values[string(key)]
	if !ok {
		return nil, raftboltdb.ErrKeyNotFound
	}
	return value, nil
}

func (d simStable) SetUint64(key []byte, value uint64) error {
	return d.write(func(p *platter) { p.numbers[string(key)] = value })
}

func (d simStable) GetUint64(key []byte) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ok := d.platter.numbers[string(key)]
	if !ok {
		return 0, raftboltdb.ErrKeyNotFound
	}
	return value, nil
}

// simImage is a snapshot.
type simImage struct {
	meta raft.SnapshotMeta
	text []byte
}

// simSnapshots keeps snapshots on the disk, once they are whole.
type simSnapshots struct{ disk *simDisk }

func (s simSnapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, cIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	meta := raft.SnapshotMeta{Version: version, ID: newClusterID(), Index: index, Term: term, Configuration: c, ConfigurationIndex: cIndex}
	return &simSink{disk: s.disk, meta: meta}, nil
}

func (s simSnapshots) List() ([]*raft.SnapshotMeta, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	var all []*raft.SnapshotMeta
	for _, image := range s.disk.platter.images {
		all = append(all, &image.meta)
	}
	return all, nil
}

func (s simSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	for _, image := range s.disk.platter.images {
		if image.meta.ID == id {
			return &image.meta, io.NopCloser(bytes.NewReader(image.text)), nil
		}
	}
	return nil, nil, errPlatter
}

// simSink is a snapshot that is being written.
type simSink struct {
	disk *simDisk
	meta raft.SnapshotMeta
	text bytes.Buffer
}

func (s *simSink) Write(b []byte) (int, error) { return s.text.Write(b) }
func (s *simSink) ID() string                  { return s.meta.ID }
func (s *simSink) Cancel() error               { return nil }

func (s *simSink) Close() error {
	s.meta.Size = int64(s.text.Len())
	return s.disk.write(func(p *platter) {
		p.images = append([]simImage{{s.meta, s.text.Bytes()}}, p.images...)
		slices.SortStableFunc(p.images, func(a, b simImage) int {
			return cmp.Or(cmp.Compare(b.meta.Term, a.meta.Term), cmp.Compare(b.meta.Index, a.meta.Index))
		})
		p.images = p.images[:min(len(p.images), snapshotsKept)]
	})
}
