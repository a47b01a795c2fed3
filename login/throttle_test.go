package login

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestManyGuessesAtOnceHaveNoMoreTries(t *testing.T) {
	throttle := NewThrottle(4, time.Minute, func() time.Time { return time.Unix(1000, 0) })
	who := attempt{user: Tag{1}, station: Tag{2}}
	var asked atomic.Int32
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			if throttle.ask(who) {
				asked.Add(1)
			}
		})
	}
	wait.Wait()
	if n := asked.Load(); n != 4 {
		t.Errorf("%d of 100 were asked, want 4", n)
	}
}

func TestAStationHasFiveTimesTheTries(t *testing.T) {
	now := time.Unix(1000, 0)
	throttle := NewThrottle(4, time.Minute, func() time.Time { return now })
	asked := 0
	for i := range byte(200) {
		if throttle.ask(attempt{user: Tag{1, i}, station: Tag{2}}) {
			asked++
		}
	}
	if asked != 20 {
		t.Errorf("%d accounts were tried, want 20", asked)
	}
	throttle.right(attempt{user: Tag{1, 0}, station: Tag{2}})
	if !throttle.ask(attempt{user: Tag{1, 201}, station: Tag{2}}) || throttle.ask(attempt{user: Tag{1, 202}, station: Tag{2}}) {
		t.Error("a right password gives back its own try, and no more")
	}
	now = now.Add(time.Minute)
	if asked = 0; !throttle.ask(attempt{user: Tag{9}, station: Tag{2}}) {
		t.Error("nothing came back in a minute")
	}
}

func TestAnOutageIsNoGuess(t *testing.T) {
	throttle := NewThrottle(1, time.Hour, func() time.Time { return time.Unix(1000, 0) })
	who := attempt{user: Tag{1}}
	for range 10 {
		if !throttle.ask(who) {
			t.Fatal("the directory's outage was counted")
		}
		throttle.unknown(who)
	}
}

func TestStrangersFillNoMemory(t *testing.T) {
	now := time.Unix(1000, 0)
	throttle := NewThrottle(4, time.Hour, func() time.Time { return now })
	for i := range 3 * maxThrottled {
		throttle.ask(attempt{user: Tag{byte(i), byte(i >> 8), byte(i >> 16)}, station: Tag{1, byte(i), byte(i >> 8), byte(i >> 16)}})
	}
	if n := len(throttle.counts); n > maxThrottled+1 {
		t.Errorf("%d buckets", n)
	}
}

func TestManyStationsShareWhatTheyMayGuessOfAUser(t *testing.T) {
	throttle := NewThrottle(4, time.Minute, func() time.Time { return time.Unix(1000, 0) })
	at := func(station byte) attempt {
		return attempt{user: Tag{1, station}, station: Tag{2, station}, everywhere: Tag{3}}
	}
	if !throttle.ask(at(200)) {
		t.Fatal("the first try was refused")
	}
	throttle.right(at(200))
	asked := 0
	for i := range byte(100) {
		if throttle.ask(at(i)) {
			asked++
		}
	}
	if asked != 8 {
		t.Errorf("%d of 100 stations were asked, want 8", asked)
	}
	if !throttle.ask(at(200)) {
		t.Error("the station from which the user has logged in is shut out")
	}
}
