package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/login"
)

// canary is a secret that may not be found in any file.
const canary = "JBSWY3DPEHPK3PXP-canary"

// enrolAlice registers alice and returns a settlement of hers.
func enrolAlice(t *testing.T, n *cluster.Node, clock *ledgertest.Clock) login.Settlement {
	t.Helper()
	ctx := t.Context()
	err := n.Register(ctx, cluster.Registration{UserID: "corp:alice", Name: "Alice", Factor: "totp", Record: []byte(canary)})
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	ring, err := n.Keys(ctx)
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	return login.Settlement{
		Challenge: login.ChallengeID{1}, Token: login.Tag{1}, Answer: login.Tag{1}, Client: "vpn",
		UserID: "corp:alice", Handle: ring.Handle("corp:alice"), ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1,
		Number: 100, Expires: clock.Now().Add(2 * time.Minute),
		Limits: login.Limits{Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, Keep: time.Minute},
	}
}

func settle(t *testing.T, n *cluster.Node, s login.Settlement, want login.Outcome) {
	t.Helper()
	got, err := n.Settle(t.Context(), s)
	if !want.Repeated {
		got.Repeated = false // a proposal whose outcome was lost with a leader is made again, and finds its own
	}
	if err != nil || got != want {
		t.Fatalf("Settle: %+v, %v, want %+v", got, err, want)
	}
}

func closeNode(t testing.TB, n *cluster.Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	clock := ledgertest.NewClock()
	for _, withSnapshots := range []bool{false, true} {
		config := testConfig(t.TempDir(), clock.Now)
		if withSnapshots {
			config.SnapshotInterval, config.SnapshotThreshold, config.TrailingLogs = 5*time.Millisecond, 1, 1
		}
		n := openNode(t, config)
		s := enrolAlice(t, n, clock)
		settle(t, n, s, login.Outcome{Code: login.CodeAccepted})
		o, err := n.Open(t.Context(), login.Opening{ID: login.ChallengeID{2}, UserID: "corp:bob", Client: "vpn", Record: []byte(canary), Life: time.Minute})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if withSnapshots {
			waitFor(t, "a snapshot", func() bool { return n.Status(t.Context()).(cluster.Status).SnapshotAt != "0" })
		}
		ring, _ := n.Keys(t.Context())
		closeNode(t, n)

		n = openNode(t, config)
		settle(t, n, s, login.Outcome{Code: login.CodeAccepted, Repeated: true})
		s.Challenge = login.ChallengeID{3}
		settle(t, n, s, login.Outcome{Code: login.CodeOTPReplayed, AttemptsLeft: 3})
		again, found, err := n.Opened(t.Context(), o.ID)
		if err != nil || !found || string(again.Record) != canary || !again.Expires.Equal(o.Expires) {
			t.Errorf("Opened: %+v, %v, %v", again, found, err)
		}
		e, err := n.Enrolment(t.Context(), "corp:alice")
		if record, open := n.Record(t.Context(), e, "totp"); err != nil || open != nil || string(record) != canary {
			t.Errorf("Enrolment: %+v, %v; Record: %q, %v", e, err, record, open)
		}
		if after, _ := n.Keys(t.Context()); after.ClusterID() != ring.ClusterID() || after.Handle("x") != ring.Handle("x") {
			t.Error("the key ring is another")
		}
		closeNode(t, n)
		lookForSecrets(t, config.DataDir)
	}
}

// TestAnAcknowledgedAnswerIsOnDisk looks at the files as they are when the process is killed: what
// was acknowledged is there without Close.
func TestAnAcknowledgedAnswerIsOnDisk(t *testing.T) {
	clock := ledgertest.NewClock()
	config := testConfig(t.TempDir(), clock.Now)
	n := openNode(t, config)
	s := enrolAlice(t, n, clock)
	settle(t, n, s, login.Outcome{Code: login.CodeAccepted})
	wrong := s
	wrong.Challenge, wrong.Number = login.ChallengeID{2}, 0
	settle(t, n, wrong, login.Outcome{Code: login.CodeOTPInvalid, AttemptsLeft: 2})

	killed := config
	killed.DataDir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(killed.DataDir, os.DirFS(config.DataDir)); err != nil {
		t.Fatal(err)
	}
	n = openNode(t, killed)
	settle(t, n, s, login.Outcome{Code: login.CodeAccepted, Repeated: true})
	e, err := n.Enrolment(t.Context(), "corp:alice")
	if c := e.Credentials["totp"]; err != nil || c.Last != 100 || c.Failures != 1 {
		t.Errorf("Enrolment: %+v, %v", c, err)
	}
}

// waitFor waits until a named condition holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// lookForSecrets searches every file for the canary and the master key.
func lookForSecrets(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(canary)) || bytes.Contains(content, masterKey) {
			t.Errorf("%s holds a secret in the clear", path)
		}
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files searched: %v", files, err)
	}
}

