package cluster

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	// snapshotsKept is the number of snapshots on disk: the newest, and one to fall back on.
	snapshotsKept = 2
)

// privateSnapshots keeps snapshots readable by their owner only, whatever the umask: raft's own
// store makes folders of mode 0755.
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
	return privateSink{sink, p}, nil
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

type privateSink struct {
	raft.SnapshotSink
	store *privateSnapshots
}

// Close finishes the snapshot.
func (s privateSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil {
		return err
	}
	return s.store.restrict()
}
