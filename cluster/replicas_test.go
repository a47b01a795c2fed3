package cluster_test

import (
	"errors"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/login"
)

// enrolled returns replicas that all know alice, and an answer of hers.
func enrolled(t *testing.T) (*cluster.Replicas, login.Settlement) {
	t.Helper()
	clock := ledgertest.NewClock()
	all := cluster.NewReplicas(2, clock.Now)
	err := all.Node(0).Register(t.Context(), cluster.Registration{UserID: "corp:alice", Name: "Alice", Factor: "totp", Record: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		all.Node(n).Advance(1)
	}
	ring, err := all.Node(0).Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all, login.Settlement{
		Challenge: login.ChallengeID{1}, Token: login.Tag{1}, Answer: login.Tag{1}, Request: login.Tag{2}, Client: "vpn",
		UserID: "corp:alice", Handle: ring.Handle("corp:alice"), ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1,
		Number: 100, Expires: clock.Now().Add(2 * time.Minute),
		Limits: login.Limits{Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, Keep: time.Minute},
	}
}

// recorded is what a node's own state says of an answer.
func recorded(t *testing.T, l login.Ledger, s login.Settlement) login.Code {
	t.Helper()
	out, found, err := l.Recorded(t.Context(), s)
	if err != nil || found != (out.Code != "") {
		t.Fatalf("Recorded: %+v, %v, %v", out, found, err)
	}
	return out.Code
}

func TestVerdictIsReadOnlyWhereItIsKnown(t *testing.T) {
	all, s := enrolled(t)
	here, there := all.Node(0), all.Node(1)
	if out, err := here.Settle(t.Context(), s); err != nil || out.Code != login.CodeAccepted {
		t.Fatalf("Settle: %+v, %v", out, err)
	}
	if code := recorded(t, there, s); code != "" {
		t.Errorf("known where it cannot be: %s", code)
	}
	if err := there.Refresh(t.Context()); err != nil || there.Behind() != 0 {
		t.Fatalf("Refresh: %v, %d behind", err, there.Behind())
	}
	if code := recorded(t, there, s); code != login.CodeAccepted {
		t.Errorf("not known: %q", code)
	}
	packet := s // the same packet as the beginning of another challenge
	packet.Challenge, packet.Token, packet.Answer = login.ChallengeID{2}, login.Tag{3}, login.Tag{3}
	if code := recorded(t, there, packet); code != login.CodeAccepted {
		t.Errorf("by its packet: %q", code)
	}
	other := s
	other.UserID = "corp:bob"
	if code := recorded(t, there, other); code != "" {
		t.Errorf("of somebody else: %s", code)
	}
}

func TestLedgerWithoutQuorumChangesNothingElsewhere(t *testing.T) {
	all, s := enrolled(t)
	node := all.Node(0)
	if _, ok := node.Solo(); ok {
		t.Fatal("alone with a quorum")
	}
	node.Cut(true)
	solo, ok := node.Solo()
	if !ok {
		t.Fatal("not alone without one")
	}
	for what, err := range map[string]error{
		"reads":   second(node.Keys(t.Context())),
		"Refresh": node.Refresh(t.Context()), "Settle": second(node.Settle(t.Context(), s)),
		"Settle alone": second(solo.Settle(t.Context(), s)), "Refresh alone": solo.Refresh(t.Context()),
		"Open alone": second(solo.Open(t.Context(), login.Opening{ID: login.ChallengeID{9}, UserID: "corp:alice"})),
	} {
		if !errors.Is(err, login.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.Factor, s.Version, s.Number = "securid", 0, 0
	claim := login.Claim{Act: login.Tag{7}, Passcode: login.Tag{8}, Within: time.Second}
	if out, err := solo.Claim(t.Context(), s, claim); err != nil || !out.Claimed {
		t.Fatalf("Claim: %+v, %v", out, err)
	}
	node.Cut(false)
	if code := recorded(t, node, s); code != "" {
		t.Errorf("it is in the cluster's state: %s", code)
	}
	out, err := solo.Conclude(t.Context(), s, login.Conclusion{Act: claim.Act, Code: login.CodeAccepted})
	if err != nil || out.Code != login.CodeAccepted || recorded(t, solo, s) != login.CodeAccepted {
		t.Errorf("what began alone does not end: %+v, %v", out, err)
	}
	if out, err := node.Claim(t.Context(), s, claim); err != nil || !out.Claimed {
		t.Errorf("the cluster knows of it: %+v, %v", out, err)
	}
}

func second[T any](_ T, err error) error { return err }
