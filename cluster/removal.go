package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
)

// removal is what is asked of the leader.
type removal struct {
	Node  string `json:"node"`
	Force bool   `json:"force"`
}

// Remove takes a node out of the cluster, for good: it cannot come back with the certificate that it
// has. What would leave fewer nodes up than a majority is refused, unless forced; what could never be
// done is refused always. [RefusedError] says why.
func (n *Node) Remove(ctx context.Context, name string, force bool) error {
	if n.isAlone() {
		return &RefusedError{"this node is alone: there is nobody to remove"}
	}
	if _, ok := n.known().find(name); !ok {
		return &RefusedError{fmt.Sprintf("the cluster has no node %q", name)}
	}
	request, err := json.Marshal(removal{name, force})
	if err != nil {
		return err
	}
	err = n.atLeader(ctx, func(r *raft.Raft) error { return n.removeHere(ctx, r, name, force) }, callRemove, request)
	if name == n.config.Name && errors.Is(err, errRemoved) {
		return nil // which has cut the connection that the answer was to come by
	}
	return err
}

func (n *Node) answerRemove(ctx context.Context, request []byte) ([]byte, error) {
	var ask removal
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return nil, errNotLeading
	}
	return nil, n.removeHere(ctx, r, ask.Node, ask.Force)
}

func (n *Node) removeHere(ctx context.Context, r *raft.Raft, name string, force bool) error {
	n.changing.Lock() // one removal is judged when the one before is done
	defer n.changing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	known := n.known()
	target, ok := known.find(name)
	if !ok {
		return nil // an earlier attempt has done it
	}
	if err := n.mayLose(ctx, known, target, force); err != nil {
		return err
	}
	if name == n.config.Name {
		if err := n.handOver(r); err != nil {
			return err
		}
		return errNotLeading // the next leader removes this node
	}
	if err := n.expel(ctx, r, target); err != nil {
		return err
	}
	n.net.recheck()
	n.logger.Info("a node was removed", "node", name)
	return nil
}

// expel takes a node out of Raft's configuration, and then out of the state. In between it looks like one
// that is joining, and must not be taken in.
func (n *Node) expel(ctx context.Context, r *raft.Raft, target member) error {
	if !target.Joining {
		if err := r.RemoveServer(raft.ServerID(target.Name), 0, changeTimeout).Error(); err != nil {
			return fmt.Errorf("remove node: %w", err)
		}
	}
	tell, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	_, _ = n.net.call(tell, target, callRemoved, nil) // one that is down is told by its refused connections
	_, err := n.submit(ctx, &state.RemoveNode{Node: target.Name, Act: newAct()})
	return err
}

// mayLose refuses to remove a node where too few would be left. Who is up is asked now: what was heard
// some seconds ago may have died since.
func (n *Node) mayLose(ctx context.Context, known roster, target member, force bool) error {
	if !target.Voter {
		return nil
	}
	left := roster{Members: known.others(target.Name)}
	if left.voters() == 0 {
		return &RefusedError{"this is the only node that votes: there would be no cluster left"}
	}
	up := n.callAll(ctx, known, callRecall)
	alive := 0
	for _, m := range left.Members {
		if m.Voter && (m.Name == n.config.Name || up[m.Name].err == nil) {
			alive++
		}
	}
	if alive < left.quorum() {
		return &RefusedError{fmt.Sprintf("without %s, %d of %d voters would be up, and %d are needed: start the others first, or remove one of those that are down", target.Name, alive, left.voters(), left.quorum())}
	}
	if !force && left.voters() == 1 && (target.Name == n.config.Name || up[target.Name].err == nil) {
		return &RefusedError{"one voter would be left, which can lose no node: say so with --force"}
	}
	return nil
}

// answerRemoved ends this node's part, for good, as the leader says.
func (n *Node) answerRemoved(from string) ([]byte, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, errNoLeader
	}
	if _, leader := r.LeaderWithID(); string(leader) != from {
		return nil, errors.New("only the leader says so")
	}
	n.memory.leave()
	if err := n.memory.beat(n.config.Now()); err != nil {
		n.logger.Warn("that this node was removed could not be written down", "error", err.Error())
	}
	n.refuse(errRemoved)
	return nil, nil
}

var errRemoved = errors.New("this node was removed from the cluster: stop it; to join again, wipe its data directory")
