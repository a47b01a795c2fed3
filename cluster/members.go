package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

// The roles of a node.
const (
	RoleLeader   = "leader"
	RoleVoter    = "voter"
	RoleNonVoter = "non-voter"
	RoleJoining  = "joining"
)

// Members is the cluster as one node sees it.
type Members struct {
	ClusterID string `json:"cluster_id"`
	Epoch     uint32 `json:"epoch"`
	Level     uint32 `json:"level"`
	Node      string `json:"node"`   // who says so
	Leader    string `json:"leader"` // empty when none is known
	// Quorum is how many voters must be up, FailureTolerance how many more may fail now.
	Quorum           int `json:"quorum"`
	FailureTolerance int `json:"failure_tolerance"`
	// Healthy means that there is a leader, and that every node is up, serves, and has its clock right.
	Healthy bool     `json:"healthy"`
	Nodes   []Member `json:"nodes"`
}

// Member is one node of the cluster.
type Member struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Role    string `json:"role"`
	// Vote says whether it votes.
	Vote    bool   `json:"vote"`
	Version string `json:"version"`
	Level   uint32 `json:"level"`
	// Up means that it was heard of in the last seconds, LastContact how long ago that was.
	Up          bool          `json:"up"`
	LastContact time.Duration `json:"last_contact"`
	LastIndex   uint64        `json:"last_index"`
	Applied     uint64        `json:"applied"`
	// Lag is how many entries it is behind the node that has applied most.
	Lag uint64 `json:"lag"`
	// ClockOffset is how far its clock is ahead of this node's.
	ClockOffset time.Duration `json:"clock_offset"`
	FreeBytes   uint64        `json:"free_bytes"`
	TotalBytes  uint64        `json:"total_bytes"`
	// Settings recognises its policies and limits, which should be those of the others.
	Settings string `json:"settings,omitempty"`
	// Reason is why it does not serve; empty when it does.
	Reason string `json:"reason,omitempty"`
}

// Members returns the nodes of the cluster. It works without a leader.
func (n *Node) Members(context.Context) (Members, error) {
	view := n.machine.View()
	known := n.known()
	m := Members{
		ClusterID: view.Meta().ClusterID, Epoch: view.Meta().Epoch, Level: view.Level(), Node: n.config.Name,
		Quorum: known.quorum(), Healthy: true,
	}
	if r := n.raft.Load(); r != nil {
		_, id := r.LeaderWithID()
		m.Leader = string(id)
	}
	up, all := n.up(), n.peers.snapshot()
	voting, newest := 0, view.Index()
	for _, k := range known.Members {
		one := n.memberOf(k, m.Leader, up, all)
		newest = max(newest, one.Applied)
		if one.Up && k.Voter && one.Reason == "" {
			voting++
		}
		if !one.Up || one.Reason != "" || abs(one.ClockOffset) > time.Second {
			m.Healthy = false
		}
		m.Nodes = append(m.Nodes, one)
	}
	for i := range m.Nodes {
		if m.Nodes[i].Up {
			m.Nodes[i].Lag = newest - m.Nodes[i].Applied
		}
	}
	m.Healthy = m.Healthy && m.Leader != ""
	m.FailureTolerance = max(0, voting-m.Quorum)
	return m, nil
}

func (n *Node) memberOf(k member, leader string, up, all map[string]heard) Member {
	one := Member{Name: k.Name, Address: k.Address, Vote: k.Voter, Role: roleOf(k, leader)}
	if record, ok := n.machine.View().Node(k.Name); ok {
		one.Version, one.Level = record.Version, record.Level
	}
	h := n.ownHello
	if k.Name == n.config.Name {
		one.Up = true
		return one.with(h())
	}
	heard, ever := all[k.Name]
	if !ever || heard.hello.Name == "" {
		one.Reason = "was not heard of since this node started"
		return one
	}
	_, one.Up = up[k.Name]
	one.LastContact = n.config.Elapsed() - heard.at
	one.ClockOffset = heard.offset
	if one = one.with(heard.hello); !one.Up {
		one.Reason = "is not heard of"
	}
	return one
}

