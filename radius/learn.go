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

	mu      sync.Mutex
	pending map[lesson]bool
	todo    chan lesson
	closed  bool
	done    chan struct{}
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

func newLearner(memory Memory, log *slog.Logger) *learner {
	return &learner{memory: memory, log: log, pending: make(map[lesson]bool), todo: make(chan lesson, maxLessons), done: make(chan struct{})}
}

// learn notes that the client signs from addr. It does not wait.
func (l *learner) learn(client string, addr netip.Addr) {
	one := lesson{client, addr}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.pending[one] {
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
		for one := range l.todo {
			l.commit(one)
		}
	}()
}

func (l *learner) commit(one lesson) {
	ctx, cancel := context.WithTimeout(context.Background(), learnTime)
	defer cancel()
	err := l.memory.Learn(ctx, one.client, one.addr)
	l.mu.Lock()
	delete(l.pending, one)
	l.mu.Unlock()
	if err != nil {
		l.log.Warn("could not keep that a client sends Message-Authenticator; the next packet tries again",
			"client", one.client, "address", one.addr.String(), "error", err)
		return
	}
	l.log.Info("client sends Message-Authenticator; required from this address from now on",
		"client", one.client, "address", one.addr.String())
}

// close ends the learner when it has learned what was waiting.
func (l *learner) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.todo)
	}
	l.mu.Unlock()
	<-l.done
}
