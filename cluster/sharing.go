package cluster

import (
	"context"
	"sync"
)

// sharing asks a question for all who came before it was put: one is on its way at a time, and whoever
// comes meanwhile shares the next one. It is safe for concurrent use.
type sharing struct {
	mu     sync.Mutex
	asking bool
	next   *shared
}

// shared is one question; done is closed when it is answered.
type shared struct {
	done  chan struct{}
	index uint64
	err   error
}

// ask returns the answer to a question that is put after the call, or the error of a ctx that ends first.
func (s *sharing) ask(ctx context.Context, question func() (uint64, error)) (uint64, error) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &shared{done: make(chan struct{})}
	}
	mine := s.next
	if !s.asking {
		s.asking = true
		go s.run(question)
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.index, mine.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// run puts questions while somebody waits for one.
func (s *sharing) run(question func() (uint64, error)) {
	for {
		s.mu.Lock()
		now := s.next
		s.next = nil
		if now == nil {
			s.asking = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		now.index, now.err = question()
		close(now.done)
	}
}
