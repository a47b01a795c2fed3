package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// backup is what a node writes.
func (s *site) backup(name string) ([]byte, cluster.SnapshotInfo) {
	s.t.Helper()
	var b bytes.Buffer
	info, err := s.nodes[name].WriteSnapshot(s.t.Context(), &b)
	if err != nil {
		s.t.Fatalf("WriteSnapshot: %v", err)
	}
	return b.Bytes(), info
}

// digests are those of all nodes, when all have applied as much.
func (s *site) alike() bool {
	all := map[string]bool{}
	for _, n := range s.nodes {
		status := n.Status(s.t.Context()).(cluster.Status)
		all[fmt.Sprint(status.AppliedIndex, status.Digest, status.ClusterEpoch)] = true
	}
	return len(all) == 1
}

func TestABackupIsPutBackOnAllNodes(t *testing.T) {
	t.Parallel()
	for name, onLeader := range map[string]bool{"on the leader": true, "on a follower": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 3)
			leader := s.leader()
			on := leader
			for other := range s.nodes {
				if !onLeader && other != leader {
					on = other
				}
			}
			s.enrol(on)
			backup, info := s.backup(on)
			if info.Stale || info.Users != 1 || info.Epoch != 1 || info.Node != on || info.Index == 0 || info.Term == 0 {
				t.Errorf("%+v", info)
			}
			used := s.use(50)
			settle(t, s.nodes[on], used, login.Outcome{Code: login.CodeAccepted})
			wrong := s.use(60)
			wrong.Number = 0
			settle(t, s.nodes[on], wrong, login.Outcome{Code: login.CodeOTPInvalid, AttemptsLeft: 2})
			later := cluster.Registration{UserID: "corp:bob", Name: "Bob", Factor: "totp", Record: []byte(canary)}
			if err := s.nodes[on].Register(t.Context(), later); err != nil {
				t.Fatal(err)
			}
			restored, err := s.nodes[on].Restore(t.Context(), bytes.NewReader(backup))
			if l := restored.Losses; err != nil || restored.Users != 2 || restored.Epoch != 2 || l == nil || l.Foreign || l.Unregistered.Count != 1 || l.Unregistered.Of[0] != "Bob (corp:bob)" {
				t.Fatalf("Restore: %+v, %v", restored, err)
			}
			waitFor(t, "all nodes have the same state", s.alike)
			for at, n := range s.nodes {
				waitFor(t, at+" serves", func() bool { return n.Refresh(t.Context()) == nil && reason(t, n) == "" })
				e, err := n.Enrolment(t.Context(), "corp:alice")
				if cred := e.Credentials["totp"]; err != nil || cred.Last != 50 || cred.Failures != 1 {
					t.Errorf("%s: %+v, %v", at, e, err)
				}
				if record, err := n.Record(t.Context(), e, "totp"); err != nil || string(record) != canary {
					t.Errorf("%s: the record cannot be opened: %v", at, err)
				}
				if e, err := n.Enrolment(t.Context(), "corp:bob"); err != nil || e.Credentials["totp"].Registered() || e.Credentials["totp"].Version == 0 {
					t.Errorf("%s: who came later has a factor, or looks like one who never had: %+v, %v", at, e, err)
				}
				again := used
				if o, err := n.Settle(t.Context(), again); err != nil || o.Code == login.CodeAccepted {
					t.Errorf("%s: a verdict of before: %+v, %v", at, o, err)
				}
			}
			s.close("n2")
			s.start("n2") // from what is on its disk
			waitFor(t, "all nodes have the same state", s.alike)
		})
	}
}

func TestWhatIsNoBackupChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	s.enrol("n1")
	backup, _ := s.backup("n1")
	other := newNodeUnderAnotherKey(t)
	var foreign bytes.Buffer
	if _, err := other.WriteSnapshot(t.Context(), &foreign); err != nil {
		t.Fatal(err)
	}
	before := s.nodes["n1"].Status(t.Context()).(cluster.Status)
	for name, c := range map[string]struct {
		text  []byte
		words string
	}{
		"nothing":            {nil, "cannot be read"},
		"not a snapshot":     {[]byte("SALLYPORT"), "cannot be read"},
		"truncated":          {backup[:len(backup)-1], "cannot be read"},
		"cut in the middle":  {backup[:len(backup)/2], "cannot be read"},
		"another master key": {foreign.Bytes(), "another master key"},
	} {
		_, err := s.nodes["n1"].Restore(t.Context(), bytes.NewReader(c.text))
		mustBeRefused(t, name, err, c.words)
		mustBeRefused(t, name, err, "nothing was changed")
	}
	for at := range backup {
		if at%7 != 0 {
			continue
		}
		damaged := bytes.Clone(backup)
		damaged[at] ^= 0x10
		_, err := s.nodes["n1"].Restore(t.Context(), bytes.NewReader(damaged))
		mustBeRefused(t, fmt.Sprintf("octet %d flipped", at), err, "nothing was changed")
	}
	after := s.nodes["n1"].Status(t.Context()).(cluster.Status)
	if after.Digest != before.Digest || after.ClusterEpoch != before.ClusterEpoch {
		t.Errorf("the state has changed: %+v, then %+v", before, after)
	}
}

func newNodeUnderAnotherKey(t *testing.T) *cluster.Node {
	t.Helper()
	config := testConfig(t.TempDir(), nil)
	config.MasterKey = bytes.Repeat([]byte{9}, 32)
	return openNode(t, config)
}

// TestNothingAcknowledgedIsLostInARestore: codes that are used while a backup is put back stay used.
func TestNothingAcknowledgedIsLostInARestore(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	s.enrol("n1")
	n := s.nodes["n1"]
	backup, _ := s.backup("n1")
	next := s.use(1)
	var acknowledged atomic.Uint64
	var stop atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		for step := uint64(1); !stop.Load(); step++ {
			ring, err := n.Keys(t.Context())
			e, notRead := n.Enrolment(t.Context(), "corp:alice")
			if err != nil || notRead != nil {
				continue
			}
			next.ClusterEpoch, next.Epoch = ring.Epoch(), e.Epoch
			next.Number, next.Challenge, next.Token = step, login.ChallengeID{byte(step), byte(step >> 8)}, login.Tag{byte(step), byte(step >> 8)}
			if o, err := n.Settle(t.Context(), next); err == nil && o.Code == login.CodeAccepted {
				acknowledged.Store(step)
			}
		}
	})
	for range 20 {
		before := acknowledged.Load()
		waitFor(t, "a code is used", func() bool { return acknowledged.Load() > before })
		if _, err := n.Restore(t.Context(), bytes.NewReader(backup)); err != nil {
			t.Errorf("Restore: %v", err)
		}
		used := acknowledged.Load()
		e, err := n.Enrolment(t.Context(), "corp:alice")
		if last := e.Credentials["totp"].Last; err != nil || last < used {
			t.Errorf("step %d was used, and %d is the last that is known: %v", used, last, err)
		}
	}
	stop.Store(true)
	running.Wait()
}

func TestABackupWithoutAQuorumIsStale(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2)
	s.enrol("n1")
	s.close("n2")
	waitFor(t, "n1 has lost the quorum", func() bool { return reason(t, s.nodes["n1"]) != "" })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var b bytes.Buffer
	info, err := s.nodes["n1"].WriteSnapshot(ctx, &b)
	if err != nil || !info.Stale || info.Users != 1 || b.Len() == 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := s.nodes["n1"].Restore(ctx, &b); err == nil {
		t.Error("a backup is put back without a quorum")
	}
}
