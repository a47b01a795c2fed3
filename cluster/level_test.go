package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/state"
	"sallyport/login"
)

// mustBeTooOld wants an error that ends the process with words for an administrator.
func mustBeTooOld(t *testing.T, what string, err error) {
	t.Helper()
	var setting *cluster.ConfigError
	var level *state.LevelError
	if !errors.As(err, &setting) || !errors.As(err, &level) || *level != (state.LevelError{Have: state.Level + 1, Know: state.Level}) {
		t.Errorf("%s: %v", what, err)
	}
}

// readiness opens a node and says whether it becomes ready.
func readiness(t *testing.T, c cluster.Config) error {
	t.Helper()
	n, err := cluster.Open(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return errors.Join(n.WaitReady(ctx), n.Close())
}

func TestALogOfANewerProgramIsRefused(t *testing.T) {
	config := testConfig(t.TempDir(), nil)
	config.SnapshotInterval, config.SnapshotThreshold, config.TrailingLogs = 5*time.Millisecond, 1, 1
	n := openNode(t, config)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = n.RaiseLevel(ctx, state.Level+1) // its outcome is not known
	mustBeTooOld(t, "while it runs", n.WaitReady(t.Context()))
	if _, err := n.Enrolment(t.Context(), "corp:alice"); !errors.Is(err, login.ErrUnavailable) {
		t.Errorf("a node that is too old answers: %v", err)
	}
	closeNode(t, n)
	mustBeTooOld(t, "after a restart", readiness(t, config))
	mustBeTooOld(t, "once more", readiness(t, config))
	config.Listen = freePort(t)
	mustBeTooOld(t, "Init", cluster.Init(config))
}

func TestASnapshotOfANewerProgramIsRefused(t *testing.T) {
	config := testConfig(t.TempDir(), nil)
	config.SnapshotInterval, config.SnapshotThreshold = 5*time.Millisecond, 1
	n := openNode(t, config)
	waitFor(t, "an older snapshot", func() bool { return n.Status(t.Context()).(cluster.Status).SnapshotAt != "0" })
	closeNode(t, n)
	if err := cluster.SnapshotOfLevel(config, state.Level+1); err != nil {
		t.Fatalf("SnapshotOfLevel: %v", err)
	}
	mustBeTooOld(t, "alone", readiness(t, config))
	_, err := cluster.Inspect(config)
	mustBeTooOld(t, "Inspect", err)
}

func TestAClusterThatIsNewerIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	for name, n := range s.nodes {
		if m, err := n.Members(t.Context()); err != nil || m.Level != state.Level {
			t.Errorf("%s knows level %d, %v", name, m.Level, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = s.nodes["n2"].RaiseLevel(ctx, state.Level+1)
	for name, n := range s.nodes {
		waitFor(t, name+" is out", func() bool { return reason(t, n) != "" })
		mustBeTooOld(t, name, n.WaitReady(t.Context()))
	}
	for name := range s.nodes {
		s.close(name)
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		s.open(name)
	}
	for name, n := range s.nodes {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		mustBeTooOld(t, name+" after a restart", n.WaitReady(ctx))
	}
	config := s.configs["n1"]
	s.close("n1")
	_, err := cluster.Recover(config)
	mustBeTooOld(t, "Recover", err)
}
