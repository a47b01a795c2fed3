package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

func TestMembersAreListed(t *testing.T) {
	d := startDaemon(t)
	got, err := d.Members(t.Context())
	if err != nil || len(got.Nodes) != 2 || got.Leader != "node1" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if n, ok := got.Find("node2"); !ok || !n.Voter() || n.Up {
		t.Errorf("node2 is %+v", n)
	}
	if _, ok := got.Find("node3"); ok {
		t.Error("there is a third node")
	}
}

func TestATokenIsToldOnceAndNeverLogged(t *testing.T) {
	d := startDaemon(t)
	got, err := d.NewToken(t.Context(), TokenAct{Node: "node3", NonVoter: true})
	if err != nil || got.Token != "canary-token" || !got.Until.Equal(clock.Add(DefaultTokenLife)) {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := "[token {Node:node3 Valid:15m0s NonVoter:true}]"; fmt.Sprint(d.cluster.acts) != want {
		t.Errorf("acts %v, want %s", d.cluster.acts, want)
	}
	log := d.log.String()
	if !strings.Contains(log, `act="cluster token" outcome=done`) || !strings.Contains(log, "node=node3") || strings.Contains(log, "canary") {
		t.Errorf("the log is\n%s", log)
	}
}

func TestATokenIsForOneNodeAndShortLived(t *testing.T) {
	d := startDaemon(t)
	for name, act := range map[string]TokenAct{
		"no node":  {},
		"too long": {Node: "node3", ForSeconds: int64(25 * time.Hour / time.Second)},
		"negative": {Node: "node3", ForSeconds: -1},
	} {
		if _, err := d.NewToken(t.Context(), act); statusOf(err) != http.StatusBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.cluster.acts) > 0 {
		t.Errorf("acts %v", d.cluster.acts)
	}
}

func TestNodesAreRemovedAndLeadershipHandedOver(t *testing.T) {
	d := startDaemon(t)
	if _, err := d.RemoveNode(t.Context(), RemoveNodeAct{Node: "node2", Force: true}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Transfer(t.Context(), TransferAct{})
	if err != nil || got.Leader != "node1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := `[remove node2 true transfer ""]`; fmt.Sprint(d.cluster.acts) != want {
		t.Errorf("acts %v, want %s", d.cluster.acts, want)
	}
	for _, act := range []string{"cluster remove", "cluster transfer"} {
		if want := `act="` + act + `" outcome=done`; !strings.Contains(d.log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, d.log)
		}
	}
	if _, err := d.RemoveNode(t.Context(), RemoveNodeAct{}); statusOf(err) != http.StatusBadRequest {
		t.Errorf("nobody in particular: %v", err)
	}
}

func TestWhatTheClusterRefusesIsTold(t *testing.T) {
	d := startDaemon(t)
	d.cluster.err = &Problem{http.StatusConflict, "node2 is one of two voters", "add another first"}
	_, err := d.RemoveNode(t.Context(), RemoveNodeAct{Node: "node2"})
	if statusOf(err) != http.StatusConflict || !strings.Contains(err.Error(), "add another first") {
		t.Errorf("got %v", err)
	}
	if want := `act="cluster remove" outcome=failed`; !strings.Contains(d.log.String(), want) {
		t.Errorf("no %s in the log:\n%s", want, d.log)
	}
	d.cluster.err = fmt.Errorf("no leader: %w", login.ErrUnavailable)
	if _, err := d.AcceptClock(t.Context()); statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("accept-clock: %v", err)
	}
	if _, err := d.Transfer(t.Context(), TransferAct{Node: "node2"}); statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("without a leader: %v", err)
	}
	d.cluster.err = errors.New("canary")
	if _, err := d.NewToken(t.Context(), TokenAct{Node: "node3"}); statusOf(err) != http.StatusInternalServerError || strings.Contains(err.Error(), "canary") {
		t.Errorf("a failure: %v", err)
	}
}

func TestOnlyRootAndTheDaemonItselfMayHaveTheMasterKey(t *testing.T) {
	s := &Server{uid: 998}
	for p, want := range map[peer]bool{
		{known: true, uid: 0}:              true,
		{known: true, uid: 998}:            true,
		{known: true, uid: 1000, gid: 998}: false,
		{}:                                 false,
	} {
		if got := s.trusts(p); got != want {
			t.Errorf("%v: %v", p, got)
		}
	}
}
