//go:build e2e

package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// TestReadmeDemo runs the README's first command, with the ports changed, and ends it as Ctrl-C does.
func TestReadmeDemo(t *testing.T) {
	t.Parallel()
	if !strings.Contains(string(readFile(t, "../README.md")), "\n    make demo\n") {
		t.Fatal("the README does not say make demo")
	}
	demo := exec.Command("make", "-s", "demo", "DEMOFLAGS=--listen 127.0.0.1:0 --status 127.0.0.1:0")
	demo.Dir = ".."
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	demo.Stderr = &complaints
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(3*time.Minute, func() { syscall.Kill(-demo.Process.Pid, syscall.SIGKILL) })
	defer watchdog.Stop()
	seen := readUntil(out, "until it is interrupted")
	for _, want := range []string{
		"Username: alice", "Password: wonderland-1", "Enter the code from your authenticator app:", "Accepted",
		"login --server 127.0.0.1:", " bob", "radclient", "sallyport-demo-secret", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s%s", seen, complaints.String())
	}
	syscall.Kill(-demo.Process.Pid, syscall.SIGINT)
	io.Copy(io.Discard, out)
	demo.Wait() // make reports the interrupt; what counts is that it ended
}

// readUntil reads lines up to one that holds the text, or to the end.
func readUntil(r io.Reader, text string) string {
	var seen strings.Builder
	for scan := bufio.NewScanner(r); scan.Scan(); {
		seen.WriteString(scan.Text() + "\n")
		if strings.Contains(scan.Text(), text) {
			break
		}
	}
	return seen.String()
}

// TestReadmeConfiguration checks and starts the configuration that the README shows, with nothing
// changed but paths and addresses.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	_, rest, ok := strings.Cut(string(readFile(t, "../README.md")), "```toml\n")
	config, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the README shows no configuration")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secrets/vpn": servers.ClientSecret, "secrets/ldap": servers.ServicePassword} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(path, "keys", "generate", "--out", filepath.Join(dir, "master.key")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	config = strings.NewReplacer(
		"/etc/sallyport/", dir+"/", "/var/lib/sallyport", filepath.Join(dir, "data"), "0.0.0.0:1812", "127.0.0.1:0",
		"dc1.corp.example", "127.0.0.1:1", "dc2.corp.example", "127.0.0.1:2", // nothing listens there
	).Replace(config) + "\n[status]\nlisten = \"127.0.0.1:0\"\n[admin]\nsocket = \"" + filepath.Join(dir, "admin.sock") + "\"\n"
	file := filepath.Join(dir, "sallyport.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "check-config", "--config", file).CombinedOutput(); err != nil {
		t.Fatalf("check-config: %v: %s", err, out)
	}
	serve := exec.Command(path, "serve", "--config", file)
	log, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(time.Minute, func() { serve.Process.Kill() })
	defer watchdog.Stop()
	if seen := readUntil(log, "event=start"); !strings.Contains(seen, "event=start") {
		t.Errorf("serve does not start: %s", seen)
	}
	serve.Process.Signal(syscall.SIGTERM)
	io.Copy(io.Discard, log)
	if err := serve.Wait(); err != nil {
		t.Errorf("serve does not end in order: %v", err)
	}
}
