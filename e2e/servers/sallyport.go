package servers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ClientSecret is the shared secret of every RADIUS client of this package.
const ClientSecret = "testing123-testing123-testing123"

// SallyportOptions says how a Sallyport is configured. The zero value has no directory and refuses
// to start.
type SallyportOptions struct {
	// Binary is the program, as `go build` made it.
	Binary string
	// Listen is the RADIUS address; empty picks a free port of 127.0.0.1.
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
}

// Sallyport is a running `sallyport serve`. Methods are safe for concurrent use.
type Sallyport struct {
	running

	// Dir holds the configuration, the data directory and the log.
	Dir string
	// ConfigFile, Socket and LogFile are paths within Dir.
	ConfigFile, Socket, LogFile string
	// Radius and Status are the addresses listened on, Listeners all those for RADIUS.
	Radius, Status string
	Listeners      []string

	binary string
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
	s := &Sallyport{
		Dir: dir, binary: opt.Binary,
		ConfigFile: filepath.Join(dir, "sallyport.toml"), Socket: filepath.Join(dir, "admin.sock"),
		LogFile: filepath.Join(dir, "log.json"),
	}
	if err := s.configure(opt); err != nil {
		return nil, err
	}
	return s, s.Start()
}

func (s *Sallyport) configure(opt SallyportOptions) error {
	status, err := FreePort("127.0.0.1")
	if err != nil {
		return err
	}
	s.Status = fmt.Sprintf("127.0.0.1:%d", status)
	if s.Listeners, err = listeners(opt); err != nil {
		return err
	}
	s.Radius = s.Listeners[0]
	key := filepath.Join(s.Dir, "master.key")
	if _, err := run(nil, nil, s.binary, "keys", "generate", "--out", key); err != nil {
		return err
	}
	if opt.LogLevel == "" {
		opt.LogLevel = "debug"
	}
	text := fmt.Sprintf(`[node]
name = "node1"
data_dir = %q
master_key_file = %q

[radius]
listen = ["%s"]
dictionaries = [%s]

[status]
listen = %q

[admin]
socket = %q

[log]
format = "json"
level = %q

`, filepath.Join(s.Dir, "data"), key, strings.Join(s.Listeners, `", "`), quoted(opt.Dictionaries), s.Status, s.Socket, opt.LogLevel)
	return os.WriteFile(s.ConfigFile, []byte(text+opt.Config), 0o600)
}

// quoted is a list as TOML has it, without its brackets.
func quoted(list []string) string {
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = strconv.Quote(item)
	}
	return strings.Join(items, ", ")
}

// listeners are the addresses to listen on for RADIUS.
func listeners(opt SallyportOptions) ([]string, error) {
	var all []string
	if opt.Listen != "" {
		all = append(all, opt.Listen)
	}
	for len(all) < max(opt.Listeners, 1) {
		port, err := FreeUDPPort("127.0.0.1")
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return all, nil
}

// Start starts the daemon and waits until it is ready. It is for a daemon that was killed or stopped;
// what it logs is appended to LogFile.
func (s *Sallyport) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	proc, err := startProcessTo(log, s.binary, []string{"serve", "--config", s.ConfigFile})
	if err != nil {
		return err
	}
	s.proc = proc
	return s.waitReady(proc)
}

func (s *Sallyport) waitReady(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.ready() {
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("sallyport ended before it was ready: %s", s.tail())
		case <-ctx.Done():
			return fmt.Errorf("sallyport is not ready: %w: %s", ctx.Err(), s.tail())
		case <-tick.C:
		}
	}
}

// ready asks the status port, and the admin socket, which nobody else can have: while the daemon was
// down, another test's may have taken the port.
func (s *Sallyport) ready() bool {
	resp, err := http.Get("http://" + s.Status + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false
	}
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func (s *Sallyport) tail() string {
	text, err := os.ReadFile(s.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}

// Run runs another verb of the program and returns its output. SALLYPORT_SOCKET names the daemon's
// socket. A program with the race detector would wait a second before it ends.
func (s *Sallyport) Run(stdin string, args ...string) (string, error) {
	return run([]byte(stdin), []string{"SALLYPORT_SOCKET=" + s.Socket, "GORACE=atexit_sleep_ms=0"}, s.binary, args...)
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

// Get reads a page of the status port.
func (s *Sallyport) Get(path string) (status int, body string, err error) {
	resp, err := http.Get("http://" + s.Status + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	var b strings.Builder
	_, err = bufio.NewReader(resp.Body).WriteTo(&b)
	return resp.StatusCode, b.String(), err
}

// FreeUDPPort returns a UDP port of address that nothing is bound to.
func FreeUDPPort(address string) (int, error) {
	for range 100 {
		port, err := FreePort(address)
		if err != nil {
			return 0, err
		}
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address), Port: port})
		if err == nil {
			return port, conn.Close()
		}
	}
	return 0, fmt.Errorf("no free UDP port on %s", address)
}
