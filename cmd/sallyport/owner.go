package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// giveToOwner hands what this process has just made below a folder to the folder's owner, where root did
// it for the account that the daemon runs under. What is not root's stays as it is, and so does a file
// with several names: one of them may be elsewhere.
func giveToOwner(folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	root, err := os.OpenRoot(folder) // never follows a link out of the folder
	if err != nil {
		return err
	}
	defer root.Close()
	owner, err := statOf(root, ".")
	if err != nil || owner.Uid == 0 {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		made, err := statOf(root, path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !isRootsOwn(made) {
			return nil
		}
		return errors.Join(err, root.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
	if err != nil {
		return fmt.Errorf("give what was written in %s to its owner: %w", folder, err)
	}
	return nil
}

func isRootsOwn(s *syscall.Stat_t) bool {
	return s.Uid == 0 && (s.Mode&syscall.S_IFMT == syscall.S_IFDIR || s.Nlink == 1)
}

func statOf(root *os.Root, path string) (*syscall.Stat_t, error) {
	info, err := root.Lstat(path)
	if err != nil {
		return nil, err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: its owner is not known", path)
	}
	return s, nil
}
