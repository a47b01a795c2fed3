package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

// relayTimeout bounds one attempt to have a batch committed by the leader. A follower may name a leader
// that has died until its own heartbeat time-out.
const relayTimeout = 400 * time.Millisecond

// indexTimeout bounds one attempt to learn what has been committed.
const indexTimeout = 400 * time.Millisecond

var (
	errNoLeader   = errors.New("no leader is known")
	errNotLeading = errors.New("this node does not lead")
)

// commit puts a batch into the log, here or through the leader, and waits for its results.
func (n *Node) commit(commands [][]byte) ([]state.Result, error) {
	r := n.raft.Load()
	if r == nil {
		return nil, errNoLeader
	}
	if r.State() == raft.Leader {
		return n.commitHere(r, commands)
	}
	return n.relay(r, commands)
}

// commitHere makes a log entry of a batch under the log's present time.
func (n *Node) commitHere(r *raft.Raft, commands [][]byte) ([]state.Result, error) {
	n.restoring.RLock()
	defer n.restoring.RUnlock()
	if n.handing.Load() {
		return nil, errHandingOver
	}
	entry := state.EncodeBatch(n.Now().UnixNano(), commands)
	future := r.Apply(entry, enqueueTimeout)
	if err := future.Error(); err != nil {
		return nil, err
	}
	results, _ := future.Response().([]state.Result)
	return results, nil
}

// relay has a batch committed by the leader.
func (n *Node) relay(r *raft.Raft, commands [][]byte) ([]state.Result, error) {
	ctx, cancel := context.WithTimeout(n.reign.Load().ctx, relayTimeout)
	defer cancel()
	answer, err := n.callLeader(ctx, r, callPropose, appendOctets(nil, commands))
	if err != nil {
		return nil, err
	}
	encoded, err := splitOctets(answer)
	if err != nil || len(encoded) != len(commands) {
		return nil, errNoResult
	}
	results := make([]state.Result, len(encoded))
	for i, b := range encoded {
		if len(b) == 0 {
			return nil, fmt.Errorf("the leader has no result for all of them: %w", errUnknown)
		}
		if results[i], err = state.DecodeResult(b); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoResult, err)
		}
	}
	n.relayed.Add(uint64(len(commands)))
	return results, nil
}

// errUnknown means that something may have happened.
var errUnknown = errors.New("the outcome is not known")

// callLeader calls the leader, when there is one and it is another node.
func (n *Node) callLeader(ctx context.Context, r *raft.Raft, method string, request []byte) ([]byte, error) {
	_, id := r.LeaderWithID()
	if id == "" || string(id) == n.config.Name {
		return nil, errNoLeader
	}
	leader, ok := n.known().find(string(id))
	if !ok {
		return nil, errNoLeader
	}
	return n.net.call(ctx, leader, method, request)
}

// answerPropose commits what another node has sent, together with what is proposed here. What gets no
// result has an empty answer: its caller tries again.
func (n *Node) answerPropose(ctx context.Context, request []byte) ([]byte, error) {
	commands, err := splitOctets(request)
	if err != nil {
		return nil, err
	}
	if r := n.raft.Load(); r == nil || r.State() != raft.Leader {
		return nil, errNotLeading
	}
	replies := n.proposer.all(ctx, commands)
	encoded := make([][]byte, len(replies))
	for i, r := range replies {
		if r.err == nil {
			encoded[i] = state.EncodeResult(r.result)
		}
	}
	return appendOctets(nil, encoded), nil
}

// refreshed returns when this node has applied everything that was committed before the call.
func (n *Node) refreshed(ctx context.Context) error {
	for {
		if err := n.ready.err(); isFinal(err) {
			return err
		}
		err := n.refreshOnce(ctx)
		if err == nil {
			return nil
		}
		if pause := wait(ctx, retryPause); pause != nil {
			return fmt.Errorf("%w: %w (last: %w)", login.ErrUnavailable, pause, err)
		}
	}
}

func (n *Node) refreshOnce(ctx context.Context) error {
	r := n.raft.Load()
	if r == nil {
		return errNoLeader
	}
	index, err := n.sharing.ask(ctx, func() (uint64, error) {
		if r.State() == raft.Leader {
			return n.committed(r)
		}
		return n.committedElsewhere(n.reign.Load().ctx, r)
	})
	if err != nil {
		return err
	}
	return n.fsm.await(ctx, index)
}

// committed returns an index that covers everything acknowledged before the call: what was committed
// in earlier terms was applied here before this node began to serve its own, and what was since has a
// result because it is applied. That this node still led is made sure of afterwards (Raft thesis §6.4).
func (n *Node) committed(r *raft.Raft) (uint64, error) {
	term := r.CurrentTerm()
	if n.served.Load() != term {
		return 0, errNotLeading
	}
	index := n.fsm.applied()
	if err := r.VerifyLeader().Error(); err != nil {
		return 0, err
	}
	if r.CurrentTerm() != term {
		return 0, errNotLeading
	}
	return index, nil
}

func (n *Node) committedElsewhere(ctx context.Context, r *raft.Raft) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	answer, err := n.callLeader(ctx, r, callIndex, nil)
	if err != nil {
		return 0, err
	}
	if len(answer) != 8 {
		return 0, errNoResult
	}
	return binary.BigEndian.Uint64(answer), nil
}

// answerIndex tells another node what has been committed.
func (n *Node) answerIndex() ([]byte, error) {
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return nil, errNotLeading
	}
	index, err := n.committed(r)
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint64(nil, index), nil
}

// appendOctets writes strings of octets, each with its length.
func appendOctets(b []byte, all [][]byte) []byte {
	for _, o := range all {
		b = binary.AppendUvarint(b, uint64(len(o)))
		b = append(b, o...)
	}
	return b
}

// splitOctets reads what appendOctets wrote; the parts share the memory of b.
func splitOctets(b []byte) (all [][]byte, err error) {
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errors.New("a message between nodes is damaged")
		}
		all = append(all, b[n:n+int(size)])
		b = b[n+int(size):]
	}
	return all, nil
}
