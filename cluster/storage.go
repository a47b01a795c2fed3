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
	// probe writes and flushes, as a commit does.
	probe func() error
	close func() error
}

// openStorage opens the data directory, whose disk is watched.
func openStorage(cfg Config, d *disk) (storage, error) {
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
	logs, err := raft.NewLogCache(logCache, steppedLogs{watchedLogs{bolt, d}})
	if err != nil {
		return storage{}, errors.Join(fmt.Errorf("open log cache: %w", err), bolt.Close())
	}
	if d.space, err = openSpace(cfg); err != nil {
		return storage{}, errors.Join(err, bolt.Close())
	}
	return storage{
		logs: logs, stable: watchedStable{bolt, d}, snapshots: snapshots, close: bolt.Close,
		probe: func() error {
			return d.once("store value", func() error { return bolt.SetUint64(aliveName, uint64(cfg.Now().Unix())) })
		},
	}, nil
}