func (m Member) with(h hello) Member {
	m.Version, m.Level = h.Version, h.Level
	m.LastIndex, m.Applied = h.Trace.LastIndex, h.Applied
	m.FreeBytes, m.TotalBytes, m.Reason, m.Settings = h.Free, h.Total, h.Reason, h.Settings
	return m
}

func roleOf(k member, leader string) string {
	switch {
	case k.Joining:
		return RoleJoining
	case k.Name == leader:
		return RoleLeader
	case k.Voter:
		return RoleVoter
	}
	return RoleNonVoter
}

// SetSettings says by what the policies and limits of this node are recognised, for those who compare the
// nodes: each has a file of its own.
func (n *Node) SetSettings(s string) { n.settings.Store(&s) }

// atLeader does something on the node that leads, and asks again while there is none.
func (n *Node) atLeader(ctx context.Context, here func(*raft.Raft) error, method string, request []byte) error {
	for {
		err := errNoLeader
		if r := n.raft.Load(); r != nil {
			if r.State() == raft.Leader {
				err = here(r)
			} else {
				_, err = n.callLeader(ctx, r, method, request)
			}
		}
		var refused *RefusedError
		if err = asRefused(err); err == nil || errors.As(err, &refused) {
			return err
		}
		if pause := wait(ctx, takeOverPause); pause != nil {
			return fmt.Errorf("%w: %w (last: %w)", login.ErrUnavailable, pause, err)
		}
	}
}

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
	request, err := json.Marshal(removal{name, force})
	if err != nil {
		return err
	}
	return n.atLeader(ctx, func(r *raft.Raft) error { return n.removeHere(ctx, r, name, force) }, callRemove, request)
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
	known := n.known()
	target, ok := known.find(name)
	if !ok {
		return &RefusedError{fmt.Sprintf("the cluster has no node %q", name)}
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
	if !target.Joining {
		future := r.GetConfiguration()
		if err := future.Error(); err != nil {
			return err
		}
		if err := r.RemoveServer(raft.ServerID(name), future.Index(), changeTimeout).Error(); err != nil {
			return fmt.Errorf("remove node: %w", err)
		}
	}
	tell, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	_, _ = n.net.call(tell, target, callRemoved, nil) // one that is down is told by its refused connections
	if _, err := n.submit(ctx, &state.RemoveNode{Node: name, Act: newAct()}); err != nil {
		return err
	}
	n.net.recheck()
	n.logger.Info("a node was removed", "node", name)
	return nil
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
	up := n.respond(ctx, known)
	alive := 0
	for _, m := range left.Members {
		if m.Voter && up[m.Name] {
			alive++
		}
	}
	if alive < left.quorum() {
		return &RefusedError{fmt.Sprintf("without %s, %d of %d voters would be up, and %d are needed: start the others first, or remove one of those that are down", target.Name, alive, left.voters(), left.quorum())}
	}
	if !force && left.voters() == 1 && up[target.Name] {
		return &RefusedError{"one voter would be left, which can lose no node: say so with --force"}
	}
	return nil
}

// respond says which members answer a call at this moment.
func (n *Node) respond(ctx context.Context, members roster) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	others := members.others(n.config.Name)
	answers := make(chan string, len(others))
	for _, m := range others {
		go func() {
			name := m.Name
			if _, err := n.net.call(ctx, m, callRecall, nil); err != nil {
				name = ""
			}
			answers <- name
		}()
	}
	up := map[string]bool{n.config.Name: true}
	for range others {
		up[<-answers] = true
	}
	return up
}

// answerRemoved ends this node's part, as the leader says.
func (n *Node) answerRemoved(from string) ([]byte, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, errNoLeader
	}
	if _, leader := r.LeaderWithID(); string(leader) != from {
		return nil, errors.New("only the leader says so")
	}
	n.refuse(errRemoved)
	return nil, nil
}

var errRemoved = errors.New("this node was removed from the cluster: stop it; to join again, wipe its data directory")
