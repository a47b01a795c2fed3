package cluster

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// storage is where a node keeps log, votes and snapshots.
type storage struct {
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	close     func() error
}

// openStorage opens the data directory, under a watchdog.
func openStorage(cfg Config, dog *watchdog) (storage, error) {
	dir := filepath.Join(cfg.DataDir, raftDir)
	for _, d := range []string{cfg.DataDir, dir} {
		if err := makePrivateDir(d); err != nil {
			return storage{}, err
		}
	}
	bolt, err := openLogStore(dir)
	if err != nil {
		return storage{}, err
	}
	snapshots, err := openSnapshots(dir, newRaftLogger(cfg.Logger))
	if err != nil {
		return storage{}, errors.Join(err, bolt.Close())
	}
	logs, err := raft.NewLogCache(logCache, watchedLogs{bolt, dog})
	if err != nil {
		return storage{}, errors.Join(fmt.Errorf("open log cache: %w", err), bolt.Close())
	}
	return storage{logs: logs, stable: watchedStable{bolt, dog}, snapshots: snapshots, close: bolt.Close}, nil
}
