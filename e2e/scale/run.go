package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
)

// run is the program; it returns the exit code: 0, 1 when it could not measure, 2 for wrong use.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "scale: %v\n", err)
		return 2
	}
	if err := scale(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "scale: %v\n", err)
		return 1
	}
	return 0
}

// scale measures everything in turn and writes the tables.
func scale(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "scale-")
	if err != nil {
		return err
	}
	s := &stage{options: o, dir: dir, progress: stderr}
	defer func() {
		s.stop()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	for _, step := range []func(context.Context) error{s.build, s.fill, s.form, s.restart, s.measure, s.watchLog} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.writeTables(stdout)
}
