package main

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// What the demo with three nodes proposes: the leader is killed in the middle of a login, and the login
// goes on.
func TestDemoGoesOnWhenTheLeaderDies(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	demo := startProgram(t, "demo", "--nodes", "3", "--listen", "127.0.0.1:0", "--status", "127.0.0.1:0")
	demo.stdout.await(t, "runs until it is interrupted")
	nodes := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^ +(node\d) +\S+ +\S+ +\S+ +(\d+) +(?:leads|follows)$`).FindAllStringSubmatch(demo.stdout.String(), -1) {
		nodes[row[1]] = number(t, row[2])
	}
	if len(nodes) != 3 {
		t.Fatalf("no three nodes in\n%s", demo.stdout)
	}

	proposed := demo.stdout.await(t, `(?m)^ +\S.*sallyport' (login --server .* alice)$`)[1]
	typing := &answers{next: func(shown string) string {
		if !strings.Contains(shown, "Enter the code") {
			return demoPassword
		}
		if err := syscall.Kill(nodes[leaderOf(t, demo)], syscall.SIGKILL); err != nil {
			t.Errorf("kill the leader: %v", err)
		}
		code, err := totp.GenerateCode(demoKey, time.Now())
		if err != nil {
			t.Error(err)
		}
		return code
	}}
	code := run(t.Context(), strings.Fields(proposed), env{typing, typing, &typing.errors, os.Getenv, programName})
	if code != exitOK || !strings.Contains(typing.shown.String(), "Accepted: You are logged in.") {
		t.Fatalf("exit status %d\n%s\n%s", code, typing.shown.String(), typing.errors.String())
	}
	demo.stdout.await(t, `node\d, the leader, died: signal: killed\n`)
	demo.stdout.await(t, `node\d leads, \d+\.\d\d s after the leader died\n`)
	again := demo.stdout.await(t, `node\d is started again, \d+\.\d\d s after it died: process (\d+)\n`)

	demo.interrupt()
	if code := demo.end(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, demo.stderr)
	}
	nodes["again"] = number(t, again[1])
	for name, pid := range nodes {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d, %s, is still there: %v", pid, name, err)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v behind (%v)", left, err)
	}
}

// leaderOf returns who leads, as the demo told last: on a busy machine that changes.
func leaderOf(t *testing.T, demo *program) string {
	t.Helper()
	if told := regexp.MustCompile(`(?m)^[\d:.]+ (node\d) leads`).FindAllStringSubmatch(demo.stdout.String(), -1); len(told) > 0 {
		return told[len(told)-1][1]
	}
	return demo.stdout.await(t, `(?m)^ +(node\d) .* leads$`)[1]
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
