package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"sallyport/cluster"
)

func keysVerb() verb {
	return verb{
		name: "keys", summary: "make the master key that seals secrets at rest",
		sub: []verb{{
			name: "generate", summary: "make a new master key", usage: "[--out FILE]",
			examples: []string{
				"sallyport keys generate --out /etc/sallyport/master.key",
				"sallyport keys generate | systemd-creds encrypt --name=master.key - master.key.cred",
			},
			exits: "0  done\n1  the file exists, or cannot be written\n2  the command line is wrong",
			flags: func(fs *pflag.FlagSet) {
				fs.String("out", "", "the `file` to write, which must not exist yet (default: standard output)")
			},
			run: generateKey,
		}},
	}
}

func generateKey(_ context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	key, err := cluster.GenerateMasterKey()
	if err != nil {
		return err
	}
	file := text(fs, "out")
	if file == "" {
		_, err := e.stdout.Write(key)
		return err
	}
	if err := writeNew(file, key); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%s written. Keep a copy in a safe place, apart from the data: without it nothing sealed can be read.\n", file)
	return nil
}

// writeNew writes a file for its owner alone, and never over another one: what an older master key
// has sealed could not be read any more.
func writeNew(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is left alone: move it away first, if nothing needs it", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}
