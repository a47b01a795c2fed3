package cluster

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
)

// life is one run of a node's process, and its network.
type life struct {
	name  string
	wires *wires
	node  *Node
	disk  *simDisk
	// died is closed when the process dies, ended when nothing of it runs any more.
	died, ended chan struct{}
	rpcs        chan raft.RPC
	shutting    atomic.Bool

	mu        sync.Mutex
	heartbeat func(raft.RPC)
}

// shut closes the node, the first time. Who waits at a mutex stops the time of a bubble, so that nobody
// may wait for another to close it.
func (l *life) shut() (first bool, err error) {
	if !l.shutting.CompareAndSwap(false, true) {
		return false, nil
	}
	return true, l.node.Close()
}

func (l *life) dead() bool { return isClosed(l.died) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (l *life) serve()                    { l.wires.enter(l) }
func (l *life) transport() raft.Transport { return l }
func (l *life) recheck()                  {}
func (l *life) close() error              { close(l.ended); return nil }

func (l *life) call(ctx context.Context, to member, method string, request []byte) ([]byte, error) {
	request = bytes.Clone(request)
	v, err := l.wires.exchange(ctx, l, to.Name, func(there *life) (any, error) {
		if err := there.node.admit(link.Call, link.Peer{Name: l.name, Fingerprint: simFingerprint(l.name)}); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
		defer cancel()
		return there.node.answer(ctx, l.name, method, request)
	})
	if err != nil {
		return nil, err
	}
	return bytes.Clone(v.([]byte)), nil
}

func (l *life) reach(ctx context.Context, name, _ string) error {
	_, err := l.wires.exchange(ctx, l, name, func(*life) (any, error) { return nil, nil })
	return err
}

func (l *life) Consumer() <-chan raft.RPC     { return l.rpcs }
func (l *life) LocalAddr() raft.ServerAddress { return raft.ServerAddress(simAddress(l.name)) }
func (l *life) SetHeartbeatHandler(f func(raft.RPC)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heartbeat = f
}

func (l *life) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
func (l *life) DecodePeer(b []byte) raft.ServerAddress                  { return raft.ServerAddress(b) }

func (l *life) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (l *life) AppendEntries(id raft.ServerID, _ raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	sent := *args
	return rpc(l, id, &sent, nil, resp)
}

func (l *life) RequestVote(id raft.ServerID, _ raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return rpc(l, id, args, nil, resp)
}

func (l *life) RequestPreVote(id raft.ServerID, _ raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return rpc(l, id, args, nil, resp)
}

func (l *life) TimeoutNow(id raft.ServerID, _ raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return rpc(l, id, args, nil, resp)
}

func (l *life) InstallSnapshot(id raft.ServerID, _ raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	text, err := io.ReadAll(data)
	if err != nil {
		return err
	}
	return rpc(l, id, args, text, resp)
}

// rpc sends one message of Raft.
func rpc[T any](l *life, to raft.ServerID, args any, data []byte, resp *T) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.node.config.raftTimeout())
	defer cancel()
	v, err := l.wires.exchange(ctx, l, string(to), func(there *life) (any, error) {
		if err := there.node.admit(link.Raft, link.Peer{Name: l.name, Fingerprint: simFingerprint(l.name)}); err != nil {
			return nil, err
		}
		return there.handle(args, data)
	})
	if err != nil {
		return err
	}
	*resp = *v.(*T)
	return nil
}

// handle gives a message to this node's Raft and returns what it says.
func (l *life) handle(args any, data []byte) (any, error) {
	said := make(chan raft.RPCResponse, 1)
	r := raft.RPC{Command: args, RespChan: said}
	if data != nil {
		r.Reader = bytes.NewReader(data)
	}
	l.mu.Lock()
	heartbeat := l.heartbeat
	l.mu.Unlock()
	if entries, ok := args.(*raft.AppendEntriesRequest); ok && heartbeat != nil && isHeartbeat(entries) {
		heartbeat(r)
	} else {
		select {
		case l.rpcs <- r:
		case <-l.ended:
			return nil, errWireDead
		}
	}
	select {
	case a := <-said:
		return a.Response, a.Error
	case <-l.ended:
		return nil, errWireDead
	}
}
