package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/login"
)

const (
	// takeOverTimeout bounds one attempt to begin serving after an election.
	takeOverTimeout = 5 * time.Second
	// takeOverPause is the wait before the next attempt.
	takeOverPause = 100 * time.Millisecond
	// keyCheckInterval is how often it is looked whether the State key has served its time.
	keyCheckInterval = time.Minute
)

var errNotReady = fmt.Errorf("%w: no leader yet", login.ErrUnavailable)

// lead follows elections: it begins to serve when this node leads, and stops when it does not.
func (n *Node) lead(ctx context.Context) {
	defer close(n.leadDone)
	keys := time.NewTicker(keyCheckInterval)
	defer keys.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case leading := <-n.raft.LeaderCh():
			n.ready.set(errNotReady)
			if leading {
				n.takeOver(ctx)
			}
		case <-keys.C:
			if n.ready.err() == nil {
				n.renewKeys(ctx)
			}
		}
	}
}

// takeOver makes the node serve, however many attempts that takes while it leads.
func (n *Node) takeOver(ctx context.Context) {
	for n.raft.State() == raft.Leader {
		err := n.beginServing(ctx)
		if err == nil {
			n.ready.set(nil)
			n.logger.Info("the node leads", "node", n.config.Name, "applied_index", n.machine.View().Index())
			return
		}
		n.ready.set(fmt.Errorf("%w: %w", login.ErrUnavailable, err))
		if errors.Is(err, ErrMasterKey) {
			n.logger.Error("the node cannot serve", "error", err.Error())
			return
		}
		n.logger.Warn("the node leads, but cannot serve yet", "error", err.Error())
		pause := time.NewTimer(takeOverPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// beginServing waits until everything that was committed earlier has been applied here, founds the
// cluster if it is new, and opens the keys.
func (n *Node) beginServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, takeOverTimeout)
	defer cancel()
	if err := n.raft.Barrier(takeOverTimeout).Error(); err != nil {
		return fmt.Errorf("apply the log: %w", err)
	}
	if err := n.found(ctx); err != nil {
		return fmt.Errorf("found the cluster: %w", err)
	}
	if _, err := n.keyRing(); err != nil {
		return err
	}
	return n.rotate(ctx)
}

func (n *Node) renewKeys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, takeOverTimeout)
	defer cancel()
	if err := n.rotate(ctx); err != nil {
		n.logger.Warn("the State key was not renewed", "error", err.Error())
	}
}
