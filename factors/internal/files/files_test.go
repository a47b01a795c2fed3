package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sallyport/factors/internal/files"
)

func TestReadTakesRegularFilesOfABoundedSize(t *testing.T) {
	dir := t.TempDir()
	good, pipe := filepath.Join(dir, "good"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(good, []byte("four"), 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	if text, err := files.Read(good, 4); err != nil || string(text) != "four" {
		t.Errorf("%q, %v", text, err)
	}
	for path, want := range map[string]string{
		pipe: ": not a regular file", dir: ": not a regular file", filepath.Join(dir, "gone"): ": no such file or directory",
	} {
		if _, err := files.Read(path, 4); err == nil || err.Error() != path+want {
			t.Errorf("got %v, want %s%s", err, path, want)
		}
	}
	if _, err := files.Read(good, 3); err == nil || err.Error() != good+": larger than 3 octets" {
		t.Error(err)
	}
}

// wantTexts accepts names that end in .txt.
func wantTexts(name string) error {
	if strings.HasSuffix(name, ".txt") {
		return nil
	}
	return errors.New("no text")
}

func TestFolderPassesOverHiddenFilesAndRefusesOthers(t *testing.T) {
	dir := t.TempDir()
	write := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("b.txt", ".b.txt.swp", "..data")
	if err := os.Symlink("b.txt", filepath.Join(dir, "a.txt")); err != nil { // as Kubernetes has them
		t.Fatal(err)
	}
	list, err := files.Folder(os.DirFS(dir), dir, 10, wantTexts)
	if err != nil || len(list) != 2 || list[0] != (files.File{Name: "a.txt", Place: filepath.Join(dir, "a.txt"), Text: "b.txt"}) {
		t.Errorf("%+v, %v", list, err)
	}

	write("README", "far-too-long.txt")
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe.txt"), 0o600), os.Mkdir(filepath.Join(dir, "old.txt"), 0o700)); err != nil {
		t.Fatal(err)
	}
	_, err = files.Folder(os.DirFS(dir), dir, 10, wantTexts)
	want := strings.ReplaceAll("DIR/README: no text\nDIR/far-too-long.txt: larger than 10 octets\nDIR/old.txt: not a regular file\nDIR/pipe.txt: not a regular file", "DIR", dir)
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAFolderThatIsGoneIsNamed(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	if _, err := files.Folder(os.DirFS(gone), gone, 1, wantTexts); err == nil || err.Error() != gone+": no such file or directory" {
		t.Error(err)
	}
}
