package cluster_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster"
	"sallyport/cluster/link"
	"sallyport/login"
)

// impostor uses the certificate of a node, wherever it got it from.
type impostor struct {
	net.Listener
	link *link.Link
	t    *testing.T
	to   string // the name of the node that is called
}

func newImpostor(t *testing.T, identityDir, to string) impostor {
	t.Helper()
	identity, err := link.LoadIdentity(identityDir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Listen(link.Config{
		Listen: "127.0.0.1:0", Identity: identity, Admit: func(link.Class, link.Peer) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return impostor{l.Listener(link.Raft), l, t, to}
}

// Dial connects to the node, as Raft's transport asks for.
func (i impostor) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(i.t.Context(), timeout)
	defer cancel()
	return i.link.Dial(ctx, link.Raft, i.to, string(address))
}

// open returns a connection of a class to the node, once it has got through.
func (i impostor) open(class link.Class, address string) net.Conn {
	i.t.Helper()
	c, err := i.link.Dial(i.t.Context(), class, i.to, address)
	if err != nil {
		i.t.Fatalf("Dial: %v", err)
	}
	return c
}

// removed takes n3 out of three nodes, and returns a copy of its identity.
func removed(t *testing.T, s *site) (identityDir string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "identity")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.configs["n3"].DataDir, "raft"))); err != nil {
		t.Fatal(err)
	}
	if err := s.nodes["n1"].Remove(t.Context(), "n3", false); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	return dir
}

func TestARemovedNodeIsNotHeard(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	dir := filepath.Join(s.configs["n3"].DataDir, "raft")
	var live []net.Conn
	for _, to := range []string{"n1", "n2"} {
		i := newImpostor(t, dir, to)
		live = append(live, i.open(link.Raft, s.configs[to].Listen), i.open(link.Call, s.configs[to].Listen))
	}
	dir = removed(t, s)
	begun := time.Now()
	for i, c := range live {
		_ = c.SetReadDeadline(begun.Add(time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d lives on: %v", i, err)
		}
	}
	waitFor(t, "the node says that it was removed", func() bool { return strings.Contains(reason(t, s.nodes["n3"]), "was removed") })
	for _, to := range []string{"n1", "n2"} {
		sendEveryRPC(t, newImpostor(t, dir, to), s.configs[to].Listen, 100)
	}
	for _, on := range []string{"n1", "n2"} {
		if term := s.nodes[on].Status(t.Context()).(cluster.Status).Term; term >= forgedTerm {
			t.Errorf("%s believes in term %d", on, term)
		}
	}
	for _, on := range []string{"n1", "n2"} {
		if names, voters := s.names(on); names != "n1 n2" || voters != 2 {
			t.Errorf("%s knows %s, %d vote", on, names, voters)
		}
	}
	settle(t, s.nodes["n2"], s.use(5), login.Outcome{Code: login.CodeAccepted})
}

// forgedTerm is one that no cluster reaches.
const forgedTerm = 1 << 40

// sendEveryRPC sends what Raft knows, so many times each, and wants no answer to any.
func sendEveryRPC(t *testing.T, i impostor, address string, times int) {
	t.Helper()
	transport := raft.NewNetworkTransport(i, 1, time.Second, io.Discard)
	defer transport.Close()
	id, to := raft.ServerID(i.to), raft.ServerAddress(address)
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n3"), Addr: []byte("127.0.0.1:1")}
	for range times {
		for name, send := range map[string]func() error{
			"AppendEntries": func() error {
				return transport.AppendEntries(id, to, &raft.AppendEntriesRequest{RPCHeader: header, Term: forgedTerm}, &raft.AppendEntriesResponse{})
			},
			"RequestVote": func() error {
				return transport.RequestVote(id, to, &raft.RequestVoteRequest{RPCHeader: header, Term: forgedTerm, LastLogIndex: forgedTerm, LastLogTerm: forgedTerm, LeadershipTransfer: true}, &raft.RequestVoteResponse{})
			},
			"RequestPreVote": func() error {
				return transport.RequestPreVote(id, to, &raft.RequestPreVoteRequest{RPCHeader: header, Term: forgedTerm, LastLogIndex: forgedTerm, LastLogTerm: forgedTerm}, &raft.RequestPreVoteResponse{})
			},
			"InstallSnapshot": func() error {
				return transport.InstallSnapshot(id, to, &raft.InstallSnapshotRequest{RPCHeader: header, Term: forgedTerm, LastLogIndex: forgedTerm, SnapshotVersion: 1, Size: 1}, &raft.InstallSnapshotResponse{}, strings.NewReader("x"))
			},
			"TimeoutNow": func() error {
				return transport.TimeoutNow(id, to, &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{})
			},
		} {
			if err := send(); err == nil {
				t.Fatalf("%s of a removed node was answered by %s", name, i.to)
			}
		}
	}
}

func TestARemovedNodeStaysOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.enrol("n1")
	removed(t, s)
	waitFor(t, "the node says that it was removed", func() bool { return strings.Contains(reason(t, s.nodes["n3"]), "was removed") })
	s.close("n3")
	n3 := s.open("n3")
	if err := n3.WaitReady(t.Context()); !errors.Is(err, login.ErrUnavailable) || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("after a restart: %v", err)
	}
	settle(t, s.nodes["n2"], s.use(5), login.Outcome{Code: login.CodeAccepted})
	if names, _ := s.names("n1"); names != "n1 n2" {
		t.Errorf("it came back: %s", names)
	}
	s.close("n3")
	s.join("n3", false)
	waitFor(t, "a new node of the name votes", func() bool { _, voters := s.names("n1"); return voters == 3 })
}

