package regular_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sallyport/cmd/sallyport/internal/regular"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("file", link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{file, link} {
		if err := regular.Check(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{pipe, dir} {
		if err := regular.Check(bad); err == nil || err.Error() != bad+": not a regular file" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := regular.Check(file + ".gone"); !errors.Is(err, fs.ErrNotExist) || err.Error() != file+".gone: no such file or directory" {
		t.Error(err)
	}
}
