package state

import (
	"bytes"
	"testing"

	"sallyport/login"
)

// announce is what the first node says.
func announce(changes ...func(*Announce)) Command {
	c := &Announce{Node: "node1", Address: "192.0.2.11:18300", Version: "1.0.0", Level: 2, Fingerprint: [32]byte{1}}
	for _, change := range changes {
		change(c)
	}
	return c
}

func TestANodeAnnouncesItself(t *testing.T) {
	const joined = 5 * second
	first := NodeRecord{Name: "node1", Address: "192.0.2.11:18300", Version: "1.0.0", Level: 2, Fingerprint: [32]byte{1}, Joined: joined}
	moved, unknown := first, first
	moved.Address, moved.Version, moved.Level = "192.0.2.99:18300", "2.0.0", 3
	unknown.Fingerprint = [32]byte{}
	move := func(c *Announce) { c.Address, c.Version, c.Level = "192.0.2.99:18300", "2.0.0", 3 }
	nameless := func(c *Announce) { c.Fingerprint = [32]byte{} }
	for _, c := range []struct {
		name     string
		before   []Command
		announce Command
		want     Status
		node     NodeRecord
	}{
		{"the first", nil, announce(), Done, first},
		{"the first without a certificate", nil, announce(nameless), Done, unknown},
		{"again", []Command{announce()}, announce(), Done, first},
		{"another address and version", []Command{announce()}, announce(move), Done, moved},
		{"the same without a certificate", []Command{announce()}, announce(move, nameless), Done, moved},
		{"a certificate where there was none", []Command{announce(nameless)}, announce(), Done, first},
		{"another certificate", []Command{announce()}, announce(move, func(c *Announce) { c.Fingerprint[0] = 9 }), Conflict, first},
		{"one that has not joined", []Command{announce()}, announce(func(c *Announce) { c.Node = "node9" }), Unknown, first},
		{"without a name", []Command{announce()}, announce(func(c *Announce) { c.Node = "" }), Ignored, first},
		{"an endless version", []Command{announce()}, announce(func(c *Announce) { c.Version = string(make([]byte, MaxVersion+1)) }), Ignored, first},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := foundedMachine()
			m.apply(2, joined, c.before)
			got := m.apply(3, joined, []Command{c.announce})[0].Status
			if nodes := m.View().Nodes(); got != c.want || len(nodes) != 1 || nodes[0] != c.node {
				t.Errorf("status %d, %+v, want %d, %+v", got, nodes, c.want, c.node)
			}
		})
	}
}

// TestARemovedNodeDoesNotComeBack: what it had sent before may arrive after.
func TestARemovedNodeDoesNotComeBack(t *testing.T) {
	m := foundedMachine()
	late := announce(func(c *Announce) { c.Node, c.Fingerprint = "node2", [32]byte{2} })
	act := func(node string) Command { return &RemoveNode{Node: node, Act: login.Tag{5, node[4]}} }
	for i, c := range []struct {
		command Command
		want    Status
	}{
		{announce(), Done}, {issue(), Done}, {use(), Done}, {late, Done},
		{act("node2"), Done}, {act("node2"), Done}, {late, Unknown}, {use(), Used}, {&RemoveNode{Node: "node2"}, Unknown},
	} {
		if got := m.apply(uint64(i+2), 0, []Command{c.command})[0].Status; got != c.want {
			t.Errorf("command %d: status %d, want %d", i, got, c.want)
		}
	}
	if nodes := m.View().Nodes(); len(nodes) != 1 || nodes[0].Name != "node1" {
		t.Errorf("%+v", nodes)
	}
	if n, ok := m.View().Node("node2"); ok {
		t.Errorf("%+v", n)
	}
}

func TestThereIsOneAuthority(t *testing.T) {
	m := foundedMachine()
	certify := func(certificate, key string) Command {
		return &Certify{Certificate: []byte(certificate), Key: []byte(key)}
	}
	if c, k := m.View().Authority(); c != nil || k != nil {
		t.Errorf("before there is one: %q, %q", c, k)
	}
	for i, c := range []struct {
		command Command
		want    Status
	}{
		{certify("", "key"), Ignored}, {certify("first", ""), Ignored}, {certify(string(make([]byte, maxCertificate+1)), "key"), Ignored},
		{certify("first", "key"), Done}, {certify("first", "sealed anew"), Done}, {certify("second", "key"), Conflict},
	} {
		if got := m.apply(uint64(i+2), 0, []Command{c.command})[0].Status; got != c.want {
			t.Errorf("command %d: status %d, want %d", i, got, c.want)
		}
	}
	if c, k := m.View().Authority(); string(c) != "first" || string(k) != "key" {
		t.Errorf("%q, %q", c, k)
	}
}

// TestViewsOfNodesNeverChange holds what the slices of a root promise.
func TestViewsOfNodesNeverChange(t *testing.T) {
	m := foundedMachine()
	m.apply(2, 0, []Command{announce(), issue(), use()})
	before := m.View()
	nodes := before.Nodes()
	first := snapshotOf(t, before)
	m.apply(3, 0, []Command{
		announce(func(c *Announce) { c.Version = "2" }), &RemoveNode{Node: "node1"}, issue(func(c *IssueToken) { c.ID[0] = 3 }),
		use(func(c *UseToken) { c.ID[0] = 3 }),
	})
	if !bytes.Equal(first, snapshotOf(t, before)) || nodes[0].Version != "1.0.0" || len(nodes) != 2 {
		t.Errorf("the view has changed: %+v", nodes)
	}
}
