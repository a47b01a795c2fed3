package cluster_test

import (
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// TestWhatNobodyCanKnowCountsAsUsed: a node falls asleep at the moment of which another's image is. What
// was committed after that, by nodes that are gone, neither of them can know of.
func TestWhatNobodyCanKnowCountsAsUsed(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	for name, c := range s.configs {
		c.Floors = func(time.Time) map[string]uint64 { return map[string]uint64{"totp": 1000} }
		s.configs[name] = c
		s.close(name)
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		s.open(name)
	}
	waitFor(t, "all are well", func() bool {
		m, err := s.nodes["n1"].Members(t.Context())
		return err == nil && m.Healthy
	})
	s.enrol("n1")
	s.close("n2")
	s.close("n3")
	image := s.image("n2")
	s.start("n2")
	used := s.use(7)
	settle(t, s.nodes["n1"], used, login.Outcome{Code: login.CodeAccepted})
	s.close("n1")
	s.close("n2")
	s.pass(10 * time.Minute)
	s.putBack("n2", image)
	n2, n3 := s.open("n2"), s.open("n3")
	for _, n := range []*cluster.Node{n2, n3} {
		waitFor(t, "two make a majority", func() bool { return reason(t, n) == "" })
		if m, err := n.Members(t.Context()); err != nil || m.Epoch != 2 {
			t.Fatalf("epoch %d, %v", m.Epoch, err)
		}
	}
	again := used
	again.Challenge, again.Token, again.ClusterEpoch, again.Expires = login.ChallengeID{9}, login.Tag{9}, 2, s.now().Add(time.Minute)
	if o, err := n3.Settle(t.Context(), again); err != nil || o.Code != login.CodeOTPReplayed {
		t.Errorf("a code that was used: %+v, %v", o, err)
	}
	again.Challenge, again.Token, again.Number = login.ChallengeID{10}, login.Tag{10}, 1001
	if o, err := n2.Settle(t.Context(), again); err != nil || o.Code != login.CodeAccepted {
		t.Errorf("a later one: %+v, %v", o, err)
	}
}
