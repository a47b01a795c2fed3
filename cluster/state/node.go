package state

import (
	"slices"
	"strings"
)

// Bounds of the nodes, also for whoever makes commands: how many there are, and octets.
const (
	maxNodes    = 64
	MaxNodeName = 128
	MaxAddress  = 512
	MaxVersion  = 128
)

// NodeRecord is what is stored about a node of the cluster. It says who is known, not who votes: that is
// Raft's configuration.
type NodeRecord struct {
	Name    string
	Address string // host:port
	Version string // empty until the node has announced itself
	Level   uint32 // the feature level that its program knows; 0 until then
	// Fingerprint is the SHA-256 of its certificate.
	Fingerprint [32]byte
	NonVoter    bool  // it is never made a voter
	Joined      int64 // nanoseconds since 1970
}

func (n *NodeRecord) wire(w *wire) {
	w.str(1, &n.Name)
	w.str(2, &n.Address)
	w.str(3, &n.Version)
	number(w, 4, &n.Level)
	w.fixed(5, n.Fingerprint[:])
	w.bool(6, &n.NonVoter)
	w.int(7, &n.Joined)
}

// Nodes returns the nodes of the cluster by name, in order.
func (v View) Nodes() []NodeRecord { return slices.Clip(v.root.nodes) }

// Node returns the record of a node.
func (v View) Node(name string) (NodeRecord, bool) {
	i, ok := v.root.node(name)
	if !ok {
		return NodeRecord{}, false
	}
	return v.root.nodes[i], true
}

// node returns where a node is, or would be.
func (r *root) node(name string) (int, bool) {
	return slices.BinarySearchFunc(r.nodes, name, func(n NodeRecord, name string) int {
		return strings.Compare(n.Name, name)
	})
}

// putNode stores a node in place of the one of that name.
func (t *txn) putNode(n NodeRecord) {
	i, ok := t.node(n.Name)
	t.nodes = slices.Clone(t.nodes)
	if ok {
		t.nodes[i] = n
		return
	}
	t.nodes = slices.Insert(t.nodes, i, n)
}

func validName(name string) bool { return name != "" && len(name) <= MaxNodeName }

func (c *Announce) apply(t *txn) Result {
	if !validName(c.Node) || len(c.Address) > MaxAddress || len(c.Version) > MaxVersion {
		return Result{Status: Ignored}
	}
	var n NodeRecord
	switch i, ok := t.node(c.Node); {
	case ok:
		n = t.nodes[i]
	case len(t.nodes) > 0:
		return Result{Status: Unknown}
	default:
		n = NodeRecord{Name: c.Node, Joined: t.time}
	}
	none := [32]byte{}
	switch {
	case n.Fingerprint == none:
		n.Fingerprint = c.Fingerprint
	case c.Fingerprint != none && c.Fingerprint != n.Fingerprint:
		return Result{Status: Conflict}
	}
	n.Address, n.Version, n.Level = c.Address, c.Version, c.Level
	t.putNode(n)
	return Result{Status: Done}
}

func (c *RemoveNode) apply(t *txn) Result {
	return t.once(c.Act, func() Result { return c.remove(t) })
}

func (c *RemoveNode) remove(t *txn) Result {
	i, ok := t.node(c.Node)
	if !ok {
		return Result{Status: Unknown}
	}
	t.nodes = slices.Delete(slices.Clone(t.nodes), i, i+1)
	return Result{Status: Done}
}
