package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
)

// way is from one node to another.
type way struct{ from, to string }

// wires carry messages between nodes.
type wires struct {
	seed uint64
	mu   sync.Mutex
	// lives are the processes that run, by node.
	lives map[string]*life
	cut   map[way]bool
	slow  map[way]time.Duration // the most that a message takes
	// held is closed when a node goes on that stands still.
	held  map[string]chan struct{}
	dice  map[way]*rand.Rand
	quiet bool // nothing goes wrong any more

	carrying sync.WaitGroup
}

func newWires(seed uint64) *wires {
	return &wires{
		seed: seed, lives: map[string]*life{}, cut: map[way]bool{}, slow: map[way]time.Duration{},
		held: map[string]chan struct{}{}, dice: map[way]*rand.Rand{},
	}
}

func (w *wires) life(name string) *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[name]
}

// enter and leave say which process is the node.
func (w *wires) enter(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[l.name] = l
}

func (w *wires) leave(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lives[l.name] == l {
		delete(w.lives, l.name)
	}
}

// set changes the wires.
func (w *wires) set(change func(*wires)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// hold makes a node stand still for the others, until the function that it returns is called.
func (w *wires) hold(name string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[name] != nil {
		return func() {}
	}
	held := make(chan struct{})
	w.held[name] = held
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.held[name] == held {
			delete(w.held, name)
			close(held)
		}
	}
}

// heal makes all wires good ones.
func (w *wires) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
	clear(w.slow)
	for name, held := range w.held {
		close(held)
		delete(w.held, name)
	}
	w.quiet = true
}

// fate draws what becomes of a message: how long it takes, and whether it is lost. Each way has its own
// dice.
func (w *wires) fate(y way) (takes time.Duration, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dice[y]
	if d == nil {
		d = rand.New(rand.NewPCG(w.seed, uint64(len(y.from))<<32^uint64(y.from[len(y.from)-1])<<8^uint64(y.to[len(y.to)-1])))
		w.dice[y] = d
	}
	takes = time.Duration(50+d.IntN(500)) * time.Microsecond
	if most := w.slow[y]; most > 0 {
		takes += time.Duration(d.Int64N(int64(most)))
	}
	return takes, w.cut[y] || !w.quiet && d.IntN(200) == 0
}

func (w *wires) isCut(y way) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut[y]
}

// carry takes the time that a message takes, and reports whether it has arrived.
func (w *wires) carry(y way) bool {
	takes, lost := w.fate(y)
	if lost {
		return false
	}
	time.Sleep(takes)
	for _, name := range []string{y.from, y.to} {
		w.mu.Lock()
		held := w.held[name]
		w.mu.Unlock()
		if held != nil {
			<-held
		}
	}
	return !w.isCut(y)
}

var (
	errWireDead    = errors.New("connection refused")
	errWireTimeout = errors.New("i/o timeout")
)

// exchange carries a request to a node and its answer back; either may be late, or lost. The request may
// be answered although its caller has given up.
func (w *wires) exchange(ctx context.Context, from *life, to string, do func(*life) (any, error)) (any, error) {
	type answer struct {
		value any
		err   error
	}
	back := make(chan answer, 1)
	w.carrying.Go(func() {
		if from.dead() || !w.carry(way{from.name, to}) {
			return
		}
		var a answer
		if l := w.life(to); l == nil {
			a.err = errWireDead
		} else if a.value, a.err = do(l); l.dead() {
			return // it died before it could answer
		}
		if w.carry(way{to, from.name}) {
			back <- a
		}
	})
	select {
	case a := <-back:
		return a.value, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errWireTimeout, context.Cause(ctx))
	case <-from.ended:
		return nil, errWireDead
	}
}

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

// network

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

// raft.Transport

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
