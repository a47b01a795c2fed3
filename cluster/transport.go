package cluster

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// watchedTransport remembers what other nodes have acknowledged to this one while it leads. A node that
// has less than that afterwards has lost it: its disk was put back under a running process.
type watchedTransport struct {
	raft.Transport
	acked  *acked
	memory *memory
	// awaitReturn waits for a node that is away, while this one leads that term.
	awaitReturn func(id raft.ServerID, term uint64)
	// follows reports whether this node is a follower in that term; nil is never.
	follows func(term uint64) bool
}

var _ raft.WithPreVote = watchedTransport{}

// AppendEntries sends entries, and refuses the word of a node that has lost some. When a node has failed
// twice, the error is held back until the node is there again: raft doubles its pause after each one, to
// ten seconds, and for so long a node that has come back would get nothing.
func (t watchedTransport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if slices.ContainsFunc(args.Entries, func(l *raft.Log) bool { return l.Type == edgeType }) {
		return errors.New("an entry that is in a snapshot only cannot be sent")
	}
	if err := t.Transport.AppendEntries(id, target, args, resp); err != nil {
		if !isHeartbeat(args) && t.acked.failed(id) > 1 {
			t.awaitReturn(id, args.Term)
		}
		return err
	}
	if !isHeartbeat(args) {
		t.acked.reached(id)
	}
	if resp.Term > args.Term {
		return nil
	}
	if lost := t.acked.lost(id, args.Term, resp.LastLog); lost > 0 && len(args.Entries) > 0 {
		return fmt.Errorf("node %s has acknowledged entry %d and has only %d now: its disk was put back; remove it, wipe it, and join it again", id, lost, resp.LastLog)
	}
	if resp.Success && len(args.Entries) > 0 {
		last := args.Entries[len(args.Entries)-1]
		t.acked.note(id, args.Term, last.Index)
		t.memory.grow(string(id), args.Term, last.Term, last.Index)
	}
	return nil
}

// errNewTerm is the answer to a heartbeat that would change the term: the leader's entries, which are on
// their way, do so.
var errNewTerm = errors.New("this node does not follow in that term yet")

// SetHeartbeatHandler lets a heartbeat that changes nothing overtake what waits for the disk. Raft would let
// every one, beside whatever else it does: two terms at once then, of which the lower may be the last to be
// written down, and entries of a leader under a term that another leads (hashicorp/raft issue 695).
func (t watchedTransport) SetHeartbeatHandler(handle func(raft.RPC)) {
	t.Transport.SetHeartbeatHandler(func(r raft.RPC) {
		if a, ok := r.Command.(*raft.AppendEntriesRequest); !ok || t.follows == nil || !t.follows(a.Term) {
			r.Respond(nil, errNewTerm)
			return
		}
		handle(r)
	})
}

// isHeartbeat reports whether a message only says that this node leads.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.LeaderCommitIndex == 0
}

// RequestPreVote asks for a vote that binds nobody.
func (t watchedTransport) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.Transport.(raft.WithPreVote).RequestPreVote(id, target, args, resp)
}

// acked is up to where each node has acknowledged the log in the term that this node leads.
type acked struct {
	mu   sync.Mutex
	term uint64
	to   map[raft.ServerID]uint64
	// fails are how often in a row a node was not reached.
	fails map[raft.ServerID]int
}

// failed notes that a node was not reached, and returns how often in a row.
func (a *acked) failed(id raft.ServerID) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fails == nil {
		a.fails = map[raft.ServerID]int{}
	}
	a.fails[id]++
	return a.fails[id]
}

// reached notes that a node was reached.
func (a *acked) reached(id raft.ServerID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.fails, id)
}

func (a *acked) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.term, a.to = 0, nil
}

func (a *acked) of(term uint64) map[raft.ServerID]uint64 {
	if a.term != term || a.to == nil {
		a.term, a.to = term, map[raft.ServerID]uint64{}
	}
	return a.to
}

func (a *acked) note(id raft.ServerID, term, index uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	to := a.of(term)
	to[id] = max(to[id], index)
}

// upTo returns up to where the node has acknowledged the log in that term.
func (a *acked) upTo(id raft.ServerID, term uint64) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.term != term {
		return 0
	}
	return a.to[id]
}

// lost returns the entry that the node has acknowledged and does not have, 0 when there is none.
func (a *acked) lost(id raft.ServerID, term, has uint64) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if to := a.of(term)[id]; to > has {
		return to
	}
	return 0
}

// forget makes a node of that name a new one.
func (a *acked) forget(id raft.ServerID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.to, id)
}
