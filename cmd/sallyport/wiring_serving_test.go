package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// asker answers for a directory, and counts.
type asker struct {
	asked  map[string]int
	answer error
	// hang lets a question last until its context ends.
	hang bool
}

func (a *asker) ask(ctx context.Context, policy string) error {
	a.asked[policy]++
	if a.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.answer
}

func TestServingIsAskedOncePerSecondAndPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asker{asked: map[string]int{}}
		s := newServing(a.ask, time.Now)
		for range 10 {
			for _, policy := range []string{"staff", "guests"} {
				if err := s.can(policy); err != nil {
					t.Error(err)
				}
			}
		}
		if a.asked["staff"] != 1 || a.asked["guests"] != 1 {
			t.Errorf("asked %v in the same moment", a.asked)
		}
		a.answer = errors.New("gone")
		time.Sleep(servingFor)
		if err := s.can("staff"); !errors.Is(err, a.answer) || a.asked["staff"] != 2 {
			t.Errorf("asked %v, a second later: %v", a.asked, err)
		}
	})
}

func TestServingKeepsOneWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asker{asked: map[string]int{}}
		s := newServing(a.ask, time.Now)
		if err := s.can("staff"); err != nil {
			t.Fatal(err)
		}
		a.hang = true
		time.Sleep(servingFor)
		first := make(chan error, 1)
		go func() { first <- s.can("staff") }()
		synctest.Wait()
		start := time.Now()
		if err := s.can("staff"); err != nil || time.Since(start) != 0 {
			t.Errorf("the second one waited %v and heard %v, want the last answer at once", time.Since(start), err)
		}
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != servingWithin {
			t.Errorf("the first one heard %v after %v", err, time.Since(start))
		}
		if err := s.can("staff"); !errors.Is(err, context.DeadlineExceeded) || a.asked["staff"] != 2 {
			t.Errorf("asked %v, then heard %v", a.asked, err)
		}
	})
}

func TestServingAsksAgainAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := newServing(func(context.Context, string) error {
			if calls++; calls == 1 {
				panic("directory")
			}
			return nil
		}, time.Now)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = s.can("staff")
		}()
		time.Sleep(servingFor)
		if err := s.can("staff"); err != nil || calls != 2 {
			t.Errorf("called %d times: %v", calls, err)
		}
	})
}
