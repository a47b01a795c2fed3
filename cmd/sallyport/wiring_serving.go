package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How old an answer to "can this be served?" may be, and how long asking may take.
const (
	servingFor    = time.Second
	servingWithin = time.Second
)

// errBeingAsked stands for an answer that nobody has yet.
var errBeingAsked = errors.New("whether this node can serve is being found out")

// serving shares one answer per policy among all who ask, since asking writes to the disk and to the
// directory's servers. One asks; who comes meanwhile does not wait and gets the last answer.
type serving struct {
	ask func(ctx context.Context, policy string) error
	now func() time.Time

	mu      sync.Mutex
	answers map[string]*servingAnswer
}

type servingAnswer struct {
	err    error
	at     time.Time
	asking bool
}

func newServing(ask func(context.Context, string) error, now func() time.Time) *serving {
	return &serving{ask: ask, now: now, answers: map[string]*servingAnswer{}}
}

// can returns why the policy cannot be served.
func (s *serving) can(policy string) error {
	a := s.take(policy)
	if a == nil {
		return s.last(policy)
	}
	ctx, cancel := context.WithTimeout(context.Background(), servingWithin)
	defer cancel()
	err := errBeingAsked
	defer func() { s.keep(a, err) }() // also after a panic, or nobody would ask again
	err = s.ask(ctx, policy)
	return err
}

// take returns the answer to renew, nil while that is fresh or somebody renews it.
func (s *serving) take(policy string) *servingAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[policy]
	switch {
	case a == nil:
		a = &servingAnswer{err: errBeingAsked}
		s.answers[policy] = a
	case a.asking, s.now().Sub(a.at) < servingFor:
		return nil
	}
	a.asking = true
	return a
}

func (s *serving) keep(a *servingAnswer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*a = servingAnswer{err: err, at: s.now()}
}

func (s *serving) last(policy string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[policy].err
}
