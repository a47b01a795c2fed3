package cluster_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// site is a cluster of nodes in this process, each with a port on loopback.
type site struct {
	t       testing.TB
	configs map[string]cluster.Config
	nodes   map[string]*cluster.Node
	passed  atomic.Int64 // by how much the clocks of all are ahead of the real one
}

// now is the clock of all nodes.
func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.passed.Load())) }

// pass lets time pass, for all nodes.
func (s *site) pass(d time.Duration) { s.passed.Add(int64(d)) }

// freePort returns an address on loopback that nobody listens at.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *site) config(name string) cluster.Config {
	c := testConfig(s.t.TempDir(), nil)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 0, 0, 0
	c.Name, c.Now, c.Listen, c.PromoteAfter, c.Version = name, s.now, freePort(s.t), time.Millisecond, "test"
	return c
}

// newSite begins a cluster of so many nodes, named n1, n2 and so on, and waits until all vote.
func newSite(t testing.TB, size int) *site {
	t.Helper()
	s := &site{t: t, configs: map[string]cluster.Config{}, nodes: map[string]*cluster.Node{}}
	first := s.config("n1")
	if err := cluster.Init(first); err != nil {
		t.Fatalf("Init: %v", err)
	}
	s.configs["n1"] = first
	s.start("n1")
	for i := 2; i <= size; i++ {
		s.join(fmt.Sprintf("n%d", i), false)
	}
	waitFor(t, "every node votes", func() bool {
		m, err := s.nodes["n1"].Members(t.Context())
		voters := 0
		for _, n := range m.Nodes {
			if n.Vote && n.Up && n.Reason == "" {
				voters++
			}
		}
		return err == nil && voters == size && m.Healthy
	})
	return s
}

// open starts a node and does not wait for it.
func (s *site) open(name string) *cluster.Node {
	s.t.Helper()
	n, err := cluster.Open(s.configs[name])
	if err != nil {
		s.t.Fatalf("Open %s: %v", name, err)
	}
	s.nodes[name] = n
	s.t.Cleanup(func() { _ = n.Close() })
	return n
}

// close stops a node.
func (s *site) close(name string) {
	s.t.Helper()
	closeNode(s.t, s.nodes[name])
	delete(s.nodes, name)
}

// start starts a node and waits until it serves.
func (s *site) start(name string) *cluster.Node {
	s.t.Helper()
	n := s.open(name)
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	if err := n.WaitReady(ctx); err != nil {
		s.t.Fatalf("%s does not become ready: %v", name, err)
	}
	return n
}

func (s *site) join(name string, nonVoter bool) {
	s.t.Helper()
	token, err := s.nodes["n1"].NewToken(s.t.Context(), cluster.TokenRequest{Node: name, NonVoter: nonVoter})
	if err != nil {
		s.t.Fatalf("NewToken: %v", err)
	}
	config := s.config(name)
	joined, err := cluster.Join(s.t.Context(), cluster.JoinConfig{Config: config, Token: token})
	if err != nil {
		s.t.Fatalf("Join: %v", err)
	}
	key, err := cluster.ParseMasterKey(joined.MasterKey)
	if err != nil {
		s.t.Fatal(err)
	}
	config.MasterKey = key
	s.configs[name] = config
	s.start(name)
}

func (s *site) leader() string {
	for name, n := range s.nodes {
		if m, err := n.Members(s.t.Context()); err == nil && m.Leader == name {
			return name
		}
	}
	return ""
}

func TestThreeNodesAreOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	ctx := t.Context()
	err := s.nodes["n2"].Register(ctx, cluster.Registration{UserID: "corp:alice", Name: "Alice", Factor: "totp", Record: []byte(canary)})
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	for name, n := range s.nodes {
		if err := n.Refresh(ctx); err != nil {
			t.Fatalf("Refresh of %s: %v", name, err)
		}
		e, err := n.Enrolment(ctx, "corp:alice")
		if err != nil || !e.Credentials["totp"].Registered() {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	ring, err := s.nodes["n3"].Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	settlement := login.Settlement{
		Challenge: login.ChallengeID{1}, Token: login.Tag{1}, Answer: login.Tag{1}, Client: "vpn",
		UserID: "corp:alice", Handle: ring.Handle("corp:alice"), ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1,
		Number: 100, Expires: time.Now().Add(2 * time.Minute),
		Limits: login.Limits{Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, Keep: time.Minute},
	}
	settle(t, s.nodes["n3"], settlement, login.Outcome{Code: login.CodeAccepted})
	s.close(s.leader())
	for name, n := range s.nodes {
		again, err := n.Settle(ctx, settlement)
		if err != nil || again.Code != login.CodeAccepted || !again.Repeated {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
		other := settlement
		other.Challenge, other.Token = login.ChallengeID{2}, login.Tag{2}
		if got, err := n.Settle(ctx, other); err != nil || got.Code != login.CodeOTPReplayed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
