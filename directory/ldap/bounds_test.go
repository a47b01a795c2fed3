package ldap

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

func TestTheGateTurnsNobodyAwayWhileAnswersAreQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(maxInFlight, maxWaiting)
		var all sync.WaitGroup
		for range 1024 {
			all.Go(func() {
				if err := g.Enter(t.Context(), "vpn"); err != nil {
					t.Errorf("enter = %v", err)
					return
				}
				<-time.After(5 * time.Millisecond) // the question
				g.Leave("vpn")
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
