package servers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"time"
)

// ClientSecret is the shared secret of every RADIUS client of this package.
const ClientSecret = "testing123-testing123-testing123"

// SallyportOptions says how a Sallyport is configured. The zero value has no directory and refuses
// to start.
type SallyportOptions struct {
	// Binary is the program, as `go build` made it.
	Binary string
	// Name is the node's name; empty means node1.
	Name string
	// Address is the IP address that it listens on for all but what has its own here; empty means
	// 127.0.0.1.
	Address string
	// Within stands before each command line, to run it on another host; its ports are then the usual
	// ones, since nobody else has them.
	Within []string
	// Environment are variables that the program gets besides the test's.
	Environment []string
	// Listen is the RADIUS address; empty picks a free port of Address.
	Listen string
	// Listeners is how many RADIUS addresses there are, the others on free ports; 0 means 1.
	Listeners int
	// Config is TOML appended to what the harness writes: [node], [radius], [status], [admin] and
	// [log] are the harness's, everything else is Config's.
	Config string
	// Dictionaries are files in FreeRADIUS's format, for reply attributes.
	Dictionaries []string
	// LogLevel is "debug", "info" …; empty means debug, so that tests see all that may be logged.
	LogLevel string
	// Stderr gets what the daemon logs, in place of LogFile; nil means LogFile.
	Stderr *os.File
}

// Sallyport is a running `sallyport serve`. Methods are safe for concurrent use.
type Sallyport struct {
	running

	// Dir holds the configuration, the data directory and the log.
	Dir string
	// Name is the node's name.
	Name string
	// ConfigFile, Socket, LogFile, Data and MasterKey are paths within Dir.
	ConfigFile, Socket, LogFile, Data, MasterKey string
	// Radius and Status are the addresses listened on, Listeners all those for RADIUS, Cluster the one
	// for other nodes, empty for a node alone.
	Radius, Status, Cluster string
	Listeners               []string
	// Accounting is the address for accounting, Events the folder of the audit store.
	Accounting, Events string

	opt SallyportOptions
}

// StartSallyport starts a Sallyport for the duration of a test.
func StartSallyport(t T, opt SallyportOptions) *Sallyport {
	t.Helper()
	s, err := NewSallyport(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start sallyport: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// NewSallyport writes a configuration with a fresh master key into dir, starts the daemon on it and
// waits until /readyz says so.
func NewSallyport(dir string, opt SallyportOptions) (*Sallyport, error) {
	s, err := prepareSallyport(dir, opt)
	if err != nil {
		return nil, err
	}
	if err := s.generateKey(); err != nil {
		return nil, err
	}
	return s, s.Start()
}

// Start starts the daemon and waits until it is ready. It is for a daemon that was killed or stopped;
// what it logs is appended to LogFile.
func (s *Sallyport) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.launch(); err != nil {
		return err
	}
	return s.waitReady(s.proc)
}

// Launch is Start without the wait.
func (s *Sallyport) Launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.launch()
}

func (s *Sallyport) launch() error {
	log := s.opt.Stderr
	if log == nil {
		var err error
		if log, err = os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		defer log.Close()
	}
	name, args := s.command("serve", "--config", s.ConfigFile)
	proc, err := startProcessTo(log, name, args, s.opt.Environment...)
	if err != nil {
		return err
	}
	s.proc = proc
	return nil
}

// command is a command line of the program, where it is to run.
func (s *Sallyport) command(args ...string) (name string, rest []string) {
	line := slices.Concat(s.opt.Within, []string{s.opt.Binary}, args)
	return line[0], line[1:]
}

func (s *Sallyport) waitReady(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.Ready() {
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("sallyport ended before it was ready: %s", s.Tail())
		case <-ctx.Done():
			return fmt.Errorf("sallyport is not ready: %w: %s", ctx.Err(), s.Tail())
		case <-tick.C:
		}
	}
}

// Ready asks the status port, and the admin socket, which nobody else can have: while the daemon was
// down, another test's may have taken the port.
func (s *Sallyport) Ready() bool {
	if status, _, err := s.Get("/readyz"); err != nil || status != http.StatusOK {
		return false
	}
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// Tail is the end of what the daemon has logged.
func (s *Sallyport) Tail() string {
	text, err := os.ReadFile(s.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}

// Run runs another verb of the program and returns its output. SALLYPORT_SOCKET names the daemon's
// socket. A program with the race detector would wait a second before it ends.
func (s *Sallyport) Run(stdin string, args ...string) (string, error) {
	name, args := s.command(args...)
	return run([]byte(stdin), s.environment(), name, args...)
}

// output is Run without input and with what stands on standard output alone.
func (s *Sallyport) output(args ...string) ([]byte, error) {
	name, args := s.command(args...)
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), s.environment()...)
	return cmd.Output()
}

func (s *Sallyport) environment() []string {
	return append([]string{"SALLYPORT_SOCKET=" + s.Socket, "GORACE=atexit_sleep_ms=0"}, s.opt.Environment...)
}

// Log returns the lines that the daemon has logged so far, decoded.
func (s *Sallyport) Log() ([]map[string]any, error) {
	f, err := os.Open(s.LogFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []map[string]any
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var line map[string]any
		if json.Unmarshal(scan.Bytes(), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines, scan.Err()
}

// Get reads a page of the status port. It gives up after three seconds, and keeps no connection: the
// next answer may be another process's.
func (s *Sallyport) Get(path string) (status int, body string, err error) {
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + s.Status + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
