package cluster_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

func TestAWrongClockJudgesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	var skew atomic.Int64
	begun := time.Now()
	s.close("n3")
	config := s.configs["n3"]
	config.Now = func() time.Time { return s.now().Add(time.Duration(skew.Load())) }
	config.Elapsed = func() time.Duration { return time.Since(begun) }
	s.configs["n3"] = config
	n3 := s.start("n3")
	for _, off := range []time.Duration{90 * time.Second, -90 * time.Second} {
		waitFor(t, "n3 leads", func() bool { return n3.Transfer(t.Context(), "n3") == nil && s.leader() == "n3" })
		skew.Store(int64(off))
		waitFor(t, "n3 knows that its clock is wrong", func() bool { return strings.Contains(reason(t, n3), "check NTP") })
		waitFor(t, "another leads", func() bool { l := s.leader(); return l != "" && l != "n3" })
		if err := n3.Serving(t.Context()); err == nil {
			t.Error("it says that it serves")
		}
		if m, err := s.nodes["n1"].Members(t.Context()); err != nil || m.Healthy {
			t.Errorf("the cluster says that it is well: %v", err)
		}
		waitFor(t, "the others go on", func() bool { return reason(t, s.nodes["n1"]) == "" })
		s.enrol("n1")
		skew.Store(0)
		waitFor(t, "n3 serves again", func() bool { return reason(t, n3) == "" })
	}
}

// TestANodeThatDivergedTakesNoPart has a node whose log holds something else than the others' at a place
// that was committed.
func TestANodeThatDivergedTakesNoPart(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	if err := s.nodes["n3"].Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.close("n3")
	if err := cluster.AlterLog(s.configs["n3"]); err != nil {
		t.Fatalf("AlterLog: %v", err)
	}
	n3 := s.start("n3")
	for i := range 300 {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if err := s.nodes["n1"].Learn(t.Context(), login.Lesson{Client: "vpn", Address: addr}); err != nil {
			t.Fatalf("Learn: %v", err)
		}
	}
	waitFor(t, "n3 takes itself out", func() bool { return strings.Contains(reason(t, n3), "not that of the others") })
	for _, name := range []string{"n1", "n2"} {
		if why := reason(t, s.nodes[name]); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
	settle(t, s.nodes["n2"], s.use(5), login.Outcome{Code: login.CodeAccepted})
	if _, err := n3.Enrolment(t.Context(), "corp:alice"); err == nil {
		t.Error("a node that diverged answers")
	}
}

func TestPasscodesAreForwardedForAWhileWithoutAQuorum(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	for _, name := range []string{"n1", "n2", "n3"} {
		config := s.configs[name]
		config.SoloFor = 15 * time.Minute
		s.configs[name] = config
	}
	never := s.nodes["n1"] // opened with 0
	s.close("n2")
	s.start("n2")
	s.close("n3")
	s.start("n3")
	for name, n := range s.nodes {
		if _, ok := n.Solo(); ok {
			t.Errorf("%s is given a ledger of its own with a quorum", name)
		}
	}
	s.close("n2")
	s.close("n3")
	waitFor(t, "n1 has lost the quorum", func() bool { return reason(t, never) != "" })
	if _, ok := never.Solo(); ok {
		t.Error("a node that never may is given a ledger")
	}
	s.close("n1")
	for _, name := range []string{"n1", "n2", "n3"} {
		s.open(name)
	}
	n2, n3 := s.nodes["n2"], s.nodes["n3"]
	waitFor(t, "n3 serves", func() bool { return reason(t, n3) == "" && reason(t, n2) == "" })
	s.close("n1")
	s.close("n2")
	waitFor(t, "n3 has lost the quorum", func() bool { return reason(t, n3) != "" })
	if _, ok := n3.Solo(); ok {
		t.Error("a fail-over counts as the loss of the quorum")
	}
	var first login.Ledger
	waitFor(t, "n3 is given a ledger of its own", func() (ok bool) { first, ok = n3.Solo(); return ok })
	s.pass(14 * time.Minute)
	if again, ok := n3.Solo(); !ok || again != first {
		t.Errorf("after 14 minutes: another ledger, or none (%v)", ok)
	}
	s.pass(2 * time.Minute)
	if _, ok := n3.Solo(); ok {
		t.Error("after 16 minutes there is still one")
	}
	s.close("n3")
	n3 = s.open("n3")
	waitFor(t, "n3 waits for others", func() bool { return reason(t, n3) != "" })
	if _, ok := n3.Solo(); ok {
		t.Error("a node that was not up to date since it started is given one")
	}
}
