package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// Replicas are the ledgers of several nodes over one log, without Raft, network and disk. What a node
// reads is as old as the test wants it; commands are judged by the newest state. It is for tests, and is
// safe for concurrent use.
type Replicas struct {
	nodes []*Replica

	mu     sync.Mutex
	log    []entry
	newest *state.Machine
	late   []entry // committed later, without anybody who waits for it
}

// Replica is the ledger of one node, which has applied a part of the log.
type Replica struct {
	*ledger
	all     *Replicas
	number  int
	applied int // entries of the log
	solo    *ledger

	// Fate is asked what becomes of each command of this node; nil means [Committed]. It must not be
	// changed while the node is in use.
	Fate func() Fate
	// Broken makes the node judge by its own state and commit afterwards: the mistake that tests of
	// single use must find.
	Broken bool
}

var _ login.Ledger = (*Replica)(nil)

// entry is one of the log, and the node whose state has it already, or -1.
type entry struct {
	octets []byte
	own    int
}

// Fate is what becomes of a command.
type Fate uint8

// The fates.
const (
	// Committed: once, and its result comes back.
	Committed Fate = iota
	// Doubled: committed now and again by [Replicas.Deliver]; the result comes back.
	Doubled
	// Lost: not committed; the node has no result.
	Lost
	// Unknown: committed, but the node has no result.
	Unknown
	// Delayed: committed by [Replicas.Deliver]; the node has no result.
	Delayed
)

var (
	errCut  = fmt.Errorf("%w: the node is cut off", login.ErrUnavailable)
	errFate = fmt.Errorf("%w: the result was lost on its way", login.ErrUnavailable)
)

// NewReplicas returns so many nodes over an empty log, founded and up to date. now is their clock.
func NewReplicas(nodes int, now func() time.Time) *Replicas {
	first := NewMemory(now)
	all := &Replicas{newest: first.machine}
	start := first.machine.View()
	for n := range nodes {
		r := &Replica{all: all, number: n}
		machine := state.NewFrom(start)
		r.ledger = &ledger{
			machine: machine, sealer: first.sealer, keyLife: first.keyLife,
			clock:   newLogClock(now, sinceNow(now), machine),
			propose: r.commit, readable: r.reachable, refresh: r.catchUp,
		}
		r.ledger.solo = r.alone
		all.nodes = append(all.nodes, r)
	}
	return all
}

// Node returns one of the nodes, which are counted from 0.
func (a *Replicas) Node(n int) *Replica { return a.nodes[n] }

// Deliver commits what was delayed.
func (a *Replicas) Deliver() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.late {
		a.append(e)
	}
	a.late = nil
}

// append puts an entry into the log.
func (a *Replicas) append(e entry) []state.Result {
	a.log = append(a.log, e)
	return a.newest.Apply(a.newest.View().Index()+1, e.octets)
}

// Advance makes the node apply so many further entries of the log, as far as there are.
func (r *Replica) Advance(entries int) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	for ; entries > 0 && r.applied < len(r.all.log); entries-- {
		e := r.all.log[r.applied]
		r.applied++
		if e.own != r.number {
			r.machine.Apply(r.machine.View().Index()+1, e.octets)
		}
	}
}

// Behind is how many entries of the log the node has not applied.
func (r *Replica) Behind() int {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	return len(r.all.log) - r.applied
}

// Cut takes the node's connection to all others away, or gives it back. Without it the node has no
// quorum, and a ledger of its own for what may go on.
func (r *Replica) Cut(off bool) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.solo = nil
	if off {
		r.solo = newSolo(r.ledger)
	}
}

// Rotate makes a new State key current, which the other nodes do not know until they are told.
func (r *Replica) Rotate(ctx context.Context) error {
	keys := r.machine.View().Meta().Keys
	current := keys[len(keys)-1].ID
	key, err := r.newStateKey(current + 1)
	if err != nil {
		return err
	}
	_, err = r.propose(ctx, &state.Rotate{Previous: current, Key: key})
	return err
}

// BeginEpoch raises the cluster's epoch, which the other nodes do not know until they are told.
func (r *Replica) BeginEpoch(ctx context.Context) error {
	view := r.machine.View()
	key, err := r.newStateKey(nextKeyID(view))
	if err != nil {
		return err
	}
	_, err = r.propose(ctx, &state.RaiseEpoch{Previous: view.Meta().Epoch, Key: key, Act: newAct()})
	return err
}

func (r *Replica) alone() (login.Ledger, bool) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	return r.solo, r.solo != nil
}

func (r *Replica) reachable() error {
	if _, alone := r.alone(); alone {
		return errCut
	}
	return nil
}

// catchUp applies all of the log.
func (r *Replica) catchUp(context.Context) error {
	if err := r.reachable(); err != nil {
		return err
	}
	r.Advance(r.Behind())
	return nil
}

func (r *Replica) commit(ctx context.Context, c state.Command) (state.Result, error) {
	if err := errors.Join(ctx.Err(), r.reachable()); err != nil {
		return state.Result{}, fmt.Errorf("%w: %w", login.ErrUnavailable, err)
	}
	fate := Committed
	if r.Fate != nil {
		fate = r.Fate()
	}
	a := r.all
	a.mu.Lock()
	defer a.mu.Unlock()
	stamp := max(r.Now().UnixNano(), a.newest.View().Time())
	e := entry{octets: state.EncodeBatch(stamp, [][]byte{state.Encode(c)}), own: -1}
	switch fate {
	case Doubled:
		a.late = append(a.late, e)
	case Lost:
		return state.Result{}, errFate
	case Delayed:
		a.late = append(a.late, e)
		return state.Result{}, errFate
	}
	var own []state.Result
	if r.Broken {
		e.own = r.number
		own = r.machine.Apply(r.machine.View().Index()+1, e.octets)
	}
	results := a.append(e)
	if r.Broken {
		results = own
	}
	if fate == Unknown {
		return state.Result{}, errFate
	}
	return results[0], nil
}
