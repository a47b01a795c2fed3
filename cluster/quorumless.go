package cluster

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/login"
)

// soloing is the ledger of this node alone while there is no quorum.
type soloing struct {
	mu     sync.Mutex
	ledger *ledger
}

// alone returns a ledger on the last known state, where this node has lost the others not longer ago
// than is allowed. There is one for each time without a quorum.
func (n *Node) alone() (login.Ledger, bool) {
	n.soloing.mu.Lock()
	defer n.soloing.mu.Unlock()
	if !n.mayBeSolo() {
		n.soloing.ledger = nil
		return nil, false
	}
	if n.soloing.ledger == nil {
		n.soloing.ledger = newSolo(n.ledger)
	}
	return n.soloing.ledger, true
}

// mayBeSolo reports whether contact was lost, and not too long ago. A node that was not up to date when
// it was lost is none that may: it does not know what was reset.
func (n *Node) mayBeSolo() bool {
	r := n.raft.Load()
	if r == nil || n.isAlone() || n.config.SoloFor <= 0 || n.out() || n.health.err() != nil {
		return false
	}
	if r.State() == raft.Leader || n.contact(r) == nil {
		return false // there is a quorum, whatever keeps this node from serving
	}
	last := n.contacted.Load()
	if last == nil {
		return false
	}
	away := n.config.Elapsed() - *last
	return away >= n.soloAfter() && away <= n.config.SoloFor
}

// soloAfter is how long contact must be lost: longer than an election takes. In an ordinary fail-over the
// next leader knows which passcodes are on their way, and this node may not.
func (n *Node) soloAfter() time.Duration { return max(3*time.Second, 5*n.config.ElectionTimeout) }

// touch notes that this node is up to date and in contact with a leader, or leads.
func (n *Node) touch() {
	if n.isAlone() {
		return
	}
	now := n.config.Elapsed()
	n.contacted.Store(&now)
	n.soloing.mu.Lock()
	defer n.soloing.mu.Unlock()
	n.soloing.ledger = nil
}
