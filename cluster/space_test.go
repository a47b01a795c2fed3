package cluster

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"
)

// scriptedStore fails as it is told, one write after the other, and then no more.
type scriptedStore struct {
	*raft.InmemStore
	faults []error
	writes int
}

func (s *scriptedStore) next() (err error) {
	s.writes++
	if len(s.faults) > 0 {
		err, s.faults = s.faults[0], s.faults[1:]
	}
	return err
}

func (s *scriptedStore) StoreLogs([]*raft.Log) error    { return s.next() }
func (s *scriptedStore) SetUint64([]byte, uint64) error { return s.next() }

// testDisk is a disk with a ballast of one octet.
func testDisk(t *testing.T) (d *disk, faults *[]string) {
	t.Helper()
	faults = &[]string{}
	s := &space{dir: t.TempDir()}
	if err := errors.Join(os.Mkdir(filepath.Join(s.dir, raftDir), dirMode), os.WriteFile(s.ballastPath(), []byte{0}, fileMode)); err != nil {
		t.Fatal(err)
	}
	return &disk{
		dog: &watchdog{after: time.Hour, onHang: func(string) {}}, space: s,
		onFault: func(what string, err error) { *faults = append(*faults, what+": "+err.Error()) },
	}, faults
}

func TestAWriteThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		fails         []error
		err           error
		fault         string
		writes        int
		ballast, full bool
	}{
		"nothing":                     {nil, nil, "", 1, true, false},
		"an error of the disk":        {[]error{unix.EIO}, unix.EIO, "store log entries: input/output error", 1, true, false},
		"no room but for the ballast": {[]error{unix.ENOSPC}, nil, "", 2, false, false},
		"no room in the quota":        {[]error{unix.EDQUOT}, nil, "", 2, false, false},
		"no room at all":              {[]error{unix.ENOSPC, unix.ENOSPC}, unix.ENOSPC, "", 2, false, true},
		"no room, and then an error":  {[]error{unix.ENOSPC, unix.EIO}, unix.EIO, "store log entries: input/output error", 2, false, false},
	} {
		d, faults := testDisk(t)
		store := &scriptedStore{InmemStore: raft.NewInmemStore(), faults: c.fails}
		err := watchedLogs{store, d}.StoreLogs(nil)
		if !errors.Is(err, c.err) || store.writes != c.writes || strings.Join(*faults, "; ") != c.fault || (d.err() != nil) != c.full {
			t.Errorf("%s: %v after %d writes, faults %q, full %v", name, err, store.writes, *faults, d.err())
		}
		if _, err := os.Stat(d.space.ballastPath()); (err == nil) != c.ballast {
			t.Errorf("%s: ballast: %v", name, err)
		}
	}
}

func TestAVoteWaitsForRoom(t *testing.T) {
	d, faults := testDisk(t)
	synctest.Test(t, func(t *testing.T) {
		store := &scriptedStore{InmemStore: raft.NewInmemStore(), faults: []error{unix.ENOSPC, unix.ENOSPC, unix.ENOSPC, unix.ENOSPC}}
		begun := time.Now()
		if err := (watchedStable{store, d}).SetUint64([]byte("vote"), 1); err != nil || store.writes != 5 {
			t.Errorf("%v after %d writes", err, store.writes)
		}
		if took := time.Since(begun); took != 3*fullPause {
			t.Errorf("it took %v", took)
		}
	})
	if len(*faults) != 0 {
		t.Errorf("faults: %q", *faults)
	}
}

func TestTheBallastIsLaidDownAgain(t *testing.T) {
	cfg := Config{DataDir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(cfg.DataDir, raftDir), dirMode); err != nil {
		t.Fatal(err)
	}
	s, err := openSpace(cfg)
	if err != nil {
		t.Fatalf("openSpace: %v", err)
	}
	if free, total := s.last(); free == 0 || total < free || s.percent() > 100 {
		t.Errorf("%d of %d octets are free, %d %%", free, total, s.percent())
	}
	if free, _ := s.last(); free < 10*ballastOctets {
		t.Fatalf("the test needs %d octets of room, %d are there", 10*ballastOctets, free)
	}
	for range 2 {
		info, err := os.Stat(s.ballastPath())
		if err != nil || info.Size() != ballastOctets || info.Mode().Perm() != fileMode {
			t.Fatalf("%v, %v", info, err)
		}
		if !s.drop() || s.drop() {
			t.Error("the ballast is given back once")
		}
		if err := s.ballast(); err != nil {
			t.Fatalf("ballast: %v", err)
		}
	}
	poor := &space{dir: t.TempDir()}
	poor.free.Store(10*ballastOctets - 1)
	if err := poor.ballast(); err != nil || poor.drop() {
		t.Errorf("a ballast takes more than a tenth of the room: %v", err)
	}
}

func TestRoomIsWarnedOfOnceForEachStep(t *testing.T) {
	var text bytes.Buffer
	n := &Node{logger: slog.New(slog.NewTextHandler(&text, nil)), disk: &disk{space: &space{}}}
	for i, c := range []struct {
		free uint64
		says string
	}{
		{50, ""}, {20, ""}, {19, "level=WARN"}, {12, ""}, {9, "level=ERROR"}, {5, ""}, {4, "level=ERROR"}, {0, ""},
		{9, "level=ERROR"}, {15, "level=WARN"}, {20, "there is room on the disk again"}, {80, ""}, {3, "level=ERROR"},
	} {
		text.Reset()
		n.disk.space.free.Store(c.free)
		n.disk.space.total.Store(100)
		n.warnOfSpace()
		if got := text.String(); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%d, %d %% free: %q", i, c.free, got)
		}
	}
}
