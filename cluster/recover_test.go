package cluster_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

func TestTheLastSurvivorRecovers(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	used := s.use(100)
	settle(t, s.nodes["n2"], used, login.Outcome{Code: login.CodeAccepted})
	config := s.configs["n3"]
	config.Floors = func(time.Time) map[string]uint64 { return map[string]uint64{"totp": 120} }
	if _, err := cluster.Recover(config); err == nil || !strings.Contains(err.Error(), "is sallyport running") {
		t.Errorf("while it runs: %v", err)
	}
	waitFor(t, "n3 has everything", func() bool { return s.nodes["n3"].Refresh(t.Context()) == nil })
	before, err := s.nodes["n3"].Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		s.close(name)
	}
	wrong := config
	wrong.MasterKey = bytes.Repeat([]byte{9}, 32)
	if _, err := cluster.Recover(wrong); !errors.Is(err, cluster.ErrMasterKey) {
		t.Errorf("another master key: %v", err)
	}
	seen, err := cluster.Inspect(config)
	if err != nil || seen.Node != "n3" || seen.Epoch != 1 || seen.Users != 1 || seen.LastIndex == 0 || !slices.Equal(seen.Members, []string{"n1", "n2", "n3"}) {
		t.Errorf("Inspect: %+v, %v", seen, err)
	}
	got, err := cluster.Recover(config)
	if err != nil || got.Epoch != 2 || got.LastIndex != seen.LastIndex || got.ClusterID != seen.ClusterID {
		t.Fatalf("Recover: %+v, %v", got, err)
	}
	s.configs["n3"] = config
	n := s.start("n3")
	if names, voters := s.names("n3"); names != "n3" || voters != 1 {
		t.Errorf("the cluster is %s, %d vote", names, voters)
	}
	ring, err := n.Keys(t.Context())
	if err != nil || ring.Epoch() != 2 || ring.ClusterID() != before.ClusterID() {
		t.Errorf("%v", err)
	}
	if keys := n.Status(t.Context()).(cluster.Status).StateKeys; keys != 1 {
		t.Errorf("%d State keys are left, want the new one alone", keys)
	}
	if o, err := n.Settle(t.Context(), used); err != nil || o.Code == login.CodeAccepted {
		t.Errorf("a verdict of before: %+v, %v", o, err)
	}
	for step, want := range map[uint64]login.Code{101: login.CodeOTPReplayed, 120: login.CodeOTPReplayed, 121: login.CodeAccepted} {
		next := s.use(step)
		next.ClusterEpoch = 2
		if o, err := n.Settle(t.Context(), next); err != nil || o.Code != want {
			t.Errorf("step %d: %+v, %v", step, o, err)
		}
	}

	// Whoever else survived does not come back, nor does a certificate of before.
	n1 := s.open("n1")
	waitFor(t, "the old node waits for others", func() bool { return strings.Contains(reason(t, n1), "refused this node's certificate") })
	s.close("n1")
	s.nodes["n1"] = n // that tokens are asked of
	s.join("n2", false)
	waitFor(t, "a new node votes", func() bool { _, voters := s.names("n3"); return voters == 2 })
	delete(s.nodes, "n1")
}

func TestWhatCannotBeRecoveredIsRefused(t *testing.T) {
	s := &site{t: t}
	config := s.config("n1")
	for name, try := range map[string]func(cluster.Config) (cluster.Recovered, error){"Recover": cluster.Recover, "Inspect": cluster.Inspect} {
		_, err := try(config)
		mustBeRefused(t, name+" of nothing", err, "holds nothing to recover")
	}
	if err := cluster.Init(config); err != nil {
		t.Fatalf("Init: %v", err)
	}
	if _, err := cluster.Inspect(config); err != nil {
		t.Errorf("Inspect of a beginning: %v", err)
	}
	wrong := config
	wrong.Name = ""
	if _, err := cluster.Recover(wrong); err == nil {
		t.Error("a configuration without a name is taken")
	}
}

// TestANodeThatWasAloneIsNotRecovered: there is nobody to be lost.
func TestANodeThatWasAloneIsNotRecovered(t *testing.T) {
	config := testConfig(t.TempDir(), nil)
	closeNode(t, openNode(t, config))
	_, err := cluster.Recover(config)
	mustBeRefused(t, "a node that is alone", err, "alone")
	closeNode(t, openNode(t, config)) // nothing was changed
	config.Listen = freePort(t)
	_, err = cluster.Recover(config)
	mustBeRefused(t, "data of a node that was alone", err, `"sallyport cluster init"`)
	config.Listen = ""
	closeNode(t, openNode(t, config))
}
