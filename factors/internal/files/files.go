// Package files reads what a site names in a factor's table. What is read is bounded, and what could
// keep a reader waiting, such as a named pipe, is refused before it is opened: a reload must end.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Read returns what a regular file of at most that many octets holds. Errors begin with its path.
func Read(path string, most int64) ([]byte, error) {
	return read(os.DirFS(filepath.Dir(path)), filepath.Base(path), path, most)
}

// File is a file of a folder.
type File struct {
	// Name is its name in the folder, Place where it stands, for errors.
	Name, Place string
	Text        string
}

// Folder returns the files of a folder in the order of their names, which wanted must accept; its
// error says what a file is to be called. Hidden files are passed over: they are an editor's, or those
// by which Kubernetes mounts a folder. Place is how errors call the folder; those about several files
// are joined.
func Folder(folder fs.FS, place string, most int64, wanted func(name string) error) (list []File, err error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, at(place, err)
	}
	var faults []error
	for _, e := range entries {
		f := File{Name: e.Name(), Place: filepath.Join(place, e.Name())}
		if strings.HasPrefix(f.Name, ".") {
			continue
		}
		if err := wanted(f.Name); err != nil {
			faults = append(faults, at(f.Place, err))
			continue
		}
		text, err := read(folder, f.Name, f.Place, most)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		f.Text = string(text)
		list = append(list, f)
	}
	return list, errors.Join(faults...)
}

func read(folder fs.FS, name, place string, most int64) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, at(place, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", place)
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, at(place, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, at(place, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s: larger than %d octets", place, most)
	}
	return text, nil
}

// at puts the whole path into the place of the one that an error names.
func at(place string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", place, err)
}
