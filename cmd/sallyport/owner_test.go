package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// As root, so that what is made has an owner to be given to; others have nothing to give.
func TestWhatRootMakesIsTheOwners(t *testing.T) {
	const nobody = 65534
	folder, outside := t.TempDir(), filepath.Join(t.TempDir(), "roots")
	for _, file := range []string{outside, filepath.Join(folder, "raft", "raft.db"), filepath.Join(folder, "other", "kept")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(outside, filepath.Join(folder, "hard")); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := giveToOwner(folder); err != nil {
			t.Error(err)
		}
		return
	}
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(folder, "other", "kept"), 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := giveToOwner(folder); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]uint32{
		filepath.Join(folder, "raft"): nobody, filepath.Join(folder, "raft", "raft.db"): nobody, filepath.Join(folder, "link"): nobody,
		filepath.Join(folder, "other", "kept"): 1, filepath.Join(folder, "hard"): 0, outside: 0,
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
}
