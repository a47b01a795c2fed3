package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sallyport/e2e/servers"
)

// stage is everything that runs, and what was found out.
type stage struct {
	options
	dir      string
	progress io.Writer

	binary, loadTool     string
	secretFile, keysFile string
	// config is that of every node, keys are those of the people who log in.
	config  string
	keys    []string
	members []*servers.Sallyport
	part    int // of the people, whose turn it is
	found   findings
}

// findings are the figures, in the order in which they come about.
type findings struct {
	filled, settled time.Duration
	// logSizes is the size of the log's file before the answers were settled, and after each tenth of them.
	logSizes []int64
	joins    []joining
	start    time.Duration
	logins   []phase
	nodes    []nodeFigures
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.progress, format+"\n", args...) }

// build makes the programs, and the files that they read.
func (s *stage) build(ctx context.Context) error {
	s.binary, s.loadTool = filepath.Join(s.dir, "sallyport"), filepath.Join(s.dir, "load")
	s.secretFile, s.keysFile = filepath.Join(s.dir, "secret"), filepath.Join(s.dir, "keys")
	for _, args := range [][]string{
		{"build", "-tags", "faults", "-o", s.binary, "sallyport/cmd/sallyport"},
		{"build", "-o", s.loadTool, "sallyport/e2e/load"},
	} {
		if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w: %s", args, err, out)
		}
	}
	return errors.Join(os.WriteFile(s.secretFile, []byte(servers.ClientSecret), 0o600), s.writePeople())
}

// stop ends every node, the last one first.
func (s *stage) stop() {
	for i := len(s.members) - 1; i >= 0; i-- {
		s.members[i].Stop()
	}
}
