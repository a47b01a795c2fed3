//go:build e2e

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"sallyport/e2e/hosts"
)

func TestMain(m *testing.M) { os.Exit(hosts.Main(built{m})) }

// built removes the programs that the tests have built.
type built struct{ *testing.M }

// Run implements what [hosts.Main] runs.
func (b built) Run() int {
	// The race detector makes every program sleep for a second at its end, unless told otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries())
	return b.M.Run()
}

// binaries is where the programs are.
func binaries() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("sallyport-e2e-cluster-%d", os.Getpid()))
}

// plain and raced are the program with the test build's faults, without and with the race detector.
var (
	plain = sync.OnceValues(func() (string, error) { return build("sallyport") })
	raced = sync.OnceValues(func() (string, error) { return build("sallyport-race", "-race") })
)

func build(name string, flags ...string) (string, error) {
	path := filepath.Join(binaries(), name)
	args := append([]string{"build", "-tags", "faults", "-o", path}, flags...)
	out, err := exec.Command("go", append(args, "../../cmd/sallyport")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sallyport: %w: %s", err, out)
	}
	return path, nil
}
