package radius

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// learner tells the memory which addresses have sent a valid Message-Authenticator, one after the
// other and beside the packets: learning is a commit, and no reader waits for one.
type learner struct {
	memory Memory
	log    *slog.Logger
	now    func() time.Time
	todo   chan lesson
	// base ends with the learner; done is closed when it has ended.
	base context.Context
	stop context.CancelFunc
	done chan struct{}
	// failures paces the log while nothing can be committed.
	failures *pacer

	mu sync.Mutex
	// pending are the lessons in todo and the one being committed.
	pending map[lesson]bool
}

type lesson struct {
	client string
	addr   netip.Addr
}

const (
	// lessons may wait; what does not fit is learned from a later packet.
	maxLessons = 256
	learnTime  = 5 * time.Second
)

func newLearner(memory Memory, log *slog.Logger, now func() time.Time) *learner {
	l := &learner{
		memory: memory, log: log, now: now, todo: make(chan lesson, maxLessons),
		done: make(chan struct{}), pending: make(map[lesson]bool), failures: newPacer(),
	}
	l.base, l.stop = context.WithCancel(context.Background())
	return l
}

// learn notes that the client signs from addr. It does not wait.
func (l *learner) learn(client string, addr netip.Addr) {
	one := lesson{client, addr}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[one] {
		return
	}
	select {
	case l.todo <- one:
		l.pending[one] = true
	default:
	}
}

func (l *learner) start() {
	go func() {
		defer close(l.done)
		for {
			select {
			case one := <-l.todo:
				l.commit(one)
			case <-l.base.Done():
				return
			}
		}
	}()
}

func (l *learner) commit(one lesson) {
	ctx, cancel := context.WithTimeout(l.base, learnTime)
	defer cancel()
	err := l.memory.Learn(ctx, one.client, one.addr)
	l.mu.Lock()
	delete(l.pending, one)
	l.mu.Unlock()
	if err == nil {
		l.log.Info("client sends Message-Authenticator; required from this address from now on",
			"client", one.client, "address", one.addr.String())
	} else if silent, ok := l.failures.pass(l.now()); ok {
		l.log.Warn("could not keep that a client sends Message-Authenticator; its next packet tries again",
			"client", one.client, "address", one.addr.String(), "suppressed", silent, "error", err)
	}
}

// close ends the learner. What it has not learned yet, a later packet teaches.
func (l *learner) close() {
	l.stop()
	<-l.done
}
