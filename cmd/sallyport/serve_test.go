package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/directory/local"
)

// systemd takes the notifications of a daemon in its place.
func systemd(t *testing.T) *output {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", socket)
	told := newOutput()
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 4096)
		for {
			n, err := conn.Read(packet)
			if err != nil {
				return
			}
			fmt.Fprintf(told, "%s\n", packet[:n])
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return told
}

// service is a daemon that runs from files in a folder.
type service struct {
	*program
	dir, config string
	told        *output
	server      string
}

// prepare writes a configuration and makes a master key. DIR in the text is the folder.
func prepare(t *testing.T, text string) *service {
	t.Helper()
	s := &service{dir: t.TempDir()}
	s.config = filepath.Join(s.dir, "sallyport.toml")
	if got := runProgram(t, "", "keys", "generate", "--out", filepath.Join(s.dir, "master.key")); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	s.write(t, text)
	return s
}

// serveConfig prepares a daemon and starts it.
func serveConfig(t *testing.T, text string) *service {
	t.Helper()
	s := prepare(t, text)
	s.told = systemd(t)
	s.program = startProgram(t, "serve", "--config", s.config, "--log-format", "json")
	select {
	case code := <-s.code:
		t.Fatalf("exit status %d\n%s", code, s.stderr)
	case <-s.told.written:
	}
	s.server = s.told.await(t, `READY=1\nSTATUS=node node1 serves RADIUS on (\S+)`)[1]
	return s
}

func (s *service) write(t *testing.T, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "DIR", s.dir)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload sends the hang-up and waits until systemd was told that the reload is over.
func (s *service) reload(t *testing.T) {
	t.Helper()
	before := strings.Count(s.told.String(), "READY=1")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.told.await(t, fmt.Sprintf(`(?s)(READY=1.*){%d}`, before+1))
}

func (s *service) login(t *testing.T, user, secret string, answers ...string) outcome {
	t.Helper()
	file := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return runProgram(t, strings.Join(answers, "\n")+"\n", "login", "--server", s.server, "--secret-file", file,
		"--calling-station-id", "198.51.100.7", user)
}

// small is a configuration with one local user.
func small(t *testing.T) string {
	t.Helper()
	hash, err := local.Hash("wonderland-1")
	if err != nil {
		t.Fatal(err)
	}
	return `
[node]
name = "node1"
data_dir = "DIR/data"
master_key_file = "master.key"
[radius]
listen = "127.0.0.1:0"
[status]
listen = "127.0.0.1:0"
[admin]
socket = "DIR/admin.sock"
[login]
reject_delay = "0s"
[[client]]
name = "vpn"
address = "127.0.0.1"
secret = "first-canary-of-24-octets"
policy = "staff"
[policy.staff]
directory = "corp"
factors = ["totp"]
registration = "first-login"
[factors.totp]
[directory.corp]
type = "local"
[[directory.corp.users]]
id = "1"
name = "alice"
password_hash = "` + hash + `"
`
}

func TestServeLogsIn(t *testing.T) {
	s := serveConfig(t, small(t))
	first := s.login(t, "alice", "first-canary-of-24-octets", "wonderland-1")
	key := regexp.MustCompile(`app: ([A-Z2-7 ]+) Then`).FindStringSubmatch(first.stdout)
	if key == nil {
		t.Fatalf("no key is shown:\n%s%s", first.stdout, first.stderr)
	}
	// The candidate is kept for a person who asks again within half a minute, from the same station.
	code, err := totp.GenerateCode(strings.ReplaceAll(key[1], " ", ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again := s.login(t, "alice", "first-canary-of-24-octets", "wonderland-1", code)
	if again.code != exitOK {
		t.Fatalf("exit status %d\n%s%s", again.code, again.stdout, again.stderr)
	}

	// Each verdict is one line, with who, from where, how it was earned, and how long each part took.
	line := s.stderr.await(t, `(?m)^.*"verdict":"accept".*$`)[0]
	for _, want := range []string{
		`"event":"login"`, `"trace":"`, `"client":"vpn"`, `"address":"127.0.0.1"`, `"username":"alice"`,
		`"user_id":"corp:1"`, `"factor":"totp"`, `"code":"accepted"`, `"earned":"password+totp"`,
		`"registered":true`, `"ledger_ms":`, `"ms":`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in the audit line %s", want, line)
		}
	}
	wrong := s.login(t, "alice", "first-canary-of-24-octets", "looking-glass-canary")
	if wrong.code != exitFailed || !strings.Contains(wrong.stdout, "Rejected: Wrong username or password.") {
		t.Errorf("exit status %d\n%s%s", wrong.code, wrong.stdout, wrong.stderr)
	}

	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Errorf("exit status %d", code)
	}
	s.told.await(t, "STOPPING=1")
	for _, secret := range []string{"canary", "wonderland", key[1], strings.ReplaceAll(key[1], " ", ""), code} {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, s.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "admin.sock")); err == nil {
		t.Error("the admin socket is left behind")
	}
}

