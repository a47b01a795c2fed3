//go:build e2e

package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A real file system without room: the store says so, and goes on when there is some.
func TestFullFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root to mount a small file system: run the tests as root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "audit")
	s := openStore(t, Config{Dir: store})
	text := strings.Repeat("x", 1000)
	var kept []int
	var full error
	for n := 0; full == nil && n < 100; n++ {
		if full = s.Append(t.Context(), "note", note{n, text}); full == nil {
			kept = append(kept, n)
		}
	}
	if !errors.Is(full, syscall.ENOSPC) || len(kept) == 0 {
		t.Fatalf("%d records were kept, then %v", len(kept), full)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	add(t, s, 1000)
	closeStore(t, s)
	wantNotes(t, store, append(kept, 1000)...)
}
