package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

const (
	// takeOverTimeout bounds one attempt to begin serving after an election.
	takeOverTimeout = 5 * time.Second
	// takeOverPause is the wait before the next attempt.
	takeOverPause = 100 * time.Millisecond
	// followPause is how often a node that does not serve looks whether it can.
	followPause = 50 * time.Millisecond
	// keyCheckInterval is how often it is looked whether the State key has served its time.
	keyCheckInterval = time.Minute
)

var (
	errNotReady = fmt.Errorf("%w: no leader yet", login.ErrUnavailable)
	// ErrOut means that this node takes no part until an administrator acts: it was removed, or its disk is
	// an old image.
	ErrOut = fmt.Errorf("%w: this node takes no part", login.ErrUnavailable)
)

// lead follows elections: the node begins to serve when it leads and has everything that was committed
// before, or when it follows a leader and has everything that was committed when it found it.
func (n *Node) lead(ctx context.Context) {
	r := n.raft.Load()
	keys := time.NewTicker(keyCheckInterval)
	defer keys.Stop()
	looks := time.NewTicker(followPause)
	defer looks.Stop()
	for {
		n.countLeaders(r)
		select {
		case <-ctx.Done():
			return
		case leading := <-r.LeaderCh():
			n.ready.set(errNotReady)
			if leading {
				n.takeOver(ctx, r)
			}
		case <-looks.C:
			n.follow(ctx, r)
		case <-keys.C:
			if n.isAlone() {
				n.lookAtSpace() // which nothing else does there
			}
			if n.leads() && n.ready.err() == nil {
				n.renewKeys(ctx)
			}
		}
	}
}

// reign is the time in which one node leads. Whoever waits for an answer of its leader waits no longer
// than it lasts: the next leader may be asked.
type reign struct {
	ctx context.Context
	end context.CancelFunc
}

// enthrone ends one reign and begins the next.
func (n *Node) enthrone() {
	ctx, end := context.WithCancel(context.Background())
	if old := n.reign.Swap(&reign{ctx, end}); old != nil {
		old.end()
	}
}

// countLeaders counts how often another node leads than before.
func (n *Node) countLeaders(r *raft.Raft) {
	_, leader := r.LeaderWithID()
	if old := n.lastLeader; leader != "" && leader != old {
		n.lastLeader = leader
		n.enthrone()
		if old != "" {
			n.leaderChanges.Add(1)
		}
	}
}

// follow begins to serve as a follower.
func (n *Node) follow(ctx context.Context, r *raft.Raft) {
	if n.out() {
		return
	}
	if r.State() == raft.Leader {
		if n.served.Load() != r.CurrentTerm() || n.unsure.Load() {
			n.takeOver(ctx, r)
		}
		if n.ready.err() == nil {
			n.touch()
		}
		return
	}
	if err := n.contact(r); err != nil {
		if n.ready.err() != nil {
			n.ready.set(err) // else readableNow says it
		}
		return
	}
	if n.ready.err() == nil {
		n.touch()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, takeOverTimeout)
	defer cancel()
	err := n.refreshOnce(ctx)
	if err == nil {
		_, err = n.keyRing()
	}
	if err != nil {
		n.ready.set(fmt.Errorf("%w: this node is not up to date yet: %w", login.ErrUnavailable, err))
		return
	}
	n.ready.set(nil)
	_, leader := r.LeaderWithID()
	n.logger.Info("the node follows", "node", n.config.Name, "leader", string(leader), "applied_index", n.machine.View().Index())
}

// contact says why a follower is not in contact with a leader.
func (n *Node) contact(r *raft.Raft) error {
	since := time.Since(r.LastContact())
	if by := n.peers.refusedBy(n.config.Elapsed()); by != "" && since > 2*n.config.HeartbeatTimeout {
		return refusedError(by)
	}
	if _, id := r.LeaderWithID(); id == "" {
		return fmt.Errorf("%w: no leader is known; fewer than half of the nodes may be up, or in contact with this one", login.ErrUnavailable)
	}
	if since > 2*n.config.HeartbeatTimeout {
		return fmt.Errorf("%w: no word from the leader for %v", login.ErrUnavailable, since.Round(10*time.Millisecond))
	}
	return nil
}

