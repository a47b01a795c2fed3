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
