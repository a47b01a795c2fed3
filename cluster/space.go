package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// ballastFile takes room on the disk that is given back when it is full, so that this node can
	// write down its vote, and an administrator can tidy up.
	ballastFile   = "ballast"
	ballastOctets = 64 << 20
	// From these shares of free room on, in percent: it is said, it is said aloud, and another leads.
	spaceLow    = 20
	spaceAlarm  = 10
	spaceResign = 5
)

// space watches the room on the disk of the data directory.
type space struct {
	dir         string
	free, total atomic.Uint64
	level       atomic.Int32 // the share that was warned of last
}

// openSpace measures the room and lays down the ballast where there is enough.
func openSpace(cfg Config) (*space, error) {
	s := &space{dir: cfg.DataDir}
	if err := s.measure(); err != nil {
		return nil, err
	}
	return s, s.ballast()
}

func (s *space) ballastPath() string { return filepath.Join(s.dir, raftDir, ballastFile) }

// ballast makes the ballast file, where it takes less than a tenth of the room.
func (s *space) ballast() error {
	if _, err := os.Stat(s.ballastPath()); err == nil || s.free.Load() < 10*ballastOctets {
		return nil
	}
	f, err := os.OpenFile(s.ballastPath(), os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("make ballast: %w", err)
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, ballastOctets)
	if err = errors.Join(err, f.Close()); err != nil { // a file system that cannot, or has no room
		return os.Remove(s.ballastPath())
	}
	return nil
}

// drop gives the ballast back, and reports whether there was any.
func (s *space) drop() bool {
	err := os.Remove(s.ballastPath())
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

func (s *space) measure() error {
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return fmt.Errorf("measure the disk of the data directory: %w", err)
	}
	size := uint64(st.Bsize)
	s.free.Store(st.Bavail * size)
	s.total.Store((st.Blocks - st.Bfree + st.Bavail) * size)
	return nil
}

func (s *space) last() (free, total uint64) {
	if s == nil {
		return 0, 0
	}
	return s.free.Load(), s.total.Load()
}

// percent is the share of the room that is free.
func (s *space) percent() int {
	free, total := s.last()
	if total == 0 {
		return 100
	}
	return int(free * 100 / total)
}

// lookAtSpace measures the room, and warns when it runs out.
func (n *Node) lookAtSpace() {
	if n.disk.space == nil {
		return
	}
	if err := n.disk.space.measure(); err != nil {
		n.logger.Error("the room on the disk cannot be measured", "error", err.Error())
		return
	}
	n.warnOfSpace()
}

// warnOfSpace says how much room there is, once for each step.
func (n *Node) warnOfSpace() {
	percent := n.disk.space.percent()
	step := int32(100)
	for _, s := range []int32{spaceLow, spaceAlarm, spaceResign} {
		if int32(percent) < s {
			step = s
		}
	}
	if old := n.disk.space.level.Swap(step); step == old || old == 0 && step == 100 {
		return
	}
	free, total := n.disk.space.last()
	attrs := []any{"free_percent", percent, "free_bytes", free, "total_bytes", total}
	switch {
	case step == 100:
		n.logger.Info("there is room on the disk again", attrs...)
	case step == spaceLow:
		n.logger.Warn("the disk of the data directory fills up", attrs...)
	default:
		n.logger.Error("the disk of the data directory is nearly full: make room, or this node stops taking part", attrs...)
	}
}
