package email

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// restFor is how long a server that failed goes to the end of the order.
const restFor = 30 * time.Second

// maxConnections bounds the connections to one server: many admit 50 of one host (Postfix's
// smtpd_client_connection_count_limit), which other nodes may share with us.
const maxConnections = 16

// server is one mail server with what is known of it. It is safe for concurrent use.
type server struct {
	endpoint
	tls     *tls.Config
	account account
	// helo is the name that a connection greets with.
	helo    func(ctx context.Context, conn net.Conn) string
	timeout time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	log     *slog.Logger
	now     func() time.Time
	slots   chan struct{}

	sent, temporary, permanent atomic.Uint64

	mu sync.Mutex
	h  health
}

// health is what the last conversations told. The zero value is a server that was not asked yet.
type health struct {
	down bool
	// since is when down changed last, resting until when the server goes to the end of the order,
	// tookLast when it took a message last.
	since, resting, tookLast time.Time
	failed                   *failure
}

// submit hands a message to this server.
func (s *server) submit(ctx context.Context, e envelope) *failure {
	attempt, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-attempt.Done():
		s.temporary.Add(1)
		return s.fail(attempt, stageConnect, attempt.Err())
	}
	on, failed := s.open(attempt, e.secrets()...)
	if failed == nil {
		defer on.close()
		failed = on.submit(attempt, e)
	}
	s.record(ctx, failed)
	return failed
}

// record counts an outcome and learns from it. A server that failed while the message itself was
// judged works, and one that we did not wait for may work.
func (s *server) record(ctx context.Context, failed *failure) {
	switch {
	case failed == nil:
		s.sent.Add(1)
	case failed.kind == temporary:
		s.temporary.Add(1)
	default:
		s.permanent.Add(1)
	}
	switch {
	case failed == nil || failed.stage == stageRcpt || failed.stage == stageData:
		s.works(failed == nil)
	case ctx.Err() == nil:
		s.rests(failed)
	}
}

func (s *server) works(took bool) {
	now := s.now()
	s.mu.Lock()
	back := s.h.down
	if back {
		s.h.since = now
	}
	if took {
		s.h.tookLast = now
	}
	s.h.down, s.h.failed = false, nil
	s.mu.Unlock()
	if back {
		s.log.Info("mail server is back")
	}
}

func (s *server) rests(failed *failure) {
	now := s.now()
	s.mu.Lock()
	fresh := !s.h.down || s.h.failed.kind != failed.kind
	if !s.h.down {
		s.h.since = now
	}
	s.h.down, s.h.failed, s.h.resting = true, failed, now.Add(restFor)
	s.mu.Unlock()
	switch {
	case fresh && failed.kind == faulty:
		s.log.Error("mail server cannot be used", "error", failed)
	case fresh:
		s.log.Warn("mail server is down", "error", failed)
	}
}

// upFront reports whether the server keeps its place in the order. When the rest of one that is down
// is over, one caller finds out whether it is back, and the others still pass by.
func (s *server) upFront() bool {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.h.down {
		return true
	}
	if now.Before(s.h.resting) {
		return false
	}
	s.h.resting = now.Add(restFor)
	return true
}

func (s *server) health() health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h
}
