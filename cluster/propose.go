package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

// maxBatch is the most commands that one log entry carries, and maxBatchOctets how much they may have
// together before no more is added: followers take entries of bounded size only.
const (
	maxBatch       = 256
	maxBatchOctets = 512 << 10
)

// lanes is how many batches a follower may have on their way to the leader, which makes one entry of
// what it has.
const lanes = 2

// retryPause is the wait before a command that got no result is proposed again.
const retryPause = 20 * time.Millisecond

var (
	errQueueFull = errors.New("too many commands wait for a commit")
	errClosed    = errors.New("the node is closing")
	// errNoResult means that the entry was committed and the state machine answered nothing for
	// it, which happens only between different versions.
	errNoResult = errors.New("the log entry had no result")
)

// proposer commits commands in batches: what arrived while the last batch was in flight makes the
// next one, and one batch is in flight at a time. It never waits for more to arrive.
type proposer struct {
	queue chan *proposal
	// commit makes a log entry of the batch and returns the results, when they are known.
	commit func(batch [][]byte) ([]state.Result, error)
	// leading says whether batches become log entries here, one at a time.
	leading func() bool
	turn    chan struct{} // of capacity 1: holds who makes one

	mu      sync.RWMutex // closing, against sends on queue
	closing bool
	running sync.WaitGroup

	commits, batches, retried, failed atomic.Uint64
}

type proposal struct {
	ctx     context.Context
	command []byte
	reply   chan reply // of capacity 1: the loop never waits for a caller
}

type reply struct {
	result state.Result
	err    error
}

func newProposer(size int, commit func([][]byte) ([]state.Result, error), leading func() bool) *proposer {
	p := &proposer{queue: make(chan *proposal, size), commit: commit, leading: leading, turn: make(chan struct{}, 1)}
	for range lanes {
		p.running.Go(p.run)
	}
	return p
}

// propose commits a command. Whether it happened is not always known: leadership may be lost, or
// the disk may fail, after the entry was stored. It is then proposed again until ctx ends; every
// command has its effect once, however often it is in the log, and finds what it did before.
// Any error wraps [login.ErrUnavailable].
func (p *proposer) propose(ctx context.Context, c state.Command) (state.Result, error) {
	command := state.Encode(c)
	for {
		result, err := p.once(ctx, command)
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil || !retryable(err) {
			p.failed.Add(1)
			return state.Result{}, fmt.Errorf("%w: %w", login.ErrUnavailable, err)
		}
		p.retried.Add(1)
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			p.failed.Add(1)
			return state.Result{}, fmt.Errorf("%w: %w (last: %w)", login.ErrUnavailable, context.Cause(ctx), err)
		}
	}
}

// retryable reports whether the same command may yet get a result from this node. Neither "did not
// happen" (no leader, leadership being transferred) nor "unknown" (leadership lost, store error,
// no word from the leader in time) is final; a full queue and a closed node are.
func retryable(err error) bool {
	for _, final := range []error{errQueueFull, errClosed, errNoResult, raft.ErrRaftShutdown} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

// once puts the command into one batch.
func (p *proposer) once(ctx context.Context, command []byte) (state.Result, error) {
	call := &proposal{ctx: ctx, command: command, reply: make(chan reply, 1)}
	if err := p.enqueue(call); err != nil {
		return state.Result{}, err
	}
	select {
	case r := <-call.reply:
		return r.result, r.err
	case <-ctx.Done():
		return state.Result{}, context.Cause(ctx)
	}
}

func (p *proposer) enqueue(call *proposal) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closing {
		return errClosed
	}
	select {
	case p.queue <- call:
		return nil
	default:
		return errQueueFull
	}
}

// all puts commands that another node has sent into batches, once, and returns what became of them.
func (p *proposer) all(ctx context.Context, commands [][]byte) []reply {
	replies := make([]reply, len(commands))
	calls := make([]*proposal, len(commands))
	for i, c := range commands {
		calls[i] = &proposal{ctx: ctx, command: c, reply: make(chan reply, 1)}
		if err := p.enqueue(calls[i]); err != nil {
			calls[i].reply <- reply{err: err}
		}
	}
	for i, call := range calls {
		select {
		case replies[i] = <-call.reply:
		case <-ctx.Done():
			replies[i] = reply{err: context.Cause(ctx)}
		}
	}
	return replies
}

// close refuses new commands and returns when those that wait have been proposed.
func (p *proposer) close() {
	p.mu.Lock()
	if !p.closing {
		p.closing = true
		close(p.queue)
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proposer) run() {
	for p.next() {
	}
}

// next proposes one batch, and reports whether there may be more. A leader's next batch is gathered when
// the one before has been committed, not earlier: so it has as much as could arrive.
func (p *proposer) next() bool {
	if p.leading() {
		p.turn <- struct{}{}
		defer func() { <-p.turn }()
	}
	first, more := <-p.queue
	if more {
		p.flush(p.gather(first))
	}
	return more
}

// gather takes what is waiting, without waiting. Commands whose caller has gone are left out: they
// did not happen.
func (p *proposer) gather(first *proposal) []*proposal {
	var batch []*proposal
	size := 0
	for call, more := first, true; more; {
		if call.ctx.Err() == nil {
			batch = append(batch, call)
			size += len(call.command)
		}
		if len(batch) == maxBatch || size >= maxBatchOctets {
			break
		}
		select {
		case call, more = <-p.queue:
		default:
			more = false
		}
	}
	return batch
}

func (p *proposer) flush(batch []*proposal) {
	if len(batch) == 0 {
		return
	}
	commands := make([][]byte, len(batch))
	for i, call := range batch {
		commands[i] = call.command
	}
	results, err := p.commit(commands)
	if err == nil && len(results) != len(batch) {
		err = errNoResult
	}
	if err == nil {
		p.batches.Add(1)
		p.commits.Add(uint64(len(batch)))
	}
	for i, call := range batch {
		r := reply{err: err}
		if err == nil {
			r.result = results[i]
		}
		call.reply <- r
	}
}
