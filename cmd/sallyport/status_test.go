package main

import (
	"encoding/json"
	"testing"

	"sallyport/web/status"
)

func TestStatusOfAReadyNode(t *testing.T) {
	got := runOne(t, statusVerb(), "", "--socket", serveAdmin(t, newFakeNode()))
	wantOutcome(t, got, exitOK, "node node1, sallyport 1.2.3, up 1h 1m\n\n[ ok ] cluster\n[ ok ] radius\n")
}

// People still log in with other factors.
func TestStatusWarnsOfAFactorWhoseServersAreDown(t *testing.T) {
	f := newFakeNode()
	f.report.Degraded = true
	f.report.Parts["factors.email"] = status.PartReport{Auxiliary: true, Reason: "one is down\ntwo is down"}
	got := runOne(t, statusVerb(), "", "--socket", serveAdmin(t, f))
	wantOutcome(t, got, exitOK,
		"node node1, sallyport 1.2.3, up 1h 1m\n\n[ ok ] cluster\n[warn] factors.email: one is down; two is down\n[ ok ] radius\n")
}

func TestStatusOfANodeThatIsNotReadyExitsWithThree(t *testing.T) {
	f := newFakeNode()
	f.report.Ready = false
	f.report.Parts["directory corp"] = status.PartReport{Reason: "no server answers"}
	socket := serveAdmin(t, f)

	got := runOne(t, statusVerb(), "", "--socket", socket)
	wantOutcome(t, got, exitDegraded,
		"node node1, sallyport 1.2.3, up 1h 1m\n\n[ ok ] cluster\n[fail] directory corp: no server answers\n[ ok ] radius\n")
	if want := "sallyport: not ready: directory corp\n"; got.stderr != want {
		t.Errorf("stderr %q", got.stderr)
	}

	got = runOne(t, statusVerb(), "", "--json", "--socket", socket)
	var r status.Report
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || r.Ready || got.code != exitDegraded {
		t.Errorf("exit %d, %v: %s", got.code, err, got.stdout)
	}
}

func TestStatusShowsTheNodesPlaceInTheCluster(t *testing.T) {
	f := newFakeNode()
	members := threeNodes()
	members.Nodes[1].Up, members.FailureTolerance = false, 0
	f.report.Parts["cluster"] = status.PartReport{Ready: true, Status: map[string]any{"node": "node1", "members": members}}
	wantOutcome(t, runOne(t, statusVerb(), "", "--socket", serveAdmin(t, f)), exitOK, `node node1, sallyport 1.2.3, up 1h 1m

[ ok ] cluster
[ ok ] radius

this node: leader, 0 entries behind, clock +12ms, disk 5.0GiB/50% free
the cluster: leader node1, quorum 2 of 3, survives no further loss
warning: node2 does not answer
`)
}
