package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/login"
	"sallyport/web/admin"
)

// threeNodes is a cluster in which all is well.
func threeNodes() admin.Members {
	member := func(name, role string, contact float64) admin.Member {
		return admin.Member{
			Name: name, Role: role, Address: "192.0.2.1" + name[4:] + ":18300", Version: "1.2.3", Level: 2, Up: true,
			LastContactMS: contact, ClockOffsetMS: 12, FreeBytes: 5 << 30, TotalBytes: 10 << 30,
		}
	}
	return admin.Members{
		ClusterID: "test", Leader: "node1", Quorum: 2, FailureTolerance: 1, Healthy: true,
		Nodes: []admin.Member{
			member("node1", admin.RoleLeader, 0), member("node2", admin.RoleVoter, 240), member("node3", admin.RoleVoter, 310),
		},
	}
}

func TestNodesAreListed(t *testing.T) {
	f := newFakeNode()
	f.members = threeNodes()
	socket := serveAdmin(t, f)
	wantOutcome(t, runOne(t, clusterVerb(), "", "list", "--socket", socket), exitOK,
		`NODE   ROLE    ADDRESS           STATE  LAST-CONTACT  LAG  CLOCK  FREE        VERSION
node1  leader  192.0.2.11:18300  up     0ms           0    +12ms  5.0GiB/50%  1.2.3
node2  voter   192.0.2.12:18300  up     240ms         0    +12ms  5.0GiB/50%  1.2.3
node3  voter   192.0.2.13:18300  up     310ms         0    +12ms  5.0GiB/50%  1.2.3

quorum 2 of 3, survives the loss of 1 node
`)
	got := runOne(t, clusterVerb(), "", "list", "--json", "--socket", socket)
	for _, want := range []string{`"failure_tolerance": 1`, `"last_contact_ms": 240`, `"role": "leader"`} {
		if got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("exit %d, no %s in\n%s", got.code, want, got.stdout)
		}
	}
}

func TestWhatIsWrongWithANodeIsSaid(t *testing.T) {
	f := newFakeNode()
	f.members = threeNodes()
	f.members.Healthy, f.members.Leader, f.members.FailureTolerance = false, "", 0
	nodes := f.members.Nodes
	nodes[0].Role, nodes[0].FreeBytes = admin.RoleVoter, 1<<30
	nodes[1].Up, nodes[1].LastContactMS, nodes[1].ClockOffsetMS = false, 90_000, -1500
	nodes[2].Version = "1.3.0"
	f.members.Nodes = append(nodes, admin.Member{Name: "node4", Role: admin.RoleJoining, LastContactMS: -1, Reason: "cannot be reached"})
	got := runOne(t, clusterVerb(), "", "list", "--socket", serveAdmin(t, f))
	if got.code != exitDegraded || got.stderr != "" {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
	for _, want := range []string{
		"1m 30s", "never", "quorum 2 of 3, survives no further loss",
		"warning: no leader is known", "warning: node2 does not answer", "warning: node2: its clock is off by 1.5s",
		"warning: node1: 10% of its disk is free", "warning: node4: cannot be reached", "warning: the nodes run different versions",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
}

func TestStandingNamesWhatTheClusterCanStand(t *testing.T) {
	lone := admin.Members{Quorum: 1, Nodes: threeNodes().Nodes[:1]}
	lost := threeNodes()
	lost.Nodes[1].Up, lost.Nodes[2].Up = false, false
	five := admin.Members{Quorum: 3, FailureTolerance: 2, Nodes: append(threeNodes().Nodes, threeNodes().Nodes[1:]...)}
	for want, m := range map[string]admin.Members{
		"quorum 1 of 1: a node alone, whose loss ends all logins": lone,
		"quorum 2 of 3, only 1 up: no quorum":                     lost,
		"quorum 3 of 5, survives the loss of 2 nodes":             five,
	} {
		if got := standing(m); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	two := admin.Members{Leader: "node1", Quorum: 2, Nodes: threeNodes().Nodes[:2]}
	if got := memberWarnings(two); len(got) != 1 || !strings.Contains(got[0], "2 voters stand the loss of no more than 1 do") {
		t.Errorf("two voters: %q", got)
	}
}

func TestATokenStandsAloneOnStdout(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, clusterVerb(), "", "token", "node4", "--socket", socket)
	wantOutcome(t, got, exitOK, "canary-token\n")
	if !strings.Contains(got.stderr, "On node4, as root:") || strings.Contains(got.stderr, "canary") {
		t.Errorf("stderr is\n%s", got.stderr)
	}

	file := filepath.Join(t.TempDir(), "token")
	wantOutcome(t, runOne(t, clusterVerb(), "", "token", "node4", "--non-voter", "--valid", "1h", "--out", file, "--socket", socket), exitOK, "")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "canary-token\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	const want = "[token {Node:node4 Valid:15m0s NonVoter:false} token {Node:node4 Valid:1h0m0s NonVoter:true}]"
	if fmt.Sprint(f.acts) != want {
		t.Errorf("acts %v, want %s", f.acts, want)
	}
	for _, args := range [][]string{{"token"}, {"token", "a", "b"}, {"token", "a", "--valid", "25h"}, {"token", "a", "--valid", "1s"}} {
		if got := runOne(t, clusterVerb(), "", append(args, "--socket", socket)...); got.code != exitUsage {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
	}
}

func TestANodeIsRemovedOnPurposeOnly(t *testing.T) {
	f := newFakeNode()
	f.members = threeNodes()
	f.members.Nodes[2].Up = false
	socket := serveAdmin(t, f)
	got := runOne(t, clusterVerb(), "", "remove", "node3", "--socket", socket)
	if got.code != exitUsage || !strings.Contains(got.stderr, "remove node3 (voter, down) for good; this leaves 2 of 2 voters up, where 2 are needed: needs --yes") {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
	got = runOne(t, clusterVerb(), "", "remove", "node33", "--yes", "--socket", socket)
	if got.code != exitFailed || !strings.Contains(got.stderr, `no node is named "node33" (did you mean "node3"?)`) {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
	if len(f.acts) > 0 {
		t.Errorf("acts %v", f.acts)
	}
	wantOutcome(t, runOne(t, clusterVerb(), "", "remove", "node3", "--yes", "--socket", socket), exitOK,
		"node3: removed; quorum 2 of 2, survives the loss of 1 node\n")
	if fmt.Sprint(f.acts) != "[remove node3 false]" {
		t.Errorf("acts %v", f.acts)
	}
}

func TestLeadershipIsHandedOver(t *testing.T) {
	f := newFakeNode()
	f.members = threeNodes()
	socket := serveAdmin(t, f)
	wantOutcome(t, runOne(t, clusterVerb(), "", "transfer", "node2", "--socket", socket), exitOK, "node2 leads\n")
	wantOutcome(t, runOne(t, clusterVerb(), "", "transfer", "--socket", socket), exitOK, "another node leads\n")
	if got := runOne(t, clusterVerb(), "", "accept-clock", "--socket", socket); got.code != exitUsage {
		t.Errorf("accept-clock without --yes: %+v", got)
	}
	if got := runOne(t, clusterVerb(), "", "accept-clock", "--yes", "--socket", socket); got.code != exitOK || !strings.HasPrefix(got.stdout, "the clock, which was set by 1h0m0s, is believed: ") {
		t.Errorf("accept-clock: %+v", got)
	}
	f.err = login.ErrUnavailable
	if got := runOne(t, clusterVerb(), "", "transfer", "--socket", socket); got.code != exitTryAgain {
		t.Errorf("without a leader: exit %d, %s", got.code, got.stderr)
	}
}
