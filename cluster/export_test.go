package cluster

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
	"sallyport/cluster/state"
)

// Beats is how often the node has noted that it lives, HeardBeats how often another is known to have.
func (n *Node) Beats() uint64 {
	beats, _ := n.memory.beats()
	return beats
}

func (n *Node) HeardBeats(of string) uint64 {
	t, _ := n.memory.of(of)
	return t.Beats
}

// JoinAtLevel asks to be let in as a program of another feature level would.
func JoinAtLevel(ctx context.Context, cfg JoinConfig, level uint32) error {
	token, err := parseToken(cfg.Token)
	if err != nil {
		return err
	}
	request, key, err := link.NewKey(cfg.Name)
	if err != nil {
		return err
	}
	stop, err := link.ListenProof(ctx, cfg.Listen, key)
	if err != nil {
		return err
	}
	_, _, err = ask(ctx, token, joinRequest{
		Secret: token.Secret, Cluster: token.Cluster, Node: cfg.Name, Address: cfg.address(), Request: request, Level: level,
	})
	return errors.Join(err, stop())
}

// AlterLog puts an entry without commands in place of the last command in the log of a node that does not
// run.
func AlterLog(cfg Config) error {
	store, err := openLogStore(filepath.Join(cfg.DataDir, raftDir))
	if err != nil {
		return err
	}
	defer store.Close()
	at, err := store.LastIndex()
	if err != nil {
		return err
	}
	for ; at > 0; at-- {
		var entry raft.Log
		if err := store.GetLog(at, &entry); err != nil {
			return err
		}
		if entry.Type == raft.LogCommand {
			entry.Data = state.EncodeBatch(0, nil)
			return store.StoreLog(&entry)
		}
	}
	return errors.New("there is no command in the log")
}

// RaiseLevel raises the feature level, whatever this program knows.
func (n *Node) RaiseLevel(ctx context.Context, level uint32) error {
	_, err := n.submit(ctx, &state.RaiseLevel{Level: level})
	return err
}

// SnapshotOfLevel leaves, in the data directory of a node that does not run, a snapshot of a program that
// knows a higher feature level.
func SnapshotOfLevel(cfg Config, level uint32) error {
	cfg = cfg.withDefaults()
	o, err := openOffline(cfg)
	if err != nil {
		return err
	}
	defer o.store.close()
	if err := o.read(); err != nil {
		return err
	}
	n := newNode(cfg)
	n.store = o.store
	t, err := n.ownTrace()
	if err != nil {
		return err
	}
	o.machine.Apply(o.machine.View().Index()+1, state.EncodeBatch(o.machine.View().Time(), [][]byte{state.Encode(&state.RaiseLevel{Level: level})}))
	_, transport := raft.NewInmemTransport("")
	defer transport.Close()
	self := raft.Configuration{Servers: []raft.Server{{ID: o.raft.LocalID, Address: raft.ServerAddress(cfg.Name)}}}
	sink, err := o.store.snapshots.Create(raft.SnapshotVersionMax, t.LastIndex+1, t.LastTerm, self, 1, transport)
	if err != nil {
		return err
	}
	return fsmSnapshot{o.machine.View()}.Persist(sink)
}
