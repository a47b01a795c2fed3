//go:build e2e

package main

import (
	"bytes"
	"strings"
	"testing"
)

// A million people are left to `make scale`.
func TestScaleMeasuresACluster(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"--dir", t.TempDir(), "--users", "3000", "--people", "1000", "--rate", "20", "--window", "5s", "--rounds", "1",
		"--settles", "3000", "--nodes", "2",
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	for _, want := range []string{"3000 people enrolled, 2 nodes", "| node2 |", "| none |", "| all nodes |"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in\n%s", want, &stdout)
		}
	}
}
