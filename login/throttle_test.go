package login

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tries asks and answers wrong, until it is refused.
func tries(throttle *Throttle, who func(i int) attempt, most int) (asked int) {
	for i := range most {
		if k, verdict := throttle.ask(who(i)); verdict == admitted {
			k.wrong()
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
	tickets := make(chan *ticket, 100)
	for range 100 {
		wait.Go(func() {
			switch k, verdict := throttle.ask(who); verdict {
			case admitted:
				asked.Add(1)
				tickets <- k
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
		(<-tickets).right()
	}
	if _, got := throttle.ask(who); got != admitted {
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
		k, verdict := throttle.ask(who)
		if verdict != admitted {
			t.Fatal("the directory's outage was counted")
		}
		k.unknown()
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
	k, verdict := throttle.ask(at(200))
	if verdict != admitted {
		t.Fatal("the first try was refused")
	}
	k.right()
	if asked := tries(throttle, at, 100); asked != 8 {
		t.Errorf("%d of 100 stations were asked, want 8", asked)
	}
	if _, verdict := throttle.ask(at(200)); verdict != admitted {
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

// TestS12WhatWasTakenIsGivenBack: two first requests from a new station, of which one becomes known while the other is
// under way.
func TestS12WhatWasTakenIsGivenBack(t *testing.T) {
	throttle := NewThrottle(4, time.Minute, func() time.Time { return time.Unix(1000, 0) })
	for station := range 20 {
		who := attempt{user: Tag{1, byte(station)}, station: Tag{2, byte(station)}, everywhere: Tag{3}}
		first, a := throttle.ask(who)
		second, b := throttle.ask(who)
		if a != admitted || b != admitted {
			t.Fatalf("station %d: %v, %v", station, a, b)
		}
		first.right()
		second.right()
		second.right() // twice is once
	}
	if len(throttle.counts) != 0 {
		t.Errorf("%d buckets are kept: %+v", len(throttle.counts), throttle.counts)
	}
}

// TestS12Throttle plays random attempts: what is under way is what was admitted and not given back, no bucket holds
// more than its share or less than nothing, and all leave the map once they have refilled.
func TestS12Throttle(t *testing.T) {
	for seed := range uint64(50) {
		rng, now := rand.New(rand.NewPCG(seed, 12)), time.Unix(1000, 0)
		throttle := NewThrottle(4, time.Minute, func() time.Time { return now })
		var open []*ticket
		for range 2000 {
			now = now.Add(time.Duration(rng.IntN(20)) * time.Second)
			user, station := byte(rng.IntN(4)), byte(rng.IntN(4))
			who := attempt{user: Tag{1, user, station}, station: Tag{2, station}, everywhere: Tag{3, user}}
			if station == 0 { // the client does not say
				who.station, who.everywhere = Tag{}, Tag{}
			}
			if k, verdict := throttle.ask(who); verdict == admitted {
				open = append(open, k)
			}
			if len(open) > 0 && rng.IntN(2) == 0 {
				at := rng.IntN(len(open))
				[]func(){open[at].wrong, open[at].right, open[at].unknown}[rng.IntN(3)]()
				open = slices.Delete(open, at, at+1)
			}
			if rng.IntN(10) == 0 {
				throttle.loggedIn(who, 1)
			}
			pending := map[Tag]int{}
			for _, k := range open {
				for _, s := range k.shares {
					pending[s.key]++
				}
			}
			for key, c := range throttle.counts {
				if c.pending != pending[key] || c.left < 0 || c.left > 4*c.times {
					t.Fatalf("seed %d: bucket %v has %+v, %d are under way", seed, key, c, pending[key])
				}
				delete(pending, key)
			}
			if len(pending) > 0 {
				t.Fatalf("seed %d: %d buckets are forgotten with attempts under way", seed, len(pending))
			}
		}
		for _, k := range open {
			k.wrong()
		}
		now = now.Add(time.Hour)
		for range 20 { // others come and go
			k, _ := throttle.ask(attempt{user: Tag{9}})
			k.unknown()
		}
		if len(throttle.counts) != 0 {
			t.Fatalf("seed %d: %d buckets are kept", seed, len(throttle.counts))
		}
	}
}

// TestS12AUsedUpBucketIsForgottenLast: strangers who fill the memory with one wrong password each give nobody their
// tries back.
func TestS12AUsedUpBucketIsForgottenLast(t *testing.T) {
	throttle := NewThrottle(4, time.Hour, func() time.Time { return time.Unix(1000, 0) })
	victim := attempt{user: Tag{255}}
	if asked := tries(throttle, func(int) attempt { return victim }, 10); asked != 4 {
		t.Fatalf("%d tries", asked)
	}
	tries(throttle, func(i int) attempt { return attempt{user: Tag{1, byte(i), byte(i >> 8), byte(i >> 16)}} }, 3*maxThrottled)
	if _, verdict := throttle.ask(victim); verdict != refused {
		t.Error("the victim's wrong passwords are forgotten")
	}
}

// TestS7TheSameGuessIsCountedOnce: a client that repeats one login for hours shuts nobody out, and a repeated wrong
// password is asked about once in a while.
func TestS7TheSameGuessIsCountedOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	throttle := NewThrottle(4, time.Minute, func() time.Time { return now })
	taken := map[admission]int{}
	for i := range 1000 {
		now = now.Add(10 * time.Second)
		k, verdict := throttle.ask(attempt{user: Tag{1}, guess: Tag{byte(1 + i%2)}})
		if taken[verdict]++; i%2 == 0 {
			k.unproven() // a right password with a used code
		} else {
			k.wrong()
		}
		if who := (attempt{user: Tag{1}, guess: Tag{99}}); i > 100 {
			k, verdict := throttle.ask(who)
			if k.unknown(); verdict != admitted {
				t.Fatalf("after %d repetitions the user is shut out: %v", i, verdict)
			}
		}
	}
	if taken[admitted] < 500 || taken[repeated] < 300 || taken[refused] > 0 {
		t.Errorf("%v", taken)
	}
	if n := len(throttle.counts[Tag{1}].guesses); n > maxGuesses {
		t.Errorf("%d guesses are kept", n)
	}
}
