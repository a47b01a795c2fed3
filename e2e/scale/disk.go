package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sallyport/e2e/servers"
)

// logFile is where in the data directory the log is.
const logFile = "raft/raft.db"

// snapshotsDir is where the node's snapshots are, each in a folder of its own, whose name ends with .tmp
// while it is being written.
func snapshotsDir(s *servers.Sallyport) string { return filepath.Join(s.Data, "raft", "snapshots") }

func sizeOf(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// snapshotSize is the size of the node's largest snapshot.
func snapshotSize(s *servers.Sallyport) (size int64, err error) {
	err = filepath.WalkDir(snapshotsDir(s), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		if err != nil || d.Name() != "state.bin" {
			return err
		}
		one, err := sizeOf(path)
		size = max(size, one)
		return err
	})
	return size, err
}

// lookEvery is how precisely the time of a snapshot is known.
const lookEvery = 5 * time.Millisecond

// watchSnapshots returns, when ctx ends, how long each snapshot of the node took from its first octet to
// the last that was flushed.
func watchSnapshots(ctx context.Context, s *servers.Sallyport) (took []time.Duration) {
	var began time.Time
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return took
		case now := <-tick.C:
			entries, err := os.ReadDir(snapshotsDir(s))
			if err != nil {
				continue // the node is just starting
			}
			writing := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ".tmp") })
			switch {
			case writing && began.IsZero():
				began = now
			case !writing && !began.IsZero():
				took, began = append(took, now.Sub(began)), time.Time{}
			}
		}
	}
}
