package ldap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

func TestTheGateTurnsAwayWhatCannotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 1)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		patient := make(chan error, 1)
		go func() { patient <- g.enter(t.Context()) }()
		synctest.Wait()
		start := time.Now()
		if err := g.enter(t.Context()); !errors.Is(err, errBusy) || time.Since(start) != patience {
			t.Errorf("the second who waits got %v after %v", err, time.Since(start))
		}
		if in, waiting := g.counts(); in != 1 || waiting != 1 {
			t.Errorf("counts = %d, %d", in, waiting)
		}
		time.AfterFunc(time.Hour, g.leave)
		if err := <-patient; err != nil || time.Since(start) < time.Hour {
			t.Errorf("the first who waits got %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("enter = %v, want the context's error", err)
		}
		g.leave()
		if in, waiting := g.counts(); in != 0 || waiting != 0 {
			t.Errorf("counts = %d, %d", in, waiting)
		}
	})
}

func TestTheGateTurnsNobodyAwayWhileAnswersAreQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(maxInFlight, maxWaiting)
		var all sync.WaitGroup
		for range 1024 {
			all.Go(func() {
				if err := g.enter(t.Context()); err != nil {
					t.Errorf("enter = %v", err)
					return
				}
				<-time.After(5 * time.Millisecond) // the question
				g.leave()
			})
		}
		all.Wait()
	})
}

func TestTheCacheForgets(t *testing.T) {
	now := noon
	c := newCache(time.Minute, 2*time.Minute, 3, func() time.Time { return now })
	put := func(name string) *account {
		a := &account{user: login.User{ID: "corp:" + name}, read: now}
		c.put(name, a)
		return a
	}
	first := put("a")
	if c.name("a") != first || c.id("corp:a") != first {
		t.Error("what was put is not there")
	}
	now = now.Add(time.Minute)
	if c.name("a") != nil || c.id("corp:a") != first {
		t.Error("a name serves for one minute, an id for two")
	}
	second := put("a")
	c.drop("a", first)
	if c.name("a") != second {
		t.Error("dropping an old entry dropped the new one")
	}
	for i := range 10 {
		put(fmt.Sprint(i))
	}
	if n := c.len(); n != 3 || c.name("9") == nil || c.name("6") != nil {
		t.Errorf("%d entries", n)
	}
	now = now.Add(2 * time.Minute)
	put("z")
	if n := c.len(); n != 1 {
		t.Errorf("%d entries after their time", n)
	}
	none := newCache(0, 0, 3, func() time.Time { return now })
	none.put("a", first)
	if none.name("a") != nil || none.len() != 0 {
		t.Error("a cache without a life remembers")
	}
}
