package cluster

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// Status is a node's account of itself, for people and programs.
type Status struct {
	Node         string `json:"node"`
	ClusterID    string `json:"cluster_id"`
	ClusterEpoch uint32 `json:"cluster_epoch"`
	Ready        bool   `json:"ready"`
	Reason       string `json:"reason,omitempty"`
	RaftState    string `json:"raft_state"`
	Leader       string `json:"leader"`
	Term         uint64 `json:"term"`
	LastIndex    uint64 `json:"last_index"`
	CommitIndex  uint64 `json:"commit_index"`
	AppliedIndex uint64 `json:"applied_index"`
	SnapshotAt   string `json:"last_snapshot_index"`
	LastContact  string `json:"last_contact"`
	// Level is the feature level of the cluster, Digest that of the state at AppliedIndex.
	Level   uint32    `json:"level"`
	Digest  string    `json:"digest"`
	LogTime time.Time `json:"log_time"`
	// ClockOffset is by how much this node's clock is ahead of the log.
	ClockOffset string `json:"clock_offset"`
	LogBytes    int64  `json:"log_bytes"`
	Users       int    `json:"users"`
	Challenges  int    `json:"challenges"`
	Verdicts    uint64 `json:"verdicts"`
	Capacity    uint64 `json:"challenge_capacity"`
	Learned     int    `json:"learned_clients"`
	StateKeys   int    `json:"state_keys"`
	StateKeyAge string `json:"state_key_age"`
	Stats       Stats  `json:"counters"`
}

// Status returns a [Status]. It works without a leader.
func (n *Node) Status(context.Context) any {
	view := n.machine.View()
	meta, sizes := view.Meta(), view.Sizes()
	digest := view.Digest()
	s := Status{
		Node: n.config.Name, ClusterID: meta.ClusterID, ClusterEpoch: meta.Epoch, Level: view.Level(),
		RaftState: "waiting", AppliedIndex: view.Index(), Digest: hex.EncodeToString(digest[:]),
		LogTime: instant(view.Time()), ClockOffset: n.clock.offset().Round(time.Millisecond).String(),
		Users: sizes.Users, Challenges: sizes.Challenges, Verdicts: sizes.Verdicts,
		Capacity: n.capacity.Load(), Learned: sizes.Learned, StateKeys: len(meta.Keys),
		Stats: n.Stats(),
	}
	if r := n.raft.Load(); r != nil {
		s.ofRaft(r)
	}
	reason := n.readableNow()
	if s.Ready = reason == nil; !s.Ready {
		s.Reason = reason.Error()
	}
	if k := len(meta.Keys); k > 0 {
		s.StateKeyAge = n.Now().Sub(instant(meta.Keys[k-1].Since)).Round(time.Second).String()
	}
	if info, err := os.Stat(filepath.Join(n.config.DataDir, raftDir, logFile)); err == nil {
		s.LogBytes = info.Size()
	}
	return s
}

// ofRaft adds what raft says of itself.
func (s *Status) ofRaft(r *raft.Raft) {
	_, leader := r.LeaderWithID()
	stats := r.Stats()
	s.RaftState, s.Leader, s.Term = r.State().String(), string(leader), r.CurrentTerm()
	s.LastIndex, s.CommitIndex = r.LastIndex(), r.CommitIndex()
	s.SnapshotAt, s.LastContact = stats["last_snapshot_index"], stats["last_contact"]
}

// Stats are counters since the process started, and sizes now. Reading them costs next to nothing.
type Stats struct {
	// Commits are commands that were committed here and got a result, Batches the log entries
	// that carried them.
	Commits uint64 `json:"commits"`
	Batches uint64 `json:"batches"`
	// Retried are proposals made again because their outcome was not known or there was no
	// leader; Failed are commands that ended without a result.
	Retried uint64 `json:"retried"`
	// Relayed are commands that the leader committed for this node.
	Relayed uint64 `json:"relayed"`
	Failed  uint64 `json:"failed"`
	// LeaderChanges is how often another node began to lead, as seen from here.
	LeaderChanges uint64 `json:"leader_changes"`
	// Applied are commands that the state machine saw, Ignored those that it did not understand.
	Applied uint64 `json:"applied"`
	Ignored uint64 `json:"ignored"`
	// Hangs are writes to the log store that took too long.
	Hangs     uint64 `json:"hangs"`
	Snapshots uint64 `json:"snapshots"`
	// Queued are commands that wait for the batch in flight.
	Queued int `json:"queued"`
	// Verdicts are those remembered, Challenges what they belong to, and Capacity the most
	// challenges that are kept, as the last login asked for; 0 is no bound.
	Verdicts   uint64 `json:"verdicts"`
	Challenges int    `json:"challenges"`
	Capacity   uint64 `json:"capacity"`
}

// Stats returns the counters.
func (n *Node) Stats() Stats {
	counters, sizes := n.machine.Counters(), n.machine.View().Sizes()
	return Stats{
		Commits: n.proposer.commits.Load(), Batches: n.proposer.batches.Load(),
		Retried: n.proposer.retried.Load(), Relayed: n.relayed.Load(), LeaderChanges: n.leaderChanges.Load(), Failed: n.proposer.failed.Load(),
		Applied: counters.Applied, Ignored: counters.Ignored,
		Hangs: n.disk.dog.hangs.Load(), Snapshots: n.fsm.snapshots.Load(),
		Queued: len(n.proposer.queue), Verdicts: sizes.Verdicts, Challenges: sizes.Challenges,
		Capacity: n.capacity.Load(),
	}
}
