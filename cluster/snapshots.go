package cluster

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	// snapshotsKept is the number of snapshots on disk: the newest, and one to fall back on.
	snapshotsKept = 2
	// flushStep is how many octets of a snapshot are written before the disk is told to begin with them.
	flushStep = 1 << 20
)

// privateSnapshots keeps snapshots readable by their owner only, whatever the umask: raft's own
// store makes folders of mode 0755. It has a snapshot go to the disk little by little: were all of it
// flushed at the end, a commit would have to wait behind it, on a slow disk for seconds.
type privateSnapshots struct {
	raft.SnapshotStore
	dir string
}

func openSnapshots(dir string, logger hclog.Logger) (*privateSnapshots, error) {
	store, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsKept, logger)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	p := &privateSnapshots{SnapshotStore: store, dir: filepath.Join(dir, "snapshots")}
	return p, p.restrict()
}

// Create begins a snapshot.
func (p *privateSnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := p.SnapshotStore.Create(version, index, term, configuration, configurationIndex, trans)
	if err != nil {
		return nil, err
	}
	if err := p.restrict(); err != nil {
		_ = sink.Cancel() // the first error says more
		return nil, err
	}
	file, err := os.Open(filepath.Join(p.dir, sink.ID()+unfinished, stateFile))
	if err != nil {
		_ = sink.Cancel()
		return nil, fmt.Errorf("find the snapshot that is being written: %w", err)
	}
	return &privateSink{SnapshotSink: sink, store: p, file: file}, nil
}

// restrict takes all rights from everyone but the owner.
func (p *privateSnapshots) restrict() error {
	err := filepath.WalkDir(p.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Chmod(path, dirMode)
		}
		return os.Chmod(path, fileMode)
	})
	if err != nil {
		return fmt.Errorf("restrict snapshots: %w", err)
	}
	return nil
}

// The folder and the file that raft's store writes a snapshot into.
const (
	unfinished = ".tmp"
	stateFile  = "state.bin"
)

type privateSink struct {
	raft.SnapshotSink
	store *privateSnapshots
	// file is what is being written, open a second time. The disk has been told of the octets before
	// told, of written ones.
	file          *os.File
	told, written int64
}

// Write writes a part of the snapshot.
func (s *privateSink) Write(b []byte) (int, error) {
	n, err := s.SnapshotSink.Write(b)
	s.written += int64(n)
	if pending := s.written - s.told; pending >= flushStep {
		// Unlike fsync this waits for nothing and commits no journal. It is a hint: raft flushes at the end.
		_ = unix.SyncFileRange(int(s.file.Fd()), s.told, pending, unix.SYNC_FILE_RANGE_WRITE)
		s.told = s.written
	}
	return n, err
}

// Close finishes the snapshot.
func (s *privateSink) Close() error {
	defer s.file.Close()
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	return s.store.restrict()
}

// Cancel removes what was written.
func (s *privateSink) Cancel() error {
	defer s.file.Close()
	return s.SnapshotSink.Cancel()
}