// TestANodeThatWasDownWhenItWasRemoved is told nothing but that nobody knows it any more.
func TestANodeThatWasDownWhenItWasRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.close("n3")
	if err := s.nodes["n2"].Remove(t.Context(), "n3", false); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	n3 := s.open("n3")
	waitFor(t, "the node says why it waits", func() bool { return strings.Contains(reason(t, n3), "refused this node's certificate") })
	if names, voters := s.names("n1"); names != "n1 n2" || voters != 2 {
		t.Errorf("%s, %d vote", names, voters)
	}
}

func TestANodeThatHasJustDiedIsRemovedForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	s.close("n3")
	if err := s.nodes["n1"].Remove(t.Context(), "n3", false); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	waitFor(t, "two nodes are left", func() bool { names, voters := s.names("n2"); return names == "n1 n2" && voters == 2 })
	s.join("n3", false) // whoever had been taken in again would be in the way
	waitFor(t, "a new node of the name votes", func() bool { _, voters := s.names("n2"); return voters == 3 })
}

func TestARemovalThatCostsTheQuorumIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	err := s.nodes["n1"].Remove(t.Context(), "n9", true)
	mustBeRefused(t, "a stranger", err, `no node "n9"`)
	s.close("n3") // a moment ago: it was heard of within the last seconds
	for _, force := range []bool{false, true} {
		err = s.nodes["n1"].Remove(t.Context(), "n2", force)
		mustBeRefused(t, "one of the two that are up", err, "without n2, 1 of 2 voters would be up")
	}
	if names, voters := s.names("n1"); names != "n1 n2 n3" || voters != 3 {
		t.Errorf("%s, %d vote", names, voters)
	}
	if err := s.nodes["n2"].Remove(t.Context(), "n3", false); err != nil {
		t.Errorf("the one that is down: %v", err)
	}
	err = s.nodes["n1"].Remove(t.Context(), "n2", false)
	mustBeRefused(t, "the last but one", err, "--force")
	if err := s.nodes["n1"].Remove(t.Context(), "n2", true); err != nil {
		t.Errorf("the last but one, forced: %v", err)
	}
	err = s.nodes["n1"].Remove(t.Context(), "n1", true)
	mustBeRefused(t, "the last", err, "only node that votes")
	s.enrol("n1")
}

// TestALeaderIsRemoved asks the leader itself, and another node.
func TestALeaderIsRemoved(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]bool{"by itself": true, "by another": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 3)
			leader := s.leader()
			on := leader
			for other := range s.nodes {
				if !ask && other != leader {
					on = other
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := s.nodes[on].Remove(ctx, leader, false); err != nil {
				t.Fatalf("Remove: %v", err)
			}
			waitFor(t, "it says that it was removed", func() bool { return strings.Contains(reason(t, s.nodes[leader]), "was removed") })
			for other := range s.nodes {
				if other != leader {
					waitFor(t, "two are left", func() bool { _, voters := s.names(other); return voters == 2 })
					s.enrol(other)
				}
			}
		})
	}
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	for _, to := range []string{"n2", "n3", "n3"} {
		waitFor(t, to+" leads", func() bool { // which a slow machine may undo at once
			err := s.nodes["n1"].Transfer(t.Context(), to)
			return err == nil && s.leader() == to
		})
	}
	waitFor(t, "another leads", func() bool {
		before := s.leader()
		err := s.nodes["n2"].Transfer(t.Context(), "")
		after := s.leader()
		return err == nil && before != "" && after != "" && after != before
	})
	err := s.nodes["n1"].Transfer(t.Context(), "n9")
	mustBeRefused(t, "a stranger", err, "no voter")
}
