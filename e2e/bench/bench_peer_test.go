//go:build e2e

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// Sallyport's side needs people to rest for a minute and is left to `make bench`.
func TestBenchMeasuresThePeer(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"--only", "freeradius", "--dir", t.TempDir(), "--people", "20000", "--rounds", "1", "--in-flight", "4", "--tls",
		"--warmup", "100ms", "--duration", "500ms", "--runs", filepath.Join(t.TempDir(), "runs"),
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	for _, want := range []string{"Machine: ", "LDAPS between", "| 4 in flight | freeradius | ", "| open loop, "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in\n%s", want, &stdout)
		}
	}
}
