package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	codec "layeh.com/radius"
)

// transcript is what a demo prints; numbers that differ from run to run are N.
const transcript = `One complete login, over UDP, as a VPN does it for alice:

    Username: alice
    Password: wonderland-1
    Enter the code from your authenticator app: N
    Accepted: You are logged in.

The people of the demo:
`

// startDemo runs a demo on free ports until it waits for people, and returns its RADIUS address.
func startDemo(t *testing.T, args ...string) (demo *program, server string) {
	t.Helper()
	demo = startProgram(t, append([]string{"demo", "--listen", "127.0.0.1:0", "--status", "127.0.0.1:0"}, args...)...)
	demo.stdout.await(t, "runs until it is interrupted")
	return demo, demo.stdout.await(t, `RADIUS on (\S+) \(shared secret sallyport-demo-secret\)`)[1]
}

func TestDemoLogsInOverUDPAndWaitsForPeople(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	demo, server := startDemo(t)

	shown := regexp.MustCompile(`(?m)^ +\(expires in .*\n`).ReplaceAllString(demo.stdout.String(), "")
	shown = regexp.MustCompile(`app: \d{6}`).ReplaceAllString(shown, "app: N")
	if !strings.Contains(shown, transcript) {
		t.Errorf("the demo shows\n%s\nwant\n%s", shown, transcript)
	}
	for _, line := range []string{
		"'" + programName + "' login --server " + server + " bob",
		`printf 'User-Name = "alice"\nUser-Password = "wonderland-1"\nMessage-Authenticator = 0x00\n' | radclient -x ` + server + " auth sallyport-demo-secret",
	} {
		if !strings.Contains(shown, "\n    "+line+"\n") {
			t.Errorf("the demo does not propose\n%s", line)
		}
	}

	demo.interrupt()
	if code := demo.end(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, demo.stderr)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v behind (%v)", left, err)
	}
}

// The demo answers accounting at the port that follows, and logs people in where that is taken.
func TestC6DemoAnswersAccounting(t *testing.T) {
	demo, _ := startDemo(t)
	address := demo.stdout.await(t, `accounting on (\S+),`)[1]
	request := codec.New(codec.CodeAccountingRequest, []byte(demoSecret))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if reply, err := codec.Exchange(ctx, request, address); err != nil || reply.Code != codec.CodeAccountingResponse {
		t.Errorf("%v, %v", reply, err)
	}

	other := startProgram(t, "demo", "--listen", beforeTakenPort(t), "--status", "127.0.0.1:0")
	other.stdout.await(t, "accounting nowhere, since its port is taken")
	other.stderr.await(t, "accounting is not answered: its port cannot be bound")
	other.stdout.await(t, "runs until it is interrupted")
}

// beforeTakenPort returns a free UDP address of loopback whose next port is taken.
func beforeTakenPort(t *testing.T) string {
	t.Helper()
	for {
		free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		address := free.LocalAddr().(*net.UDPAddr)
		taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: address.IP, Port: address.Port + 1})
		free.Close()
		if err == nil {
			t.Cleanup(func() { taken.Close() })
			return address.String()
		}
	}
}

// What the demo proposes can be copied: it calls the program as the demo was called.
func TestDemoProposesLinesThatRun(t *testing.T) {
	demo, _ := startDemo(t)
	line := demo.stdout.await(t, `(?m)^ +(.* user list .*)$`)[1]
	binary, err := exec.LookPath("sallyport") // testscript puts it there
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir(filepath.Dir(programName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, programName); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "demo:alice") {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// Someone whose app shows the same code as the demo's must not meet a used one.
func TestDemoLeavesTheCurrentCodeToPeople(t *testing.T) {
	_, server := startDemo(t)
	code, err := totp.GenerateCode(demoKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, demoPassword+"\n"+code+"\n", "login", "--server", server, demoUser)
	if got.code != exitOK || !strings.Contains(got.stdout, "Accepted: ") {
		t.Errorf("exit status %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

func TestDemoRegistersAndKeepsItsStateWhenAsked(t *testing.T) {
	state := t.TempDir()
	demo, server := startDemo(t, "--state", state)
	key := registerAtDemo(t, server)
	demo.interrupt()
	if code := demo.end(t); code != exitOK {
		t.Fatalf("exit status %d: %s", code, demo.stderr)
	}

	_, server = startDemo(t, "--state", state)
	next, err := totp.GenerateCode(key, time.Now().Add(30*time.Second)) // the first one is used
	if err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, demoOtherPassword+"\n"+next+"\n", "login", "--server", server, demoOtherUser)
	if got.code != exitOK || strings.Contains(got.stdout, "Add this key") {
		t.Errorf("exit status %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// registerAtDemo logs bob in for the first time and returns the key that he was shown.
func registerAtDemo(t *testing.T, server string) string {
	t.Helper()
	var key string
	typed := &answers{next: func(shown string) string {
		found := regexp.MustCompile(`app: ([A-Z2-7 ]+) Then`).FindStringSubmatch(shown)
		if found == nil {
			return demoOtherPassword
		}
		key = strings.ReplaceAll(found[1], " ", "")
		code, err := totp.GenerateCode(key, time.Now())
		if err != nil {
			t.Error(err)
		}
		return code
	}}
	e := env{typed, typed, &typed.errors, os.Getenv, programName}
	if code := run(t.Context(), []string{"login", "--server", server, demoOtherUser}, e); code != exitOK {
		t.Fatalf("exit status %d\n%s\n%s", code, typed.shown.String(), typed.errors.String())
	}
	return key
}

// answers types what next makes of all that was shown so far.
type answers struct {
	next          func(shown string) string
	shown, errors strings.Builder
	line          string
}

func (a *answers) Write(p []byte) (int, error) { return a.shown.Write(p) }

func (a *answers) Read(p []byte) (int, error) {
	if a.line == "" {
		a.line = a.next(a.shown.String()) + "\n"
	}
	n := copy(p, a.line)
	a.line = a.line[n:]
	return n, nil
}

func TestDemoSaysWhatToDoWhenThePortIsTaken(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	got := runProgram(t, "", "demo", "--listen", taken.LocalAddr().String(), "--status", "127.0.0.1:0")
	if got.code != exitFailed || !strings.Contains(got.stderr, "--listen 127.0.0.1:0") {
		t.Errorf("exit status %d\n%s", got.code, got.stderr)
	}
}

func TestDemoSaysThatTheStateFoldersPathIsTooLong(t *testing.T) {
	state := filepath.Join(t.TempDir(), strings.Repeat("s", 100))
	got := runProgram(t, "", "demo", "--listen", "127.0.0.1:0", "--status", "127.0.0.1:0", "--state", state)
	if got.code != exitUsage || !strings.Contains(got.stderr, "--state: the folder's path is too long") {
		t.Errorf("exit status %d\n%s", got.code, got.stderr)
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state folder was made all the same")
	}
}

// The demo's passwords and secrets are public.
func TestDemoServesLoopbackOnly(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	for flag, other := range map[string]string{"--listen": "--status", "--status": "--listen"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		p := startProgramIn(ctx, "demo", flag, "0.0.0.0:0", other, "127.0.0.1:0", "--state", state)
		if code := p.end(t); code != exitUsage || !strings.Contains(p.stderr.String(), flag+": ") || !strings.Contains(p.stderr.String(), "loopback") {
			t.Errorf("%s: exit status %d\n%s", flag, code, p.stderr)
		}
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state folder was made all the same")
	}
}
