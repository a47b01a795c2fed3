//go:build e2e

package cluster

import (
	"errors"
	"testing"
	"time"
)

// When the disk of the leader hangs, fails or is full, logins go on elsewhere, and it comes back when
// the disk is mended.
func TestLoginsGoOnWhenTheLeadersDiskDoesNot(t *testing.T) {
	sc := readScript(t, 1)
	s := start(t, options{people: 120, disk: 256 << 20})
	s.register()
	for _, kind := range []struct {
		name     string
		do, undo func(*node) error
		// ends says that the process must end, rather than hang on.
		ends bool
	}{
		{"hangs", (*node).stall, (*node).mend, true},
		{"fails", (*node).fail, (*node).mend, true},
		{"is full", (*node).fill, (*node).free, false},
	} {
		t.Run(kind.name, func(t *testing.T) {
			s := s.in(t)
			for range sc.rounds {
				leader := s.leader()
				exits := len(leader.exitCodes())
				took := s.across(s.fresh(10), s.others(leader)[0], s.others(leader)[1], func() { s.must(kind.do(leader)) })
				t.Logf("from the answer to the Accept %v", spread(took))
				if kind.ends {
					s.eventually("the process to end", 10*time.Second, func() error { return s.endedSince(leader, exits) })
				}
				s.must(kind.undo(leader))
				t.Logf("whole again after %v, exits %v", s.whole(30*time.Second).Round(10*time.Millisecond), leader.exitCodes())
			}
		})
	}
}

// endedSince reports a node that has not ended by itself since it had ended so many times.
func (s *site) endedSince(n *node, times int) error {
	if len(n.exitCodes()) > times {
		return nil
	}
	return errors.New("it still runs")
}

// A follower's full disk fails nobody.
func TestAFollowersFullDiskFailsNobody(t *testing.T) {
	s := start(t, options{people: 60, disk: 256 << 20})
	s.register()
	rest := s.others(s.leader())
	s.must(rest[0].fill())
	took := s.across(s.fresh(20), rest[1], s.leader(), func() {})
	t.Logf("from the answer to the Accept %v", spread(took))
	s.must(rest[0].free())
	t.Logf("whole again after %v", s.whole(30*time.Second).Round(10*time.Millisecond))
}

// When all disks are full there is silence instead of verdicts, no crash loop, and logins again when there
// is room. What was told before holds.
func TestFullDisksEverywhereAreSilence(t *testing.T) {
	const most = 3 // exits in the time, of each node
	sc := readScript(t, 1)
	s := start(t, options{people: 400, disk: 256 << 20})
	s.register()
	tr := s.race(sc.seed)
	s.hold(2 * time.Second)
	for _, n := range s.nodes {
		s.must(n.fill())
	}
	s.eventually("a node to be silent", 20*time.Second, func() error {
		for _, n := range s.nodes {
			if !n.Ready() {
				return nil
			}
		}
		return errors.New("all are ready")
	})
	s.hold(4 * time.Second)
	for _, n := range s.nodes {
		s.must(n.free())
		exits := n.exitCodes()
		if len(exits) > most {
			t.Errorf("%s ended %d times: %v", n.Name, len(exits), exits)
		}
		t.Logf("%s: exits %v", n.Name, exits)
	}
	t.Logf("whole again after %v", s.whole(30*time.Second).Round(10*time.Millisecond))
	tr.judge()
	s.alike()
}
