package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is a file without a name: it is gone when it is closed, or its process is.
type spool struct{ *os.File }

// newSpool makes an empty one in the folder.
func newSpool(folder string) (spool, error) {
	f, err := os.CreateTemp(folder, "snapshot-*.tmp")
	if err != nil {
		return spool{}, fmt.Errorf("make room for the snapshot: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return spool{}, errors.Join(err, f.Close())
	}
	return spool{f}, nil
}

// copyTo writes all of it.
func (s spool) copyTo(w io.Writer) error {
	return s.copyFrom(func(r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// copyFrom has it read from its beginning.
func (s spool) copyFrom(read func(io.Reader) error) error {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return read(s.File)
}
