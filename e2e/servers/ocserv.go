package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// OcservOptions says how an ocserv asks its RADIUS servers. Only Servers is needed.
type OcservOptions struct {
	// Servers are the RADIUS addresses and ports, in the order in which they are asked.
	Servers []string
	// Secret is the shared secret of all of them; empty means [ClientSecret].
	Secret string
	// Timeout is the wait for each transmission, in whole seconds of at least 1, which is what 0
	// means; Retries is the number of further transmissions to a server before the next one is
	// asked, at least 1, which is what 0 means.
	Timeout time.Duration
	Retries int
}

// Ocserv is a running ocserv: a VPN server that speaks AnyConnect's protocol and lets in whom its
// RADIUS servers accept. No tunnel is ever made. Methods are safe for concurrent use.
type Ocserv struct {
	running

	// Address is the address and port listened on; CAFile verifies its certificate.
	Address, CAFile string

	dir string
}

// StartOcserv starts an ocserv for the duration of a test.
func StartOcserv(t T, opt OcservOptions) *Ocserv {
	t.Helper()
	// Not the test's own folder: only root may enter that one, and its name can be too long for a socket.
	dir, err := os.MkdirTemp("", "ocserv-")
	if err != nil {
		t.Fatalf("start ocserv: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o, err := NewOcserv(dir, opt)
	if err != nil {
		t.Fatalf("start ocserv: %v", err)
	}
	t.Cleanup(o.Kill) // in order it would take a second, and it has no state
	return o
}

// NewOcserv writes the configuration and a certificate into dir, which everyone is let into, starts
// the server on a free port of 127.0.0.1 and waits until it listens.
func NewOcserv(dir string, opt OcservOptions) (*Ocserv, error) {
	if opt.Secret == "" {
		opt.Secret = ClientSecret
	}
	if opt.Timeout == 0 {
		opt.Timeout = time.Second
	}
	if opt.Retries == 0 {
		opt.Retries = 1
	}
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return nil, err
	}
	o := &Ocserv{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir}
	if err := o.configure(port, opt); err != nil {
		return nil, err
	}
	proc, err := startProcess("/usr/sbin/ocserv", []string{"--foreground", "--debug", "2", "--config", o.file("ocserv.conf")})
	if err != nil {
		return nil, err
	}
	o.proc = proc
	if err := proc.waitFor(context.Background(), o.Address); err != nil {
		o.Stop()
		return nil, err
	}
	return o, nil
}

// Log returns the last of what the server printed; "" when it does not run.
func (o *Ocserv) Log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.proc == nil {
		return ""
	}
	return o.proc.out.String()
}

func (o *Ocserv) file(name string) string { return filepath.Join(o.dir, name) }

func (o *Ocserv) configure(port int, opt OcservOptions) error {
	if err := os.Chmod(o.dir, 0o711); err != nil { // its workers run as nobody
		return err
	}
	ca, err := NewCA(o.dir)
	if err != nil {
		return err
	}
	o.CAFile = ca.File
	cert, key, err := ca.Issue("127.0.0.1")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"ocserv.conf":       ocservConfig(o.dir, port, cert, key),
		"radiusclient.conf": radcliConfig(o.dir, opt),
		"servers":           radcliServers(opt),
	} {
		if err := os.WriteFile(o.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ocservConfig sets no ban score: after a few wrong codes ocserv would shut 127.0.0.1 out.
func ocservConfig(dir string, port int, cert, key string) string {
	return fmt.Sprintf(`auth = "radius[config=%[1]s/radiusclient.conf]"
listen-host = 127.0.0.1
tcp-port = %[2]d
run-as-user = nobody
run-as-group = daemon
socket-file = %[1]s/socket
pid-file = %[1]s/pid
server-cert = %[3]s
server-key = %[4]s
isolate-workers = false
use-occtl = false
max-clients = 16
max-same-clients = 0
rate-limit-ms = 0
max-ban-score = 0
auth-timeout = 240
device = vpns
ipv4-network = 192.168.77.0
ipv4-netmask = 255.255.255.0
cisco-client-compat = true
`, dir, port, cert, key)
}

func radcliConfig(dir string, opt OcservOptions) string {
	return fmt.Sprintf(`nas-identifier ocserv
authserver %[1]s
acctserver %[1]s
servers %[2]s/servers
dictionary /etc/radcli/dictionary
default_realm
radius_timeout %[3]d
radius_retries %[4]d
bindaddr *
`, strings.Join(opt.Servers, ","), dir, int(opt.Timeout.Seconds()), opt.Retries)
}

// radcliServers names each host once: radcli looks the secret up by the host alone.
func radcliServers(opt OcservOptions) string {
	var lines strings.Builder
	seen := map[string]bool{}
	for _, server := range opt.Servers {
		host, _, _ := strings.Cut(server, ":")
		if !seen[host] {
			fmt.Fprintf(&lines, "%s %s\n", host, opt.Secret)
		}
		seen[host] = true
	}
	return lines.String()
}