// readableNow is nil while the local state is as new as the log was a moment ago, and may serve.
func (n *Node) readableNow() error {
	if err := n.ready.err(); err != nil {
		return err
	}
	r := n.raft.Load()
	if r.State() != raft.Leader {
		if err := n.contact(r); err != nil {
			return err
		}
	}
	if err := n.disk.err(); err != nil {
		return err
	}
	return n.health.err()
}

func (n *Node) out() bool { return errors.Is(n.ready.err(), ErrOut) }

// takeOver makes the node serve, however many attempts that takes while it leads.
func (n *Node) takeOver(ctx context.Context, r *raft.Raft) {
	told := ""
	for r.State() == raft.Leader && !n.out() {
		term := r.CurrentTerm()
		err := n.beginServing(ctx, r)
		if err == nil {
			n.served.Store(term)
			n.ready.set(nil)
			n.logger.Info("the node leads", "node", n.config.Name, "term", term, "applied_index", n.machine.View().Index())
			return
		}
		n.ready.set(fmt.Errorf("%w: %w", login.ErrUnavailable, err))
		if errors.Is(err, ErrMasterKey) {
			n.logger.Error("the node cannot serve", "error", err.Error())
			return
		}
		if why := err.Error(); why != told {
			n.logger.Warn("the node leads, but cannot serve yet", "error", why)
			told = why
		}
		if wait(ctx, takeOverPause) != nil {
			return
		}
	}
}

// beginServing waits until everything that was committed earlier has been applied here, founds the
// cluster if it is new, and opens the keys.
func (n *Node) beginServing(ctx context.Context, r *raft.Raft) error {
	ctx, cancel := context.WithTimeout(ctx, takeOverTimeout)
	defer cancel()
	n.acked.begin()
	if err := r.Barrier(takeOverTimeout).Error(); err != nil {
		return fmt.Errorf("apply the log: %w", err)
	}
	id, err := n.foundingID()
	if err == nil {
		err = n.found(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("found the cluster: %w", err)
	}
	if _, err := n.keyRing(); err != nil {
		return err
	}
	if !n.isAlone() && len(n.known().Members) < 2 {
		n.raiseLevelTo(ctx, state.Level) // there is nobody to wait for
	}
	if err := n.certify(ctx); err != nil {
		return fmt.Errorf("store the cluster's authority: %w", err)
	}
	if n.unsure.Load() {
		if err := n.beginEpoch(ctx); err != nil {
			return fmt.Errorf("begin a new epoch: %w", err)
		}
		n.settled.Store(r.CurrentTerm())
		n.doubt(false)
	}
	return n.rotate(ctx)
}

// beginEpoch makes whatever was pending void, and every code up to now used: some that were may not be
// known to be.
func (n *Node) beginEpoch(ctx context.Context) error {
	if _, compared := n.agreedClock(); !compared {
		return errors.New("the clocks of the nodes have not been compared yet")
	}
	view := n.machine.View()
	key, err := n.newStateKey(nextKeyID(view))
	if err != nil {
		return err
	}
	result, err := n.submit(ctx, &state.RaiseEpoch{Previous: view.Meta().Epoch, Key: key, Floors: n.config.floors(n.Now()), Act: newAct()})
	if err != nil {
		return err
	}
	if result.Status != state.Done {
		return errors.New("the epoch has moved on")
	}
	n.logger.Warn("a majority came together after a while without all the others, so every code of an authenticator app up to now counts as used", "epoch", view.Meta().Epoch+1)
	return nil
}

func (n *Node) renewKeys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, takeOverTimeout)
	defer cancel()
	if err := n.rotate(ctx); err != nil {
		n.logger.Warn("the State key was not renewed", "error", err.Error())
	}
}
