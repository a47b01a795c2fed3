package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

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
				attempt, cancel := context.WithTimeout(ctx, changeTimeout)
				_, err = n.callLeader(attempt, r, method, request)
				cancel()
			}
		}
		var refused *RefusedError
		if err = asRefused(err); err == nil || errors.As(err, &refused) {
			return err
		}
		if n.out() {
			return n.ready.err()
		}
		if pause := wait(ctx, takeOverPause); pause != nil {
			return fmt.Errorf("%w: %w (last: %w)", login.ErrUnavailable, pause, err)
		}
	}
}
