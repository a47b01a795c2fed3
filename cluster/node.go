package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/time/rate"

	"sallyport/cluster/faults"
	"sallyport/cluster/state"
	"sallyport/login"
)

// enqueueTimeout bounds how long raft may take to accept an entry, not to commit it.
const enqueueTimeout = time.Second

// Node is this process's part of the cluster. It is safe for concurrent use.
type Node struct {
	*ledger
	config Config
	logger *slog.Logger
	self   member
	begun  time.Duration // by Elapsed
	run    string        // names this process among those of the same node

	store  storage
	net    network
	memory *memory
	fsm    *fsm
	disk   *disk

	raft     atomic.Pointer[raft.Raft] // nil until the roll-call is over
	proposer *proposer
	ready    readiness
	served   atomic.Uint64 // the term in which this node began to serve as a leader
	handing  atomic.Bool   // another node is about to lead
	changing sync.Mutex    // held while the membership is changed here
	// restoring is held for reading by whoever makes log entries, and alone by a restore: what was
	// committed after it has looked at the state would be lost.
	restoring sync.RWMutex
	peers     peers
	acked     acked
	health    health
	codeClock *wallClock
	doubts    doubts
	soloing   soloing
	relayed   atomic.Uint64
	// lastLeader is for one goroutine alone, leaderChanges how often it was another.
	lastLeader    raft.ServerID
	leaderChanges atomic.Uint64
	reign         atomic.Pointer[reign]
	// guesses and strangers pace what those cause who have no certificate.
	guesses   *rate.Limiter
	strangers rate.Sometimes
	sharing   sharing
	// settled is the term in which this node, leading, has begun a new epoch because something may be lost.
	settled atomic.Uint64
	// unsure says that a majority has come together from which something may be lost.
	unsure   atomic.Bool
	settings atomic.Pointer[string]
	// contacted is when this node was last up to date and in contact with a leader.
	contacted atomic.Pointer[time.Duration]

	stop     context.CancelFunc
	running  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

var _ login.Ledger = (*Node)(nil)

// Open opens the data directory and starts the node. Without [Config.Listen] an empty directory becomes
// a cluster of one node; with it, [Init] or [Join] have made the directory. [ErrMasterKey] means that
// the data was sealed under another key, [ConfigError] that a setting is wrong. The node serves when
// [Node.WaitReady] says so.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := faults.Check(); err != nil {
		return nil, &ConfigError{err}
	}
	cfg = cfg.withDefaults()
	n := newNode(cfg)
	var err error
	if n.store, err = openStorage(cfg, n.disk); err != nil {
		return nil, err
	}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.store.close())
	}
	return n, nil
}

// open makes what stands on the storage, and opens the port last: from then on others may call.
func (n *Node) open() error {
	seal, err := newSealer(n.config.MasterKey)
	if err != nil {
		return err
	}
	if err := checkMasterKey(n.store.stable, seal); err != nil {
		return err
	}
	if n.memory, err = openMemory(filepath.Join(n.config.DataDir, raftDir)); err != nil {
		return err
	}
	n.assemble(seal)
	if n.net, err = n.openNetwork(); err != nil {
		return err
	}
	if err := n.start(); err != nil {
		return errors.Join(err, n.net.close())
	}
	return nil
}

func newNode(cfg Config) *Node {
	run := make([]byte, 8)
	_, _ = rand.Read(run) // never fails (crypto/rand)
	n := &Node{
		config: cfg, logger: cfg.Logger, run: hex.EncodeToString(run),
		self:  member{Name: cfg.Name, Address: cfg.address()},
		fsm:   &fsm{machine: state.New()},
		disk:  newDisk(cfg),
		peers: peers{all: map[string]heard{}},

		guesses: rate.NewLimiter(guessesASecond, guessesASecond), strangers: rate.Sometimes{First: 1, Interval: strangersPace},
	}
	n.fsm.outgrown.tell = n.refuse
	n.ready.set(errNotReady)
	n.enthrone()
	n.begun = cfg.Elapsed()
	return n
}

// assemble makes the ledger.
func (n *Node) assemble(seal *sealer) {
	n.proposer = newProposer(n.config.QueueSize, n.commit, n.leads)
	n.ledger = &ledger{
		machine: n.fsm.machine, sealer: seal, keyLife: n.config.KeyLife,
		clock:   newLogClock(n.config.Now, n.config.Elapsed, n.fsm.machine),
		propose: n.planted(n.proposer.propose), readable: n.readableNow, refresh: n.refreshed, solo: n.alone,
	}
	n.clock.agreed = n.agreedClock
	n.codeClock = newWallClock(n.config.Now, n.config.Elapsed, n.tellJump)
}

