package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"sallyport/e2e/load/report"
)

// run is the program; it returns the exit code: 0, 1 when it could not measure, 2 for wrong use.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// bench starts everything, measures, and writes the table.
func bench(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "bench-")
	if err != nil {
		return err
	}
	s := &stage{options: o, dir: dir, progress: stderr, now: time.Now}
	defer func() {
		s.stop()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := s.start(ctx); err != nil {
		return err
	}
	m := &measurement{stage: s, runs: map[cell][]report.Report{}}
	if err := m.measure(ctx); err != nil {
		return err
	}
	if o.runs != "" {
		if err := m.writeRuns(o.runs); err != nil {
			return err
		}
	}
	return m.writeTable(stdout, machine(dir))
}
