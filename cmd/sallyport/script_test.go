package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

// The scripts under testdata read as a manual: what is typed, and what appears.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			// With the race detector each command would wait a second for late reports.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			backups, err := filepath.Abs("../../cluster/backup/testdata")
			e.Setenv("BACKUPS", backups)
			return err
		},
	})
}
