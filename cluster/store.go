package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

const (
	raftDir = "raft"
	logFile = "raft.db"
	// logCache is how many of the newest entries are kept in memory for followers and the FSM.
	logCache = 512
	// lockWait is how long another process may take to let go of the data directory.
	lockWait = time.Second
)

// keyCheckName is where the log store keeps the master key's check value, so that a wrong key is
// refused before Raft starts. The same value is in the replicated state.
var keyCheckName = []byte("sallyport master key check")

// aliveName is where Ready writes to see that the log store answers.
var aliveName = []byte("sallyport alive")

// makePrivateDir makes a folder that only its owner can enter. A [ConfigError] says that it cannot be
// there, whatever becomes of the disk.
func makePrivateDir(dir string) error {
	err := os.MkdirAll(dir, dirMode)
	for _, never := range []error{fs.ErrPermission, unix.ENOTDIR, unix.EROFS, unix.ENAMETOOLONG, unix.ELOOP} {
		if errors.Is(err, never) {
			return &ConfigError{fmt.Errorf("create data directory: %w; use another data_dir", err)}
		}
	}
	if err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		return fmt.Errorf("restrict data directory: %w", err)
	}
	return nil
}

// openLogStore opens the log. Every write is flushed to disk; only the freelist, which bbolt can
// rebuild, is not written each time.
func openLogStore(dir string) (*raftboltdb.BoltStore, error) {
	store, err := raftboltdb.New(raftboltdb.Options{
		Path: filepath.Join(dir, logFile),
		BoltOptions: &bbolt.Options{
			Timeout:        lockWait,
			NoFreelistSync: true,
			FreelistType:   bbolt.FreelistMapType,
		},
		MsgpackUseNewTimeFormat: false, // must be the same on all nodes, for ever
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open log in %s: another process has it open; is sallyport running already? %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open log in %s: %w", dir, err)
	}
	return store, nil
}

// checkMasterKey refuses a master key that is not the one that the log was begun with.
func checkMasterKey(store raft.StableStore, s *sealer) error {
	check := s.check()
	stored, err := store.Get(keyCheckName)
	switch {
	case isNotFound(err):
		if err := store.Set(keyCheckName, check); err != nil {
			return fmt.Errorf("store master key check: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read master key check: %w", err)
	case !bytes.Equal(stored, check):
		return fmt.Errorf("%w; put the original master_key_file back, or use another data_dir", ErrMasterKey)
	}
	return nil
}

// termName is where raft keeps the current term.
var termName = []byte("CurrentTerm")

// clusterBegun reports whether there is a cluster in the data directory. A process that was killed
// while it began one leaves a term, but neither log nor snapshot: that one is begun again.
func clusterBegun(s storage) (bool, error) {
	existing, err := raft.HasExistingState(s.logs, s.stable, s.snapshots)
	if err != nil {
		return false, fmt.Errorf("look for an earlier state: %w", err)
	}
	if !existing {
		return false, nil
	}
	last, err := s.logs.LastIndex()
	if err != nil {
		return false, fmt.Errorf("look for an earlier log: %w", err)
	}
	kept, err := s.snapshots.List()
	if err != nil {
		return false, fmt.Errorf("look for earlier snapshots: %w", err)
	}
	if last > 0 || len(kept) > 0 {
		return true, nil
	}
	if err := s.stable.SetUint64(termName, 0); err != nil {
		return false, fmt.Errorf("clear an interrupted beginning: %w", err)
	}
	return false, nil
}

// isNotFound reports whether a store has no such key. raft knows the text only, and so do its stores.
func isNotFound(err error) bool {
	return err != nil && err.Error() == raftboltdb.ErrKeyNotFound.Error()
}
