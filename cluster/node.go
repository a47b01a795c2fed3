package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"sallyport/cluster/state"
	"sallyport/login"
)

// enqueueTimeout bounds how long raft may take to accept an entry, not to commit it.
const enqueueTimeout = time.Second

// Node is this process's part of the cluster. It is safe for concurrent use.
type Node struct {
	*ledger
	config    Config
	logger    *slog.Logger
	raft      *raft.Raft
	transport *raft.InmemTransport
	bolt      *raftboltdb.BoltStore
	fsm       *fsm
	dog       *watchdog
	proposer  *proposer
	ready     readiness

	stop     context.CancelFunc
	leadDone chan struct{}
	closing  sync.Once
	closeErr error
}

var _ login.Ledger = (*Node)(nil)

// Open opens the data directory and starts the node; an empty one becomes a cluster of one node.
// [ErrMasterKey] means that the data was sealed under another key, [ConfigError] that a setting is
// wrong. The node serves when [Node.WaitReady] says so.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	seal, err := newSealer(cfg.MasterKey)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.DataDir, raftDir)
	for _, d := range []string{cfg.DataDir, dir} {
		if err := makePrivateDir(d); err != nil {
			return nil, err
		}
	}
	bolt, err := openLogStore(dir)
	if err != nil {
		return nil, err
	}
	n := &Node{
		config: cfg, logger: cfg.Logger, bolt: bolt,
		fsm:      &fsm{machine: state.New()},
		dog:      &watchdog{after: cfg.HangAfter, onHang: cfg.OnHang},
		leadDone: make(chan struct{}),
	}
	if err := n.start(dir, seal); err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return n, nil
}

// start starts raft and what stands on it.
func (n *Node) start(dir string, seal *sealer) error {
	stable := watchedStable{n.bolt, n.dog}
	if err := checkMasterKey(stable, seal); err != nil {
		return err
	}
	if err := n.startRaft(dir, stable); err != nil {
		return err
	}
	n.ready.set(errNotReady)
	n.proposer = newProposer(n.config.QueueSize, n.commit)
	n.ledger = &ledger{
		machine: n.fsm.machine, sealer: seal, keyLife: n.config.KeyLife,
		clock:   newLogClock(n.config.Now, n.config.Elapsed, n.fsm.machine),
		propose: n.proposer.propose, readable: n.ready.err,
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go n.lead(ctx)
	return nil
}

// startRaft opens the snapshots, makes a cluster of one where there is none, and starts raft.
func (n *Node) startRaft(dir string, stable raft.StableStore) error {
	logger := newRaftLogger(n.logger)
	snapshots, err := openSnapshots(dir, logger)
	if err != nil {
		return err
	}
	logs, err := raft.NewLogCache(logCache, watchedLogs{n.bolt, n.dog})
	if err != nil {
		return fmt.Errorf("open log cache: %w", err)
	}
	address, transport := raft.NewInmemTransport(raft.ServerAddress(n.config.Name))
	n.transport = transport
	config := n.config.raft()
	config.Logger = logger

	begun, err := clusterBegun(logs, stable, snapshots)
	if err != nil {
		return err
	}
	if !begun {
		self := raft.Configuration{Servers: []raft.Server{{ID: config.LocalID, Address: address}}}
		if err := raft.BootstrapCluster(config, logs, stable, snapshots, transport, self); err != nil {
			return fmt.Errorf("begin the cluster: %w", err)
		}
	}
	if n.raft, err = raft.NewRaft(config, n.fsm, logs, stable, snapshots, transport); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	if err := n.checkName(); err != nil {
		return errors.Join(err, n.raft.Shutdown().Error())
	}
	return nil
}

// checkName refuses a data directory that another node has begun: under a new name, this node
// would wait for ever to be elected.
func (n *Node) checkName() error {
	future := n.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return fmt.Errorf("read cluster configuration: %w", err)
	}
	var names []raft.ServerID
	for _, s := range future.Configuration().Servers {
		if s.ID == raft.ServerID(n.config.Name) {
			return nil
		}
		names = append(names, s.ID)
	}
	return &ConfigError{fmt.Errorf("the data in %s belongs to node %q, not to %q; set name under [node], or use another data_dir", n.config.DataDir, names, n.config.Name)}
}

// commit puts a batch into the log under the log's present time and waits for its results.
func (n *Node) commit(commands [][]byte) ([]state.Result, error) {
	entry := state.EncodeBatch(n.Now().UnixNano(), commands)
	future := n.raft.Apply(entry, enqueueTimeout)
	if err := future.Error(); err != nil {
		return nil, err
	}
	results, _ := future.Response().([]state.Result)
	return results, nil
}

// Close commits what waits, stops the node and closes its files. Everything that was acknowledged
// is on disk already.
func (n *Node) Close() error {
	n.closing.Do(func() {
		n.stop()
		n.proposer.close()
		<-n.leadDone
		n.ready.set(fmt.Errorf("%w: %w", login.ErrUnavailable, errClosed))
		n.closeErr = errors.Join(n.raft.Shutdown().Error(), n.transport.Close(), n.bolt.Close())
	})
	return n.closeErr
}
