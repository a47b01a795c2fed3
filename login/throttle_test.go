package login

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tries asks and answers wrong, until it is refused.
func tries(throttle *Throttle, who func(i int) attempt, most int) (asked int) {
	for i := range most {
		if throttle.ask(who(i)) == admitted {
			throttle.wrong(who(i))
			asked++
		}
	}
	return asked
}

func TestManyGuessesAtOnceHaveNoMoreTries(t *testing.T) {
	throttle := NewThrottle(4, time.Minute, func() time.Time { return time.Unix(1000, 0) })
	who := attempt{user: Tag{1}, station: Tag{2}}
	var asked, shed atomic.Int32
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			switch throttle.ask(who) {
			case admitted:
				asked.Add(1)
			case crowded:
				shed.Add(1)
			}
		})
	}
	wait.Wait()
	if asked.Load() != 4 || shed.Load() != 96 {
		t.Errorf("of 100 %d were asked and %d shed, want 4 and 96", asked.Load(), shed.Load())
	}
	for range 4 {
		throttle.right(who)
	}
	if got := throttle.ask(who); got != admitted {
		t.Errorf("after right passwords: %v", got)
	}
}

func TestAStationHasFiveTimesTheTries(t *testing.T) {
	now := time.Unix(1000, 0)
	throttle := NewThrottle(4, time.Minute, func() time.Time { return now })
	other := func(i int) attempt { return attempt{user: Tag{1, byte(i)}, station: Tag{2}} }
	if asked := tries(throttle, other, 200); asked != 20 {
		t.Errorf("%d accounts were tried, want 20", asked)
	}
	now = now.Add(time.Minute)
	if asked := tries(throttle, other, 200); asked != 5 {
		t.Errorf("a minute later %d were tried, want 5", asked)
	}
}

func TestAnOutageIsNoGuess(t *testing.T) {
	throttle := NewThrottle(1, time.Hour, func() time.Time { return time.Unix(1000, 0) })
	who := attempt{user: Tag{1}}
	for range 10 {
		if throttle.ask(who) != admitted {
			t.Fatal("the directory's outage was counted")
		}
		throttle.unknown(who)
	}
	if len(throttle.counts) != 0 {
		t.Errorf("%d buckets are kept", len(throttle.counts))
	}
}

func TestManyStationsShareWhatTheyMayGuessOfAUser(t *testing.T) {
	throttle := NewThrottle(4, time.Minute, func() time.Time { return time.Unix(1000, 0) })
	at := func(station int) attempt {
		return attempt{user: Tag{1, byte(station)}, station: Tag{2, byte(station)}, everywhere: Tag{3}}
	}
	if throttle.ask(at(200)) != admitted {
		t.Fatal("the first try was refused")
	}
	throttle.right(at(200))
	if asked := tries(throttle, at, 100); asked != 8 {
		t.Errorf("%d of 100 stations were asked, want 8", asked)
	}
	if throttle.ask(at(200)) != admitted {
		t.Error("the station from which the user has logged in is shut out")
	}
}

func TestStrangersFillNoMemory(t *testing.T) {
	throttle := NewThrottle(4, time.Hour, func() time.Time { return time.Unix(1000, 0) })
	tries(throttle, func(i int) attempt {
		return attempt{user: Tag{byte(i), byte(i >> 8), byte(i >> 16)}, station: Tag{1, byte(i), byte(i >> 8), byte(i >> 16)}}
	}, 3*maxThrottled)
	if n := len(throttle.counts); n > maxThrottled+1 {
		t.Errorf("%d buckets", n)
	}
}