func TestReloadTakesOverWhatItCan(t *testing.T) {
	text := small(t)
	s := serveConfig(t, text)
	if got := s.login(t, "alice", "first-canary-of-24-octets", "wonderland-1"); !strings.Contains(got.stdout, "Add this key") {
		t.Fatalf("before the reload:\n%s%s", got.stdout, got.stderr)
	}

	// A new secret, a new directory, and an address that needs a restart.
	text = strings.ReplaceAll(text, "first-canary", "second-canary")
	text = strings.ReplaceAll(text, `name = "alice"`, `name = "carol"`)
	s.write(t, strings.Replace(text, `listen = "127.0.0.1:0"`, `listen = "127.0.0.2:0"`, 1))
	s.reload(t)
	s.told.await(t, `RELOADING=1\nMONOTONIC_USEC=\d+\n`)
	s.stderr.await(t, `these settings wait for a restart.*"settings":\["radius.listen"\]`)
	if got := s.login(t, "carol", "second-canary-of-24-octets", "wonderland-1"); !strings.Contains(got.stdout, "Add this key") {
		t.Errorf("after the reload:\n%s%s", got.stdout, got.stderr)
	}
	if got := runProgram(t, "", "status", "--socket", filepath.Join(s.dir, "admin.sock")); got.code != exitOK {
		t.Errorf("status after the reload: %d\n%s%s", got.code, got.stdout, got.stderr)
	}

	// What waits for a restart still does after a reload that changes something else.
	text = strings.ReplaceAll(text, `name = "carol"`, `name = "dave"`)
	s.write(t, strings.Replace(text, `listen = "127.0.0.1:0"`, `listen = "127.0.0.2:0"`, 1))
	s.reload(t)
	s.stderr.await(t, `(?s)(these settings wait for a restart.*"settings":\["radius.listen"\].*){2}`)
	text = strings.ReplaceAll(text, `name = "dave"`, `name = "carol"`)
	s.write(t, text)
	s.reload(t)
	s.stderr.await(t, `"configuration reloaded"`)

	// A wrong file changes nothing, and says all that is wrong.
	s.write(t, strings.Replace(text, "second-canary", "third-canary", 1)+"[portal]\n[clusters]\n")
	s.reload(t)
	s.stderr.await(t, `not reloaded, the old one stays.*portal: unknown key`)
	s.stderr.await(t, `not reloaded, the old one stays.*clusters: unknown key \(did you mean \\"cluster\\"`)
	if got := s.login(t, "carol", "second-canary-of-24-octets", "wonderland-1"); !strings.Contains(got.stdout, "Add this key") {
		t.Errorf("after the refused reload:\n%s%s", got.stdout, got.stderr)
	}
}

