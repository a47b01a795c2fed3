package state

import (
	"fmt"
	"testing"

	"sallyport/login"
)

func issue(changes ...func(*IssueToken)) Command {
	c := &IssueToken{ID: login.Tag{1}, Node: "node2", NonVoter: true, Until: 900 * second}
	for _, change := range changes {
		change(c)
	}
	return c
}

func use(changes ...func(*UseToken)) Command {
	c := &UseToken{ID: login.Tag{1}, Node: "node2", Address: "192.0.2.12:18300", Fingerprint: [32]byte{2}, Act: login.Tag{7}}
	for _, change := range changes {
		change(c)
	}
	return c
}

func TestATokenIsUsedOnceInItsTimeByItsNode(t *testing.T) {
	otherAct := func(c *UseToken) { c.Act[0] = 8 }
	otherCertificate := func(c *UseToken) { c.Fingerprint[0] = 3 }
	node3 := func(c *UseToken) { c.Node = "node3" }
	forNode3 := func(c *IssueToken) { c.Node, c.ID[0] = "node3", 3 }
	byNode3 := func(c *UseToken) { c.Node, c.ID[0] = "node3", 3 }
	second2 := func(c *IssueToken) { c.ID[0] = 2 }
	by2 := func(c *UseToken) { c.ID[0], c.Act[0] = 2, 9 }
	remove := &RemoveNode{Node: "node2"}
	for _, c := range []struct {
		name   string
		before []Command
		second int64
		use    Command
		want   Status
		nodes  int
	}{
		{"a token", []Command{issue()}, 899, use(), Done, 1},
		{"no token", nil, 0, use(), Unknown, 0},
		{"another one", []Command{issue()}, 0, use(func(c *UseToken) { c.ID[0] = 9 }), Unknown, 0},
		{"its time is up", []Command{issue()}, 900, use(), Unknown, 0},
		{"another node's", []Command{issue()}, 0, use(node3), Conflict, 0},
		{"the same act again", []Command{issue(), use()}, 0, use(), Done, 1},
		{"another act", []Command{issue(), use()}, 0, use(otherAct), Used, 1},
		{"the same act with another certificate", []Command{issue(), use()}, 0, use(otherCertificate), Used, 1},
		{"the same act, removed meanwhile", []Command{issue(), use(), remove}, 0, use(), Used, 0},
		{"used, and its time is up", []Command{issue(), use()}, 900, use(otherAct), Unknown, 1},
		{"a second token while the node is there", []Command{issue(), issue(second2), use()}, 0, use(by2), Present, 1},
		{"a second token after it was removed", []Command{issue(), issue(second2), use(), remove}, 0, use(by2), Done, 1},
		{"one of two nodes", []Command{issue(), issue(forNode3), use()}, 0, use(byNode3), Done, 2},
		{"no act", []Command{issue()}, 0, use(func(c *UseToken) { c.Act = login.Tag{} }), Ignored, 0},
		{"no address", []Command{issue()}, 0, use(func(c *UseToken) { c.Address = "" }), Ignored, 0},
		{"an endless address", []Command{issue()}, 0, use(func(c *UseToken) { c.Address = string(make([]byte, MaxAddress+1)) }), Ignored, 0},
		{"an endless name", []Command{issue()}, 0, use(func(c *UseToken) { c.Node = string(make([]byte, MaxNodeName+1)) }), Ignored, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := foundedMachine()
			m.apply(2, 0, c.before)
			if got := m.apply(3, c.second*second, []Command{c.use})[0]; got.Status != c.want {
				t.Errorf("status %d, want %d", got.Status, c.want)
			}
			if got := len(m.View().Nodes()); got != c.nodes {
				t.Errorf("%d nodes, want %d", got, c.nodes)
			}
		})
	}
}

func TestAJoinedNodeIsWhatItsTokenSays(t *testing.T) {
	m := foundedMachine()
	m.apply(2, 5*second, []Command{issue(), use()})
	want := NodeRecord{Name: "node2", Address: "192.0.2.12:18300", Fingerprint: [32]byte{2}, NonVoter: true, Joined: 5 * second}
	if got, ok := m.View().Node("node2"); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if k, ok := m.View().Token(login.Tag{1}); !ok || k.UsedBy != (login.Tag{7}) {
		t.Errorf("token %+v, %v", k, ok)
	}
	m.apply(3, 900*second, nil)
	if k, ok := m.View().Token(login.Tag{1}); ok {
		t.Errorf("token %+v after its time", k)
	}
}

func TestTokensAreBounded(t *testing.T) {
	numbered := func(n int) func(*IssueToken) {
		return func(c *IssueToken) { c.ID = login.Tag{1, byte(n)} }
	}
	m := foundedMachine()
	for n := range maxTokens {
		if r := m.apply(2, 0, []Command{issue(numbered(n))})[0]; r.Status != Done {
			t.Fatalf("token %d: %+v", n, r)
		}
	}
	one := numbered(maxTokens)
	for _, c := range []struct {
		name   string
		second int64
		token  Command
		want   Status
		kept   int
	}{
		{"one too many", 899, issue(one), Conflict, maxTokens},
		{"without a node", 899, issue(one, func(c *IssueToken) { c.Node = "" }), Ignored, maxTokens},
		{"without an id", 899, issue(func(c *IssueToken) { c.ID = login.Tag{} }), Ignored, maxTokens},
		{"after their time", 900, issue(one, func(c *IssueToken) { c.Until = 1800 * second }), Done, 1},
		{"the same id", 900, issue(one), Conflict, 1},
	} {
		if got := m.apply(3, c.second*second, []Command{c.token})[0].Status; got != c.want {
			t.Errorf("%s: status %d, want %d", c.name, got, c.want)
		}
		if got := len(m.now.Load().tokens); got != c.kept {
			t.Errorf("%s: %d tokens, want %d", c.name, got, c.kept)
		}
	}
}

func TestNodesAreBounded(t *testing.T) {
	m := foundedMachine()
	join := func(n int) Status {
		name, id := fmt.Sprint("node", n), login.Tag{2, byte(n)}
		r := m.apply(2, int64(n)*1000*second, []Command{
			issue(func(c *IssueToken) { c.Node, c.ID, c.Until = name, id, int64(n+1)*1000*second }),
			use(func(c *UseToken) { c.Node, c.ID = name, id }),
		})
		return r[1].Status
	}
	for n := range maxNodes {
		if got := join(n); got != Done {
			t.Fatalf("node %d: status %d", n, got)
		}
	}
	if got := join(maxNodes); got != Conflict || len(m.View().Nodes()) != maxNodes {
		t.Errorf("one node too many: status %d, %d nodes", got, len(m.View().Nodes()))
	}
}
