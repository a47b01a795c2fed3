package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

// fakeLog commits when the test says so.
type fakeLog struct {
	batches chan [][]byte // what is in flight
	outcome chan error    // what becomes of it
}

func newFakeLog() *fakeLog {
	return &fakeLog{batches: make(chan [][]byte), outcome: make(chan error)}
}

func (l *fakeLog) commit(batch [][]byte) ([]state.Result, error) {
	l.batches <- batch
	if err := <-l.outcome; err != nil {
		return nil, err
	}
	results := make([]state.Result, len(batch))
	for i, command := range batch {
		c, err := state.Decode(command)
		if err != nil {
			return nil, err
		}
		results[i] = state.Result{Status: state.Done, Count: len(c.(*state.Forget).Client)}
	}
	return results, nil
}

type proposed struct {
	result state.Result
	err    error
}

// propose proposes a command whose result is n.
func propose(ctx context.Context, p *proposer, n int) chan proposed {
	done := make(chan proposed, 1)
	go func() {
		r, err := p.propose(ctx, &state.Forget{Client: fmt.Sprintf("%0*d", n, 0)})
		done <- proposed{r, err}
	}()
	return done
}

func TestWhatArrivesInFlightMakesTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog()
		p := newProposer(1024, log.commit, always)
		first := propose(t.Context(), p, 1)
		if n := len(<-log.batches); n != 1 {
			t.Fatalf("a batch of %d, want 1 at once", n)
		}
		var others []chan proposed
		for i := range 300 {
			others = append(others, propose(t.Context(), p, i+2))
		}
		synctest.Wait()
		log.outcome <- nil
		if r := <-first; r.err != nil || r.result.Count != 1 {
			t.Errorf("first: %+v", r)
		}
		for _, want := range []int{maxBatch, 300 - maxBatch} {
			if n := len(<-log.batches); n != want {
				t.Errorf("a batch of %d, want %d", n, want)
			}
			log.outcome <- nil
		}
		for i, done := range others {
			if r := <-done; r.err != nil || r.result.Count != i+2 {
				t.Errorf("command %d got the result of another: %+v", i+2, r)
			}
		}
		p.close()
		if p.commits.Load() != 301 || p.batches.Load() != 3 {
			t.Errorf("%d commits in %d batches", p.commits.Load(), p.batches.Load())
		}
	})
}

// TestAnUnknownOutcomeIsProposedAgain covers "did not happen" and "unknown" alike: the very same
// command comes again until there is a result.
func TestAnUnknownOutcomeIsProposedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog()
		p := newProposer(16, log.commit, always)
		done := propose(t.Context(), p, 5)
		failures := []error{
			raft.ErrNotLeader, raft.ErrEnqueueTimeout, raft.ErrLeadershipTransferInProgress,
			raft.ErrLeadershipLost, raft.ErrAbortedByRestore, errors.New("input/output error"),
		}
		first := <-log.batches
		for _, failure := range failures {
			log.outcome <- failure
			if again := <-log.batches; !slices.EqualFunc(first, again, slices.Equal) {
				t.Fatalf("after %v another command was proposed", failure)
			}
		}
		log.outcome <- nil
		if r := <-done; r.err != nil || r.result.Count != 5 {
			t.Errorf("result %+v", r)
		}
		if got := p.retried.Load(); got != uint64(len(failures)) {
			t.Errorf("%d retries, want %d", got, len(failures))
		}
		p.close()
	})
}

func TestTheCallersDeadlineEndsInUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog()
		p := newProposer(16, log.commit, always)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		hanging, waiting := propose(ctx, p, 1), propose(ctx, p, 2)
		<-log.batches // and nothing comes back
		for _, done := range []chan proposed{hanging, waiting} {
			r := <-done
			if !errors.Is(r.err, login.ErrUnavailable) || !errors.Is(r.err, context.DeadlineExceeded) {
				t.Errorf("error %v", r.err)
			}
		}
		if took := time.Since(begun); took != 4*time.Second {
			t.Errorf("took %v", took)
		}
		log.outcome <- raft.ErrLeadershipLost
		p.close() // the one that waited has no caller any more: it is not proposed
		if got := p.failed.Load(); got != 2 {
			t.Errorf("%d failed, want 2", got)
		}
	})
}

func TestTheQueueIsBoundedAndDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog()
		p := newProposer(2, log.commit, always)
		done := []chan proposed{propose(t.Context(), p, 1)}
		<-log.batches
		done = append(done, propose(t.Context(), p, 2), propose(t.Context(), p, 3))
		synctest.Wait()
		if r := <-propose(t.Context(), p, 4); !errors.Is(r.err, login.ErrUnavailable) || !errors.Is(r.err, errQueueFull) {
			t.Errorf("a full queue: %v", r.err)
		}
		closed := make(chan struct{})
		go func() {
			p.close()
			close(closed)
		}()
		synctest.Wait()
		if r := <-propose(t.Context(), p, 5); !errors.Is(r.err, login.ErrUnavailable) || !errors.Is(r.err, errClosed) {
			t.Errorf("a closing node: %v", r.err)
		}
		log.outcome <- nil
		<-log.batches
		log.outcome <- nil
		<-closed
		for i, done := range done {
			if r := <-done; r.err != nil || r.result.Count != i+1 {
				t.Errorf("command %d was not drained: %+v", i+1, r)
			}
		}
	})
}

// always leads.
func always() bool { return true }
