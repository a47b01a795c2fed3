package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
	"sallyport/cluster/state"
)

// Recovered is what a data directory holds.
type Recovered struct {
	ClusterID string   `json:"cluster_id"`
	Node      string   `json:"node"`
	Epoch     uint32   `json:"epoch"`
	LastIndex uint64   `json:"last_index"`
	LastTerm  uint64   `json:"last_term"`
	Users     int      `json:"users"`
	Members   []string `json:"members"`
}

// Inspect reads what [Recover] would keep, and changes nothing. The node must not be running.
func Inspect(cfg Config) (Recovered, error) {
	return withOffline(cfg, func(o *offline) (Recovered, error) { return o.inspect() })
}

// Recover makes the last survivor of a cluster a cluster of its own, where the others are lost for good:
// what its log has counts as committed. A new epoch begins: what was pending ends, and every code up to
// now counts as used. The node must not be running, and no other may ever come back without being wiped.
func Recover(cfg Config) (Recovered, error) {
	return withOffline(cfg, func(o *offline) (Recovered, error) { return o.recover() })
}

func withOffline(cfg Config, do func(*offline) (Recovered, error)) (Recovered, error) {
	if err := cfg.Validate(); err != nil {
		return Recovered{}, err
	}
	cfg = cfg.withDefaults()
	if _, err := os.Stat(filepath.Join(cfg.DataDir, raftDir, logFile)); err != nil {
		return Recovered{}, &RefusedError{fmt.Sprintf("%s holds nothing to recover: %v", cfg.DataDir, err)}
	}
	o, err := openOffline(cfg)
	if err != nil {
		return Recovered{}, err
	}
	r, err := do(o)
	return r, errors.Join(err, o.store.close())
}

// read applies snapshot and log to a machine of its own.
func (o *offline) read() error {
	o.machine = state.New()
	kept, err := o.store.snapshots.List()
	if err != nil {
		return fmt.Errorf("look for snapshots: %w", err)
	}
	from, seen := uint64(0), outgrown{}
	for _, meta := range kept {
		_, text, err := o.store.snapshots.Open(meta.ID)
		if err != nil {
			continue
		}
		err = errors.Join(seen.restored(o.machine.Restore(text)), text.Close())
		if old := seen.error(); old != nil {
			return old
		}
		if err == nil {
			from = meta.Index
			break
		}
	}
	if len(kept) > 0 && from == 0 {
		return errors.New("no snapshot in the data directory can be read")
	}
	last, err := o.store.logs.LastIndex()
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	for i := from + 1; i <= last; i++ {
		var entry raft.Log
		if err := o.store.logs.GetLog(i, &entry); err != nil {
			return fmt.Errorf("read entry %d of the log: %w", i, err)
		}
		if entry.Type == raft.LogCommand {
			o.machine.Apply(entry.Index, entry.Data)
		}
	}
	seen.applied(o.machine.View())
	return seen.error()
}

func (o *offline) inspect() (Recovered, error) {
	begun, err := clusterBegun(o.store)
	if err != nil {
		return Recovered{}, err
	}
	if !begun {
		return Recovered{}, &RefusedError{fmt.Sprintf("%s holds nothing to recover", o.config.DataDir)}
	}
	if err := o.read(); err != nil {
		return Recovered{}, err
	}
	n := newNode(o.config)
	n.store = o.store
	t, err := n.ownTrace()
	if err != nil {
		return Recovered{}, err
	}
	memory, err := openMemory(identityDir(o.config))
	if err != nil {
		return Recovered{}, err
	}
	view := o.machine.View()
	r := Recovered{
		ClusterID: view.Meta().ClusterID, Node: o.config.Name, Epoch: view.Meta().Epoch,
		LastIndex: t.LastIndex, LastTerm: t.LastTerm, Users: view.Sizes().Users,
	}
	for _, m := range memory.roster().Members {
		r.Members = append(r.Members, m.Name)
	}
	return r, nil
}

func (o *offline) recover() (Recovered, error) {
	if o.config.Listen == "" {
		return Recovered{}, &RefusedError{"this node is alone, so there are no others to go on without: start it"}
	}
	if _, err := link.LoadIdentity(identityDir(o.config)); isMissing(err) {
		return Recovered{}, &RefusedError{fmt.Sprintf("%s holds no part of a cluster: \"sallyport cluster init\" begins one with the people in it", o.config.DataDir)}
	} else if err != nil {
		return Recovered{}, err
	}
	r, err := o.inspect()
	if err != nil {
		return r, err
	}
	key, err := (&ledger{sealer: o.seal}).newStateKey(nextKeyID(o.machine.View()))
	if err != nil {
		return r, err
	}
	epoch := &state.RaiseEpoch{Previous: r.Epoch, Key: key, Floors: o.config.floors(o.floorTime()), Act: newAct()}
	address := raft.ServerAddress(o.config.address())
	_, transport := raft.NewInmemTransport(address)
	defer transport.Close()
	survivor := &recovering{fsm{machine: state.New()}, o, epoch}
	self := raft.Configuration{Servers: []raft.Server{{ID: o.raft.LocalID, Address: address}}}
	if err := raft.RecoverCluster(o.raft, survivor, o.store.logs, o.store.stable, o.store.snapshots, transport, self); err != nil {
		return r, fmt.Errorf("recover: %w", err)
	}
	r.Epoch++
	return r, o.forgetOthers(r)
}

// floorTime is now, or the time of the log where that is later.
func (o *offline) floorTime() time.Time {
	if log := instant(o.machine.View().Time()); log.After(o.config.Now()) {
		return log
	}
	return o.config.Now()
}

// forgetOthers makes the roster that of the survivor.
func (o *offline) forgetOthers(r Recovered) error {
	memory, err := openMemory(identityDir(o.config))
	if err != nil {
		return err
	}
	self, _ := memory.roster().find(o.config.Name)
	self.Name, self.Address, self.Voter, self.Joining = o.config.Name, o.config.address(), true, false
	memory.reset(roster{Members: []member{self}})
	return memory.beat(o.config.Now())
}

// recovering is the state machine that a recovery replays the log into. What the snapshot at its end is
// taken of, begins a new epoch and has one node.
type recovering struct {
	fsm
	offline *offline
	epoch   *state.RaiseEpoch
}

// Snapshot makes the change in the log of nobody: it is part of the snapshot with which all begins.
func (r *recovering) Snapshot() (raft.FSMSnapshot, error) {
	view := r.machine.View()
	commands := [][]byte{state.Encode(r.epoch)}
	for _, node := range view.Nodes() {
		if node.Name != r.offline.config.Name {
			commands = append(commands, state.Encode(&state.RemoveNode{Node: node.Name, Act: newAct()}))
		}
	}
	stamp := max(view.Time(), r.offline.config.Now().UnixNano())
	results := r.machine.Apply(view.Index(), state.EncodeBatch(stamp, commands))
	if len(results) == 0 || results[0].Status != state.Done {
		return nil, errors.New("the state machine did not begin a new epoch")
	}
	return r.fsm.Snapshot()
}
