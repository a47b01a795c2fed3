package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// image copies the data directory of a node that is closed.
func (s *site) image(name string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.configs[name].DataDir)); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// putBack puts an image in place of what a node has now.
func (s *site) putBack(name, image string) {
	s.t.Helper()
	dir := s.configs[name].DataDir
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(image))); err != nil {
		s.t.Fatal(err)
	}
}

// use is the settlement of the code of a step, in a challenge of its own.
func (s *site) use(step uint64) login.Settlement {
	s.t.Helper()
	for _, n := range s.nodes {
		ring, err := n.Keys(s.t.Context())
		if err != nil {
			continue
		}
		return login.Settlement{
			Challenge: login.ChallengeID{byte(step), byte(step >> 8)}, Token: login.Tag{byte(step), byte(step >> 8)}, Answer: login.Tag{byte(step), byte(step >> 8)}, Client: "vpn",
			UserID: "corp:alice", Handle: ring.Handle("corp:alice"), ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1,
			Number: step, Expires: s.now().Add(2 * time.Minute), Limits: login.DefaultLimits(),
		}
	}
	s.t.Fatal("no node has keys")
	return login.Settlement{}
}

func (s *site) enrol(name string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	err := s.nodes[name].Register(ctx, cluster.Registration{UserID: "corp:alice", Name: "Alice", Factor: "totp", Record: []byte(canary)})
	if err != nil {
		s.t.Fatalf("Register: %v", err)
	}
}

// lives reports whether a node has noted often enough, from now on, that it lives.
func (s *site) lives(name string, times uint64) func() bool {
	from := s.nodes[name].Beats()
	return func() bool { return s.nodes[name].Beats() >= from+times }
}

// hears reports whether a node has heard of all that another has noted.
func (s *site) hears(name, of string) func() bool {
	return func() bool { return s.nodes[name].HeardBeats(of) >= s.nodes[of].Beats() }
}

func settleWithin(t *testing.T, n *cluster.Node, s login.Settlement, d time.Duration) (login.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return n.Settle(ctx, s)
}

// reason is why a node does not serve, "" when it does.
func reason(t *testing.T, n *cluster.Node) string {
	t.Helper()
	return n.Status(t.Context()).(cluster.Status).Reason
}

func TestAnOldImageIsRefusedByWhoeverKnowsBetter(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	s.close("n2")
	image := s.image("n2")
	s.start("n2")
	settle(t, s.nodes["n2"], s.use(7), login.Outcome{Code: login.CodeAccepted})
	s.close("n2")
	s.putBack("n2", image)
	n := s.open("n2")
	waitFor(t, "the node says why it takes no part", func() bool { return strings.Contains(reason(t, n), "old image") })
	if err := n.WaitReady(t.Context()); !errors.Is(err, login.ErrUnavailable) || !strings.Contains(err.Error(), "join the node again") {
		t.Errorf("WaitReady: %v", err)
	}
	if state := n.Status(t.Context()).(cluster.Status).RaftState; state != "waiting" {
		t.Errorf("Raft runs: %s", state)
	}
	settle(t, s.nodes["n1"], s.use(8), login.Outcome{Code: login.CodeAccepted}) // the others go on
}

// TestAnOldImageMakesNoMajority is A9: a code is used while one node lags, the leader dies, and the node
// that has acknowledged the use is put back to a disk from before. Both that are left together are a
// majority, which knows nothing of the code.
func TestAnOldImageMakesNoMajority(t *testing.T) {
	t.Parallel()
	for round, c := range []struct {
		name string
		away time.Duration
		// early says that the third node lags since before the image, not since after it.
		early bool
	}{
		{"lags since after the image", 0, false},
		{"lags since after the image, which is old", 10 * time.Minute, false},
		{"lags since before the image", 10 * time.Minute, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, 3)
			s.enrol("n1")
			if c.early {
				s.close("n3")
				waitFor(t, "n2 has lived on without n3", s.lives("n2", 4))
			}
			s.close("n2")
			image := s.image("n2")
			s.start("n2")
			if !c.early {
				waitFor(t, "n3 knows that n2 lives", s.lives("n2", 1))
				waitFor(t, "n3 knows that n2 lives", s.hears("n3", "n2"))
				s.close("n3")
			}
			used := s.use(uint64(100 + round))
			settle(t, s.nodes["n1"], used, login.Outcome{Code: login.CodeAccepted})
			s.close("n1")
			s.close("n2")
			s.pass(c.away)
			s.putBack("n2", image)
			n2, n3 := s.open("n2"), s.open("n3")
			waitFor(t, "n2 waits for others, or is out", func() bool {
				why := reason(t, n2)
				return strings.Contains(why, "old image") || strings.Contains(why, "was away")
			})
			for i := range 50 {
				again := used
				again.Challenge, again.Token = login.ChallengeID{9, byte(i)}, login.Tag{9, byte(i)}
				for _, n := range []*cluster.Node{n2, n3} {
					o, err := settleWithin(t, n, again, 20*time.Millisecond)
					if err == nil || !errors.Is(err, login.ErrUnavailable) {
						t.Fatalf("round %d: %+v, %v", i, o, err)
					}
				}
			}
			if state := n2.Status(t.Context()).(cluster.Status).RaftState; state != "waiting" {
				t.Errorf("Raft runs on the old image: %s", state)
			}
			if c.early { // with the first one back, whoever is right is known
				s.open("n1")
				waitFor(t, "n2 is out", func() bool { return strings.Contains(reason(t, n2), "old image") })
				waitFor(t, "the others go on", func() bool { return reason(t, n3) == "" })
				used.Challenge, used.Expires = login.ChallengeID{99}, s.now().Add(time.Minute)
				if o, err := n3.Settle(t.Context(), used); err != nil || o.Code != login.CodeOTPReplayed {
					t.Errorf("%+v, %v", o, err)
				}
			}
		})
	}
}

func TestAnHonestNodeComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	s.close("n2")
	settle(t, s.nodes["n1"], s.use(5), login.Outcome{Code: login.CodeAccepted})
	s.pass(time.Hour)
	s.start("n2")
	again := s.use(5)
	again.Challenge, again.Token = login.ChallengeID{77}, login.Tag{77}
	if o, err := s.nodes["n2"].Settle(t.Context(), again); err != nil || o.Code != login.CodeOTPReplayed {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestAllComeBack: after a power cut nobody leads, and each is vouched for by the others.
func TestAllComeBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	settle(t, s.nodes["n1"], s.use(5), login.Outcome{Code: login.CodeAccepted})
	for i := 1; i <= 3; i++ {
		s.close(fmt.Sprintf("n%d", i))
	}
	s.pass(time.Hour)
	n1 := s.open("n1")
	waitFor(t, "one alone waits for others", func() bool { return strings.Contains(reason(t, n1), "1 more of n2, n3") })
	s.open("n2")
	waitFor(t, "two make a majority", func() bool { return reason(t, n1) == "" })
	s.start("n3")
}