// The audit is no matter of the log's level.
func TestAuditIsWrittenAtEveryLevel(t *testing.T) {
	s := serveConfig(t, small(t)+"[log]\nlevel = \"error\"\n")
	if got := s.login(t, "alice", "first-canary-of-24-octets", "looking-glass"); got.code != exitFailed {
		t.Fatalf("exit status %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.stderr.await(t, `"event":"login".*"code":"password_invalid"`)
	socket := filepath.Join(s.dir, "admin.sock")
	if got := runProgram(t, "", "client", "forget", "vpn", "--yes", "--socket", socket); got.code != exitOK {
		t.Fatalf("exit status %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.stderr.await(t, `"event":"admin","act":"client.forget"`)
	if strings.Contains(s.stderr.String(), `"event":"start"`) {
		t.Errorf("the log is louder than its level:\n%s", s.stderr)
	}
}

func TestReloadReadsChangedFilesOfDirectories(t *testing.T) {
	text, users, _ := strings.Cut(small(t), "[[directory.corp.users]]")
	file := filepath.Join(t.TempDir(), "users.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	users = "[[users]]" + users
	write(users)
	s := serveConfig(t, text+"users_file = \""+file+"\"\n")
	write(strings.ReplaceAll(users, "alice", "carol"))
	s.reload(t)
	if got := s.login(t, "carol", "first-canary-of-24-octets", "wonderland-1"); !strings.Contains(got.stdout, "Add this key") {
		t.Errorf("after the reload:\n%s%s", got.stdout, got.stderr)
	}
	write("[[users]\n")
	s.reload(t)
	s.stderr.await(t, `not reloaded, the old one stays.*users_file`)
	if got := s.login(t, "carol", "first-canary-of-24-octets", "wonderland-1"); !strings.Contains(got.stdout, "Add this key") {
		t.Errorf("after the refused reload:\n%s%s", got.stdout, got.stderr)
	}
}

// A reload that waits for a file that never comes does not keep the daemon from stopping.
func TestAStopDoesNotWaitForAReload(t *testing.T) {
	s := serveConfig(t, small(t))
	if err := errors.Join(os.Remove(s.config), syscall.Mkfifo(s.config, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.told.await(t, "RELOADING=1")
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Errorf("exit status %d\n%s", code, s.stderr)
	}
	if told := s.told.await(t, `(?s)RELOADING=1(.*)STOPPING=1`); strings.Contains(told[1], "READY=1") {
		t.Errorf("systemd was told\n%s", told[0])
	}
	pipe, err := os.OpenFile(s.config, os.O_WRONLY, 0) // whoever reads it finds its end
	if err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
}

// A service manager that stops a daemon which still starts has not seen it fail.
func TestInterruptedStartIsNoFailure(t *testing.T) {
	s := prepare(t, small(t))
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	p := startProgramIn(interrupted, "serve", "--config", s.config)
	if code := p.end(t); code != exitOK || regexp.MustCompile(`(?m)^sallyport:|level=(WARN|ERROR)`).MatchString(p.stderr.String()) {
		t.Errorf("exit status %d\n%s", code, p.stderr)
	}
}

func TestServeRefusesAnImpossibleDataDir(t *testing.T) {
	dangling := filepath.Join(t.TempDir(), "dangling")
	if err := os.Symlink("nowhere/at/all", dangling); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"below a file": "DIR/master.key/data", "behind a link to nowhere": dangling, "where no folder can be": "/proc/none"} {
		s := prepare(t, strings.Replace(small(t), "DIR/data", dir, 1))
		got := runProgram(t, "", "serve", "--config", s.config)
		if got.code != exitConfig || strings.Count(got.stderr, "use another data_dir") != 1 {
			t.Errorf("%s: exit status %d\n%s", name, got.code, got.stderr)
		}
	}
}

func TestServeRefusesTheDataOfAnotherNode(t *testing.T) {
	s := serveConfig(t, small(t))
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Fatalf("exit status %d\n%s", code, s.stderr)
	}
	s.write(t, strings.Replace(small(t), "node1", "node2", 1))
	got := runProgram(t, "", "serve", "--config", s.config)
	if got.code != exitConfig || !strings.Contains(got.stderr, `belongs to node ["node1"]`) {
		t.Errorf("exit status %d\n%s", got.code, got.stderr)
	}
}

func TestServeRefusesAnotherMasterKey(t *testing.T) {
	text := small(t)
	s := serveConfig(t, text)
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Fatalf("exit status %d\n%s", code, s.stderr)
	}
	key := filepath.Join(s.dir, "master.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if got := runProgram(t, "", "keys", "generate", "--out", key); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	got := runProgram(t, "", "serve", "--config", s.config)
	if got.code != exitConfig || !strings.Contains(got.stderr, "master key") {
		t.Errorf("exit status %d\n%s", got.code, got.stderr)
	}
}

// A load balancer that reads /readyz must not send people to a daemon that does not listen yet.
func TestReadyOnlyWhenTheStartIsOver(t *testing.T) {
	s := prepare(t, small(t))
	cfg, err := config.Load(s.config, "")
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(cfg, newLogs(io.Discard, "text", slog.LevelError))
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
	})
	steps := d.steps()
	for n, step := range steps {
		if d.status != nil && d.status.Report(t.Context()).Ready {
			t.Errorf("ready before step %d of %d", n+1, len(steps))
		}
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r := d.status.Report(t.Context()); !r.Ready {
		t.Errorf("not ready after the start: %v", r.NotReady())
	}
}