// start starts the node. With others, Raft waits for the roll-call.
func (n *Node) start() error {
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.net.serve()
	if n.isAlone() {
		if err := n.startRaft(); err != nil {
			stop()
			return err
		}
	}
	n.running.Go(func() { n.live(ctx) })
	return nil
}

func (n *Node) isAlone() bool {
	_, alone := n.net.(solitude)
	return alone
}

// live runs the node until ctx ends.
func (n *Node) live(ctx context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	if !n.isAlone() {
		if err := n.rollCall(ctx); err != nil {
			n.refuse(err)
			return
		}
		if err := n.startRaft(); err != nil {
			n.refuse(err)
			return
		}
		parts.Go(func() { n.greet(ctx) })
		parts.Go(func() { n.look(ctx) })
		parts.Go(func() { n.beat(ctx) })
	}
	n.lead(ctx)
}

// refuse notes that this node takes no part until somebody acts.
func (n *Node) refuse(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	n.ready.set(fmt.Errorf("%w: %w", ErrOut, err))
	n.logger.Error("this node takes no part in the cluster", "error", err.Error())
}

// startRaft makes a cluster of one where there is none and this node is alone, and starts raft.
func (n *Node) startRaft() error {
	config := n.config.raft()
	config.Logger = newRaftLogger(n.logger)
	begun, err := clusterBegun(n.store)
	if err != nil {
		return err
	}
	transport := watchedTransport{n.net.transport(), &n.acked, n.memory, n.awaitReturn, n.follows}
	if !begun && n.isAlone() {
		self := raft.Configuration{Servers: []raft.Server{{ID: config.LocalID, Address: transport.LocalAddr()}}}
		if err := raft.BootstrapCluster(config, n.store.logs, n.store.stable, n.store.snapshots, transport, self); err != nil {
			return fmt.Errorf("begin the cluster: %w", err)
		}
	}
	r, err := raft.NewRaft(config, n.fsm, n.seam(), n.store.stable, labelled{n.store.snapshots}, transport)
	if old := n.fsm.outgrown.error(); old != nil && err != nil {
		return old
	}
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	if err := n.checkName(r, begun); err != nil {
		return errors.Join(err, r.Shutdown().Error())
	}
	n.raft.Store(r)
	return nil
}

// seam is the log, which is joined to each snapshot that the state is restored from.
func (n *Node) seam() *seam {
	s := &seam{LogStore: n.store.logs, misfit: func(err error) { n.config.OnFault("join the log to a snapshot", err) }}
	n.fsm.restored = func(e edge) {
		if err := s.join(e.index, e.term); err != nil {
			n.logger.Warn("the log keeps entries that a snapshot has overtaken", "error", err.Error())
		}
	}
	return s
}

// checkName refuses a data directory that another node has begun: under a new name, this node
// would wait for ever to be elected. One that has just joined knows nobody yet.
func (n *Node) checkName(r *raft.Raft, begun bool) error {
	future := r.GetConfiguration()
	if err := future.Error(); err != nil {
		return fmt.Errorf("read cluster configuration: %w", err)
	}
	servers := future.Configuration().Servers
	var names []raft.ServerID
	for _, s := range servers {
		if s.ID == raft.ServerID(n.config.Name) {
			return nil
		}
		names = append(names, s.ID)
	}
	if !n.isAlone() && (!begun || len(servers) == 0 || n.memory.belongs(n.config.Name)) {
		return nil
	}
	return &ConfigError{fmt.Errorf("the data in %s belongs to node %q, not to %q; set name under [node], or use another data_dir", n.config.DataDir, names, n.config.Name)}
}

// follows reports whether this node is a follower in that term.
func (n *Node) follows(term uint64) bool {
	r := n.raft.Load()
	return r != nil && r.State() == raft.Follower && r.CurrentTerm() == term
}

// leads reports whether this node makes the log entries.
func (n *Node) leads() bool {
	r := n.raft.Load()
	return r != nil && r.State() == raft.Leader
}

// Close commits what waits, stops the node and closes its files. Everything that was acknowledged
// is on disk already.
func (n *Node) Close() error {
	n.closing.Do(func() {
		n.stop()
		n.disk.stopped.Store(true)
		n.proposer.close()
		n.running.Wait()
		n.ready.set(fmt.Errorf("%w: %w", login.ErrUnavailable, errClosed))
		if r := n.raft.Load(); r != nil {
			n.closeErr = errors.Join(r.Shutdown().Error(), n.remember())
		}
		n.closeErr = errors.Join(n.closeErr, n.net.close(), n.store.close())
	})
	return n.closeErr
}
