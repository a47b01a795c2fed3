// Package regular keeps a start and a reload from waiting for a file.
package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Check refuses what is no regular file, before anybody opens it: opening a named pipe waits for
// whoever writes to it. Errors begin with the file's name.
func Check(file string) error {
	info, err := os.Stat(file)
	var path *fs.PathError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", file, path.Err)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a regular file", file)
	}
	return nil
}
