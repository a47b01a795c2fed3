package cluster

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// TestS21AClockThatIsSetIsNotBelieved plays steps of the wall clock, each followed by time that passes, and
// says by how much the clock counts as off then: 0 is believed.
func TestS21AClockThatIsSetIsNotBelieved(t *testing.T) {
	type moment struct {
		step, pass time.Duration
		off        time.Duration
	}
	const day, s = 24 * time.Hour, time.Second
	for name, moments := range map[string][]moment{
		"a clock that runs":                 {{0, s, 0}, {0, 400 * day, 0}},
		"small steps":                       {{5 * s, s, 0}, {-5 * s, s, 0}, {20 * s, time.Hour, 0}, {-30 * s, time.Hour, 0}},
		"a day ahead, and back":             {{day, s, day}, {0, time.Hour, day}, {-day, s, 0}},
		"a day back, and ahead":             {{-day, s, -day}, {day, 0, 0}},
		"a minute":                          {{time.Minute, 0, time.Minute}},
		"ahead for good":                    {{day, s, day}, {0, 30 * day, day}},
		"nearly back":                       {{day, s, day}, {-day + 10*s, s, 0}},
		"steps that add up":                 {{20 * s, s, 0}, {20 * s, s, 40 * s}, {20 * s, s, 60 * s}},
		"steps far apart":                   {{20 * s, 2 * day, 0}, {20 * s, 2 * day, 0}, {20 * s, 2 * day, 0}},
		"off once, and then a step":         {{day, s, day}, {day, s, 2 * day}, {-2 * day, s, 0}},
		"a year behind, as without battery": {{-365 * day, s, -365 * day}},
	} {
		t.Run(name, func(t *testing.T) {
			clocks := newTwoClocks()
			told := time.Duration(0)
			c := newWallClock(clocks.now, clocks.running, func(off time.Duration) { told = off })
			for i, m := range moments {
				clocks.step(m.step)
				clocks.pass(m.pass)
				now, off := c.read()
				if d := abs(off - m.off); d > s || (off == 0) != (m.off == 0) || !now.Equal(clocks.wall) || (told == 0) != (off == 0) {
					t.Errorf("moment %d: %v off, want %v; told %v", i, off, m.off, told)
				}
			}
		})
	}
}

// TestS21ABelievedClockIsNearTheTruth sets the clock at random: it is believed only while it is near what has
// passed since it was believed last, and always when it is right.
func TestS21ABelievedClockIsNearTheTruth(t *testing.T) {
	for seed := range uint64(300) {
		dice := rand.New(rand.NewPCG(seed, 21))
		clocks := newTwoClocks()
		c := newWallClock(clocks.now, clocks.running, func(time.Duration) {})
		wrong, allowed := time.Duration(0), maxJump // the clock's, and how far a believed one may be
		for range 100 {
			step := time.Duration(0)
			switch dice.IntN(4) {
			case 0:
				step = time.Duration(dice.Int64N(int64(20*time.Second))) - 10*time.Second
			case 1:
				step = time.Duration(dice.Int64N(int64(96*time.Hour))) - 48*time.Hour
			case 2:
				step = -wrong
			}
			pass := time.Duration(dice.Int64N(int64(time.Hour)))
			clocks.step(step)
			clocks.pass(pass)
			wrong, allowed = wrong+step, allowed+pass/maxSlew
			_, off := c.read()
			if off == 0 && abs(wrong) > allowed {
				t.Fatalf("seed %d: believed, and %v wrong", seed, wrong)
			}
			if off != 0 && abs(wrong) <= maxJump-(allowed-maxJump) {
				t.Fatalf("seed %d: not believed, and %v wrong", seed, wrong)
			}
		}
	}
}

// TestS21ANodeAloneJudgesNothingByAClockThatWasSet, says what to do, and believes the clock when it is right
// again, or after a restart.
func TestS21ANodeAloneJudgesNothingByAClockThatWasSet(t *testing.T) {
	clocks, dir := newTwoClocks(), t.TempDir()
	n := openOn(t, clocks, dir)
	if now, err := n.CodeTime(); err != nil || !now.Equal(clocks.wall) {
		t.Fatalf("CodeTime: %v, %v", now, err)
	}
	clocks.step(24 * time.Hour)
	if _, err := n.CodeTime(); !errors.Is(err, login.ErrUnavailable) {
		t.Errorf("CodeTime a day ahead: %v", err)
	}
	if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "was set 24h0m0s ahead at run time") || !strings.Contains(err.Error(), "sallyport cluster accept-clock") {
		t.Errorf("Ready: %v", err)
	}
	if err := n.Serving(t.Context()); err != nil {
		t.Errorf("what the time does not decide is not served: %v", err)
	}
	clocks.step(-24 * time.Hour)
	if _, err := n.CodeTime(); err != nil || n.Ready(t.Context()) != nil {
		t.Errorf("put right: %v, %v", err, n.Ready(t.Context()))
	}
	if _, err := n.AcceptClock(t.Context()); err == nil {
		t.Error("accepted, and nobody doubts it")
	}
	clocks.step(24 * time.Hour)
	if off, err := n.AcceptClock(t.Context()); err != nil || off != 24*time.Hour {
		t.Errorf("accepted: %v, %v", off, err)
	}
	if _, err := n.CodeTime(); err != nil || n.Ready(t.Context()) != nil || !n.Now().Equal(clocks.now()) {
		t.Errorf("accepted, and not believed: %v, %v, log %v", err, n.Ready(t.Context()), n.Now())
	}
	clocks.step(-24 * time.Hour)
	if _, err := n.CodeTime(); err == nil {
		t.Error("set again, it is believed")
	}
	wrong := errors.New("it is not that of the others")
	n.health.clock.Store(&wrong)
	if _, err := n.AcceptClock(t.Context()); err == nil {
		t.Error("accepted against the others")
	}
	n.health.clock.Store(nil)
	clocks.step(48 * time.Hour)
	shut(t, n)
	n = openOn(t, clocks, dir)
	defer shut(t, n)
	if _, err := n.CodeTime(); err != nil || n.Ready(t.Context()) != nil {
		t.Errorf("after a restart: %v, %v", err, n.Ready(t.Context()))
	}
}

// TestS21AnotherNodeSettlesWhichClockIsRight: one that agrees with the new time, was asked since, and was not set.
func TestS21AnotherNodeSettlesWhichClockIsRight(t *testing.T) {
	clocks := newTwoClocks()
	n := openOn(t, clocks, t.TempDir())
	defer shut(t, n)
	clocks.step(time.Hour)
	clocks.pass(time.Minute)
	since := clocks.elapsed
	if _, err := n.CodeTime(); err == nil {
		t.Fatal("the clock is believed")
	}
	for name, c := range map[string]struct {
		h    heard
		want bool
	}{
		"no answer since":      {heard{at: since}, false},
		"another time":         {heard{at: since + time.Second, offset: -time.Hour}, false},
		"a clock that was set": {heard{at: since + time.Second, hello: hello{ClockSet: true}}, false},
	} {
		n.lookAtJump(map[string]heard{"node2": c.h})
		if _, err := n.CodeTime(); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !n.ownHello().ClockSet {
		t.Error("the node does not say so to others")
	}
	n.lookAtJump(map[string]heard{"node2": {at: since + time.Second, offset: time.Second}})
	if _, err := n.CodeTime(); err != nil || n.ownHello().ClockSet {
		t.Errorf("a node that agrees: %v", err)
	}
}
