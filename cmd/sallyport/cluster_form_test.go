package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/web/admin"
)

// member is a node of a test's cluster: its files in a folder of its own, its daemon in this process.
type member struct {
	name, config, socket, key, data string
	running                         *program
}

// newMember writes the configuration of a node; its cluster port is a free one.
func newMember(t *testing.T, name string) *member {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	m := &member{
		name: name, config: filepath.Join(dir, "sallyport.toml"), socket: filepath.Join(dir, "admin.sock"),
		key: filepath.Join(dir, "master.key"), data: filepath.Join(dir, "data"),
	}
	text := strings.NewReplacer("DIR", dir, `"node1"`, `"`+name+`"`, "[radius]", fmt.Sprintf("[cluster]\nlisten = %q\n[radius]", port)).Replace(small(t))
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// verb runs a verb for the node, which must end with code.
func (m *member) verb(t *testing.T, code int, stdin string, args ...string) outcome {
	t.Helper()
	got := runProgram(t, stdin, args...)
	if got.code != code {
		t.Fatalf("%s: %v: exit %d\n%s%s", m.name, args, got.code, got.stdout, got.stderr)
	}
	return got
}

func (m *member) start(t *testing.T) {
	t.Helper()
	m.running = startProgram(t, "serve", "--config", m.config)
}

func (m *member) stop(t *testing.T) {
	t.Helper()
	m.running.interrupt()
	if code := m.running.end(t); code != exitOK {
		t.Errorf("%s: exit %d\n%s", m.name, code, m.running.stderr)
	}
}

// await asks the node until it sees the cluster as wanted.
func (m *member) await(t *testing.T, wanted func(admin.Members) bool) admin.Members {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		members, err := admin.NewCaller(m.socket).Members(ctx)
		if err == nil && wanted(members) {
			return members
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s sees %+v, %v\n%s", m.name, members, err, m.running.stderr)
		}
	}
}

// first is the first node of a cluster, that runs.
func first(t *testing.T) *member {
	t.Helper()
	m := newMember(t, "node1")
	m.verb(t, exitOK, "", "keys", "generate", "--out", m.key)
	m.verb(t, exitOK, "", "cluster", "init", "--config", m.config)
	m.start(t)
	m.await(t, func(c admin.Members) bool { return c.Healthy && c.Leader == "node1" })
	return m
}

func TestANodeJoinsByItsTokenAndIsRemoved(t *testing.T) {
	one, two := first(t), newMember(t, "node2")
	token := one.verb(t, exitOK, "", "cluster", "token", "node2", "--non-voter", "--socket", one.socket).stdout
	got := two.verb(t, exitOK, token, "cluster", "join", "--token-file", "-", "--config", two.config)
	if !strings.Contains(got.stdout, "node2 has joined node1 in cluster ") || !strings.Contains(got.stdout, "it never counts for the quorum") {
		t.Errorf("join says\n%s%s", got.stdout, got.stderr)
	}
	theirs, err := os.ReadFile(one.key)
	if err != nil {
		t.Fatal(err)
	}
	if ours, err := os.ReadFile(two.key); err != nil || string(ours) != string(theirs) {
		t.Errorf("the second node has another master key (%v)", err)
	}

	two.start(t)
	two.await(t, func(c admin.Members) bool { return c.Healthy && len(c.Nodes) == 2 && c.Leader == "node1" })
	list := two.verb(t, exitOK, "", "cluster", "list", "--socket", two.socket).stdout
	if !strings.Contains(list, "non-voter") || !strings.Contains(list, "quorum 1 of 1: a node alone") {
		t.Errorf("the list is\n%s", list)
	}

	if got := two.verb(t, exitOK, "", "status", "--socket", two.socket).stdout; !strings.Contains(got, "this node: non-voter, ") || !strings.Contains(got, "the cluster: leader node1, quorum 1 of 1") {
		t.Errorf("the status is\n%s", got)
	}

	// A token is good once, and joining wants an empty folder.
	three := newMember(t, "node2")
	if got := three.verb(t, exitFailed, token, "cluster", "join", "--token-file", "-", "--config", three.config); !strings.Contains(got.stderr, "the token is not good") {
		t.Errorf("the used token: %s", got.stderr)
	}
	if _, err := os.Lstat(three.key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a node that was refused has a file for the key: %v", err)
	}
	two.verb(t, exitFailed, "", "cluster", "token", "node2", "--socket", two.socket)

	one.verb(t, exitOK, "", "cluster", "remove", "node2", "--yes", "--socket", one.socket)
	one.await(t, func(c admin.Members) bool { return c.Healthy && len(c.Nodes) == 1 })
	two.stop(t)
	one.stop(t)
	for _, m := range []*member{one, two} {
		for _, secret := range []string{strings.TrimSpace(token), strings.TrimSpace(string(theirs)), "canary"} {
			if strings.Contains(m.running.stderr.String(), secret) {
				t.Errorf("the log of %s has a secret:\n%s", m.name, m.running.stderr)
			}
		}
	}
}

func TestTheOnlySurvivorGoesOn(t *testing.T) {
	one := first(t)
	if got := one.verb(t, exitFailed, "", "cluster", "init", "--config", one.config); !strings.Contains(got.stderr, "is sallyport running already?") {
		t.Errorf("init beside the daemon: %s", got.stderr)
	}
	one.stop(t)
	got := one.verb(t, exitOK, "", "cluster", "recover", "--yes-i-am-the-only-survivor", "--config", one.config)
	if !strings.Contains(got.stdout, "members node1") || !strings.Contains(got.stdout, "node1 is a cluster of its own, in epoch 2") {
		t.Errorf("recover says\n%s", got.stdout)
	}
	one.start(t)
	one.await(t, func(c admin.Members) bool { return c.Healthy && c.Epoch == 2 })
	one.stop(t)
}

// A node that was alone becomes the first of a cluster, and its people stay.
func TestAClusterKeepsThePeopleOfItsFirstNode(t *testing.T) {
	s := serveConfig(t, small(t))
	registered := admin.EnrolAct{UserAct: admin.UserAct{User: "alice", Factor: "totp"}}
	socket := filepath.Join(s.dir, "admin.sock")
	if _, err := admin.NewCaller(socket).Enrol(t.Context(), registered); err != nil {
		t.Fatal(err)
	}
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Fatalf("exit status %d\n%s", code, s.stderr)
	}
	one := newMember(t, "node1")
	one.key, one.data = filepath.Join(s.dir, "master.key"), filepath.Join(s.dir, "data")
	text, err := os.ReadFile(one.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config, []byte(strings.ReplaceAll(string(text), filepath.Dir(one.config), s.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	one.config, one.socket = s.config, socket
	one.verb(t, exitOK, "", "cluster", "init", "--config", one.config)
	one.start(t)
	one.await(t, func(c admin.Members) bool { return c.Healthy })
	users, err := admin.NewCaller(socket).Users(t.Context(), "", 0)
	if err != nil || len(users.Users) != 1 || users.Users[0].Name != "alice" {
		t.Errorf("the people are %+v, %v", users.Users, err)
	}
	one.stop(t)
}
