package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// handPause is how often it is looked how far the next leader has come.
const handPause = 2 * time.Millisecond

// errHandingOver is what happens to a batch while another node is about to lead: it is proposed again.
var errHandingOver = errors.New("another node is about to lead")

// Transfer has another node lead: the named one, or any. [RefusedError] says why that cannot be.
func (n *Node) Transfer(ctx context.Context, to string) error {
	if n.isAlone() {
		return &RefusedError{"this node is alone: no other can lead"}
	}
	return n.atLeader(ctx, func(r *raft.Raft) error { return n.transferHere(r, to) }, callTransfer, []byte(to))
}

func (n *Node) answerTransfer(request []byte) ([]byte, error) {
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return nil, errNotLeading
	}
	return nil, n.transferHere(r, string(request))
}

func (n *Node) transferHere(r *raft.Raft, to string) error {
	if to == n.config.Name {
		return nil // it leads already
	}
	if to == "" {
		if !n.anotherCanLead() {
			return &RefusedError{"no other voter is up and ready to lead"}
		}
		return n.handOver(r)
	}
	m, ok := n.known().find(to)
	if !ok || !m.Voter {
		return &RefusedError{fmt.Sprintf("%q is no voter of this cluster", to)}
	}
	if _, heard := n.up()[to]; !heard {
		return &RefusedError{fmt.Sprintf("%q is not heard of: it cannot lead now", to)}
	}
	return n.handOverTo(r, m)
}

// StepDown hands the lead over before this node stops, where there is a node to take it. It returns
// when another leads, or when that does not come about.
func (n *Node) StepDown(ctx context.Context) error {
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader || n.known().voters() < 2 || !n.anotherCanLead() {
		return nil
	}
	if err := n.handOver(r); err != nil {
		return err
	}
	for {
		if _, leader := r.LeaderWithID(); leader != "" && string(leader) != n.config.Name {
			return nil
		}
		if err := wait(ctx, retryPause); err != nil {
			return fmt.Errorf("wait for another leader: %w", err)
		}
	}
}

// handOver has the node lead that has most of the log, of those that may.
func (n *Node) handOver(r *raft.Raft) error {
	able := n.successors()
	if len(able) == 0 {
		return errors.New("hand the lead over: no other voter is up and ready to lead")
	}
	term := r.CurrentTerm()
	return n.handOverTo(r, slices.MaxFunc(able, func(a, b member) int {
		return cmp.Compare(n.acked.upTo(raft.ServerID(a.Name), term), n.acked.upTo(raft.ServerID(b.Name), term))
	}))
}

// handOverTo has a voter lead that is up (Raft thesis §3.10): nothing new is put into the log until it has
// what there is, and then it is told to stand for election at once. Raft's own way is not used: a node
// that loses the lead in the middle of it may take no entry when it leads again, for as long as it runs
// (hashicorp/raft issue 696).
func (n *Node) handOverTo(r *raft.Raft, to member) error {
	if !n.handing.CompareAndSwap(false, true) {
		return errHandingOver
	}
	defer n.handing.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), 2*n.config.ElectionTimeout)
	defer cancel()
	id, term := raft.ServerID(to.Name), r.CurrentTerm()
	for n.acked.upTo(id, term) < r.LastIndex() {
		if err := wait(ctx, handPause); err != nil {
			return fmt.Errorf("hand the lead over: %s has not caught up in time", to.Name)
		}
	}
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(n.config.Name), Addr: []byte(n.self.Address)}
	if err := n.net.transport().TimeoutNow(id, raft.ServerAddress(to.Address), &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{}); err != nil {
		return fmt.Errorf("hand the lead over to %s: %w", to.Name, err)
	}
	for r.State() == raft.Leader && r.CurrentTerm() == term {
		if err := wait(ctx, handPause); err != nil {
			return fmt.Errorf("hand the lead over: %s was not elected in time", to.Name)
		}
	}
	return nil
}
