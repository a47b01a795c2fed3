//go:build e2e

package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sallyport/e2e/hosts"
	"sallyport/e2e/servers"
)

// node is a Sallyport on a host of its own, which is started again when it ends, as systemd would. The
// faults of the test build are files: while one is there, so is the fault.
type node struct {
	*servers.Sallyport
	site *site
	host *hosts.Host
	disk *hosts.Disk

	mu sync.Mutex
	// down says that it is meant not to run.
	down  bool
	exits []int
}

func newNode(s *site, binary string, host *hosts.Host) *node {
	s.Helper()
	n := &node{site: s, host: host}
	dir := filepath.Join(s.dir, host.Name)
	environment := []string{
		"SALLYPORT_TEST_STALL=" + filepath.Join(dir, "stall"),
		"SALLYPORT_TEST_FAIL=" + filepath.Join(dir, "fail"),
		"SALLYPORT_TEST_CLOCK_OFFSET=@" + filepath.Join(dir, "offset"),
		"SALLYPORT_TEST_PROMOTE_AFTER=1s",
	}
	if s.opt.broken {
		environment = append(environment, "SALLYPORT_TEST_BROKEN=local")
	}
	if s.opt.disk > 0 {
		n.disk = hosts.NewDisk(s, filepath.Join(dir, "data"), s.opt.disk)
	}
	s.must(os.MkdirAll(dir, 0o700))
	s.must(os.WriteFile(filepath.Join(dir, "offset"), []byte("0s"), 0o600))
	s.must(writePeople(filepath.Join(s.dir, "people.toml"), s.people))
	var err error
	n.Sallyport, err = servers.NewSallyportNode(dir, servers.SallyportOptions{
		Binary: binary, Name: host.Name, Address: host.Address, Within: host.Within(),
		Environment: environment, Config: s.config(), LogLevel: "info",
	})
	s.must(err)
	s.Cleanup(n.Stop)
	return n
}

// restartAfter is the pause before a node that has ended is started again. Units have two seconds;
// tests are shorter.
const restartAfter = 500 * time.Millisecond

// supervise starts the node again whenever it ends by itself, until the test ends.
func (n *node) supervise() {
	stop, done := make(chan struct{}), make(chan struct{})
	n.site.Cleanup(func() {
		close(stop)
		<-done
	})
	go func() {
		defer close(done)
		tick := time.NewTicker(restartAfter)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				n.revive()
			}
		}
	}()
}

func (n *node) revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return
	}
	select {
	case <-n.Ended():
		n.exits = append(n.exits, n.ExitCode())
		if err := n.Launch(); err != nil {
			n.site.Errorf("start %s again: %v", n.Name, err)
			n.down = true
		}
	default:
	}
}

// exitCodes are how the node ended by itself so far; -1 is a signal.
func (n *node) exitCodes() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]int(nil), n.exits...)
}

// kill ends the node with SIGKILL until it is started.
func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	n.Kill()
}

// launch starts the node and waits for nothing.
func (n *node) launch() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
	return n.Launch()
}

// pause stops the process where it is; resume lets it go on.
func (n *node) pause() error  { return n.Signal(syscall.SIGSTOP) }
func (n *node) resume() error { return n.Signal(syscall.SIGCONT) }

// stall makes writes to the node's log hang, and fail makes them return EIO, until mend.
func (n *node) stall() error { return os.WriteFile(filepath.Join(n.Dir, "stall"), nil, 0o600) }
func (n *node) fail() error  { return os.WriteFile(filepath.Join(n.Dir, "fail"), nil, 0o600) }

func (n *node) mend() error {
	for _, file := range []string{"stall", "fail"} {
		if err := os.Remove(filepath.Join(n.Dir, file)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// setClock puts the node's clock ahead by an offset. The file is replaced at once, since the node reads
// it at each reading of its clock.
func (n *node) setClock(offset time.Duration) error {
	file := filepath.Join(n.Dir, "offset")
	if err := os.WriteFile(file+".new", []byte(offset.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// state is the part of a node's account of itself that tests look at.
type state struct {
	RaftState    string `json:"raft_state"`
	Leader       string `json:"leader"`
	Reason       string `json:"reason"`
	Term         uint64 `json:"term"`
	LastIndex    uint64 `json:"last_index"`
	AppliedIndex uint64 `json:"applied_index"`
	Digest       string `json:"digest"`
	Users        int    `json:"users"`
}

func (n *node) state() (state, error) {
	_, body, err := n.Get("/status")
	if err != nil {
		return state{}, err
	}
	var report struct {
		Parts map[string]struct {
			Status state `json:"status"`
		} `json:"parts"`
	}
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		return state{}, fmt.Errorf("/status of %s: %w", n.Name, err)
	}
	return report.Parts["cluster"].Status, nil
}

// reason is why the node is not ready.
func (n *node) reason() string {
	_, body, err := n.Get("/readyz")
	if err != nil {
		return fmt.Sprintf("it does not answer (exits %v)", n.exitCodes())
	}
	return strings.TrimSpace(body)
}