func TestOnlyTheOwnerReads(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	config := testConfig(filepath.Join(t.TempDir(), "data"), nil)
	config.SnapshotInterval, config.SnapshotThreshold = 5*time.Millisecond, 1
	n := openNode(t, config)
	enrolAlice(t, n, ledgertest.NewClock())
	waitFor(t, "a snapshot", func() bool { return n.Status(t.Context()).(cluster.Status).SnapshotAt != "0" })
	closeNode(t, n)
	snapshots := 0
	err := filepath.WalkDir(config.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if d.Name() == "state.bin" {
			snapshots++
		}
		return err
	})
	if err != nil || snapshots == 0 {
		t.Errorf("%d snapshots seen: %v", snapshots, err)
	}
}

func TestAWrongStartIsRefused(t *testing.T) {
	config := testConfig(t.TempDir(), nil)
	n := openNode(t, config)
	if _, err := cluster.Open(config); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second opener: %v", err)
	}
	closeNode(t, n)

	wrong := config
	wrong.MasterKey = bytes.Repeat([]byte{8}, 32)
	if _, err := cluster.Open(wrong); !errors.Is(err, cluster.ErrMasterKey) {
		t.Errorf("a wrong master key: %v", err)
	}
	wrong = config
	wrong.Name = "node2"
	var setting *cluster.ConfigError
	if _, err := cluster.Open(wrong); !errors.As(err, &setting) || !strings.Contains(err.Error(), "node1") {
		t.Errorf("another node's data: %v", err)
	}
	wrong = config
	wrong.DataDir = filepath.Join(config.DataDir, "raft", "raft.db", "data")
	if _, err := cluster.Open(wrong); !errors.As(err, &setting) {
		t.Errorf("a data directory below a file: %v", err)
	}
	if _, err := cluster.Open(cluster.Config{}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("nothing configured: %v", err)
	}
	wrong = config
	wrong.HeartbeatTimeout = time.Millisecond
	if _, err := cluster.Open(wrong); err == nil || !strings.Contains(err.Error(), "HeartbeatTimeout") {
		t.Errorf("timings that raft refuses: %v", err)
	}
	closeNode(t, openNode(t, config)) // and nothing was harmed
}

func TestStateKeysRotate(t *testing.T) {
	clock := ledgertest.NewClock()
	config := testConfig(t.TempDir(), clock.Now)
	for day, want := range []int{1, 2, 3, 3, 3} {
		n := openNode(t, config)
		if got := n.Status(t.Context()).(cluster.Status).StateKeys; got != want {
			t.Errorf("day %d: %d keys, want %d", day, got, want)
		}
		if err := n.Ready(t.Context()); err != nil {
			t.Errorf("day %d: %v", day, err)
		}
		clock.Advance(26 * time.Hour)
		if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "State key") {
			t.Errorf("a State key of 26 hours: %v", err)
		}
		closeNode(t, n)
	}
}

func TestAClosedNodeConcludesNothing(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir(), nil))
	s := enrolAlice(t, n, ledgertest.NewClock())
	if err := n.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	closeNode(t, n)
	ctx := t.Context()
	_, keys := n.Keys(ctx)
	_, enrolment := n.Enrolment(ctx, "corp:alice")
	_, _, handle := n.EnrolmentByHandle(ctx, login.Handle{})
	_, _, opened := n.Opened(ctx, login.ChallengeID{})
	_, open := n.Open(ctx, login.Opening{})
	_, settle := n.Settle(ctx, s)
	cancel := n.Cancel(ctx, login.Cancellation{})
	_, users := n.Users(ctx, "", 1)
	for i, err := range []error{keys, enrolment, handle, opened, open, settle, cancel, users, n.Ready(ctx), n.WaitReady(ctx)} {
		if !errors.Is(err, login.ErrUnavailable) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestWaitingForALeaderEndsWithItsContext(t *testing.T) {
	config := testConfig(t.TempDir(), nil)
	config.HeartbeatTimeout, config.ElectionTimeout = time.Hour, time.Hour // no election
	n, err := cluster.Open(config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer n.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := n.WaitReady(ctx); !errors.Is(err, login.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitReady: %v", err)
	}
	if _, err := n.Enrolment(t.Context(), "corp:alice"); !errors.Is(err, login.ErrUnavailable) {
		t.Errorf("a read before the log was applied: %v", err)
	}
}

func TestStatusIsJSON(t *testing.T) {
	clock := ledgertest.NewClock()
	n := openNode(t, testConfig(t.TempDir(), clock.Now))
	settle(t, n, enrolAlice(t, n, clock), login.Outcome{Code: login.CodeAccepted})
	text, err := json.Marshal(n.Status(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"node":"node1"`, `"ready":true`, `"raft_state":"Leader"`, `"leader":"node1"`, `"users":1`, `"verdicts":1`, `"state_keys":1`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if s := n.Stats(); s.Commits != 3 || s.Batches != 3 || s.Applied != 3 || s.Failed != 0 || s.Verdicts != 1 || s.Challenges != 1 {
		t.Errorf("Stats: %+v", s)
	}
	if n.Name() != "cluster" {
		t.Errorf("Name: %q", n.Name())
	}
}
