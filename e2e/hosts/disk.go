package hosts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is a file system of its own, of a bounded size, in memory. It is not safe for concurrent use.
type Disk struct{ Dir string }

// NewDisk mounts a disk of some bytes at dir, which is made, for the duration of a test.
func NewDisk(t T, dir string, size int64) *Disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatalf("make the mount point: %v", err)
	}
	if err := syscall.Mount("disk", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		t.Fatalf("mount a disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Fatalf("unmount %s: %v", dir, err)
		}
	})
	return &Disk{Dir: dir}
}

// filler is the file that takes up what is free.
func (d *Disk) filler() string { return filepath.Join(d.Dir, "filler") }

// Fill writes until nothing is free.
func (d *Disk) Fill() error {
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill %s: %w", d.Dir, err)
	}
	return nil
}

// Free undoes Fill.
func (d *Disk) Free() error { return os.Remove(d.filler()) }

// zeros is read without an end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
