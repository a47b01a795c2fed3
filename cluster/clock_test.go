package cluster

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/login"
)

// twoClocks are a wall clock that can be set and one that only runs. A node reads them while a test moves them.
type twoClocks struct {
	mu      sync.Mutex
	wall    time.Time
	elapsed time.Duration
}

func newTwoClocks() *twoClocks {
	return &twoClocks{wall: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
}

func (c *twoClocks) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *twoClocks) running() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

// pass lets time pass, and step sets the wall clock.
func (c *twoClocks) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.elapsed = c.wall.Add(d), c.elapsed+d
}

func (c *twoClocks) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// TestTheLogFollowsTheClockAtItsOwnPace plays steps of the wall clock, each followed by time that
// passes, and says by how much the clock is then ahead of the log.
func TestTheLogFollowsTheClockAtItsOwnPace(t *testing.T) {
	type moment struct {
		step, pass time.Duration
		offset     time.Duration
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		applied time.Duration // of the log, after the clock's beginning
		moments []moment
	}{
		"a clock that runs":              {0, []moment{{0, time.Second, 0}, {0, time.Hour, 0}}},
		"a day ahead for one moment":     {0, []moment{{day, 0, day}, {-day, 0, 0}, {0, time.Second, 0}}},
		"a day ahead for a second":       {0, []moment{{day, time.Second, day - time.Second}, {-day, time.Second, -time.Second / 2}, {0, time.Second, 0}}},
		"a day ahead after an idle hour": {0, []moment{{0, time.Hour, 0}, {day, time.Hour, day - time.Minute}}},
		"a day ahead for good":           {0, []moment{{day, time.Second, day - time.Second}, {0, time.Minute, day - 61*time.Second}}},
		"ahead of an older log":          {-5 * day, []moment{{0, time.Second, 0}}},
		"behind a newer log":             {day, []moment{{0, 0, -day}, {0, time.Hour, -day + time.Hour/2}}},
		"a day back":                     {0, []moment{{0, time.Second, 0}, {-day, 0, -day}, {0, time.Minute, -day + time.Minute/2}}},
		"two seconds forward":            {0, []moment{{2 * time.Second, 0, 2 * time.Second}, {0, 2 * time.Second, 0}}},
		"two seconds back":               {0, []moment{{-2 * time.Second, 0, -2 * time.Second}, {0, 4 * time.Second, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			clocks := newTwoClocks()
			applied := clocks.wall.Add(c.applied).UnixNano()
			log := &logClock{wall: clocks.now, elapsed: clocks.running, applied: func() int64 { return applied }}
			before := log.now()
			for i, m := range c.moments {
				clocks.step(m.step)
				clocks.pass(m.pass)
				if got := log.offset(); got != m.offset {
					t.Errorf("moment %d: the clock is %v ahead, want %v", i, got, m.offset)
				}
				if now := log.now(); now.Before(before) {
					t.Errorf("moment %d: the log went back to %v", i, now)
				} else {
					before = now
				}
			}
		})
	}
}

// openOn opens the data of dir on clocks.
func openOn(t *testing.T, clocks *twoClocks, dir string) *Node {
	return openReady(t, Config{
		Name: "node1", DataDir: dir, MasterKey: bytes.Repeat([]byte{7}, masterKeySize),
		Now: clocks.now, Elapsed: clocks.running,
	})
}

// shut closes a node in the middle of a test.
func shut(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// answerAt settles a code of alice under a challenge of two minutes that began at the given time.
func answerAt(t *testing.T, n *Node, challenge byte, begun time.Time, number uint64) login.Code {
	t.Helper()
	o, err := n.Settle(t.Context(), login.Settlement{
		Challenge: login.ChallengeID{challenge}, Token: login.Tag{1}, Answer: login.Tag{1}, Client: "vpn", UserID: "corp:alice",
		ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1, Number: number, Expires: begun.Add(2 * time.Minute),
		Limits: login.Limits{Attempts: 3, SoftLock: 1, SoftLockFor: time.Minute, SoftLockMax: time.Minute, Keep: 40 * time.Second},
	})
	if err != nil {
		t.Fatalf("Settle: %v", err)
	}
	return o.Code
}

func registerAlice(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Register(t.Context(), Registration{UserID: "corp:alice", Factor: "totp", Record: []byte("record")}); err != nil {
		t.Fatalf("Register: %v", err)
	}
}

// TestOneWrongReadingEndsNothing commits while the clock is a day ahead.
func TestOneWrongReadingEndsNothing(t *testing.T) {
	clocks := newTwoClocks()
	n := openOn(t, clocks, t.TempDir())
	defer shut(t, n)
	registerAlice(t, n)
	begun := n.Now()
	if code := answerAt(t, n, 1, begun, 0); code != login.CodeOTPInvalid { // and locks
		t.Fatalf("a wrong answer: %v", code)
	}
	clocks.step(24 * time.Hour)
	if code := answerAt(t, n, 2, begun, 100); code != login.CodeAccountLocked {
		t.Errorf("during the lock: %v", code)
	}
	if got := n.Status(t.Context()).(Status).ClockOffset; got != "24h0m0s" {
		t.Errorf("the offset shown is %s", got)
	}
	if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "24h0m0s ahead of the log: check NTP") {
		t.Errorf("Ready: %v", err)
	}
	if err := n.Serving(t.Context()); err != nil {
		t.Errorf("Serving: %v", err)
	}
	clocks.step(-24 * time.Hour)
	clocks.pass(time.Minute)
	if code := answerAt(t, n, 3, begun, 100); code != login.CodeAccepted {
		t.Errorf("a right answer after the lock: %v", code)
	}
	if code := answerAt(t, n, 1, begun, 0); code != login.CodeOTPInvalid {
		t.Errorf("a verdict was forgotten: %v", code)
	}
	if err := n.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

// TestAStartBelievesAClockThatIsAhead has a process that was down for days, and the day after a
// start with a wrong clock.
func TestAStartBelievesAClockThatIsAhead(t *testing.T) {
	clocks, dir := newTwoClocks(), t.TempDir()
	n := openOn(t, clocks, dir)
	registerAlice(t, n)
	shut(t, n)

	clocks.step(5 * 24 * time.Hour)
	n = openOn(t, clocks, dir)
	if err := n.Ready(t.Context()); err != nil || !n.Now().Equal(clocks.wall) {
		t.Errorf("after days: log %v, clock %v, %v", n.Now(), clocks.wall, err)
	}
	answerAt(t, n, 1, n.Now(), 100) // the log has this time now
	shut(t, n)

	clocks.step(-24 * time.Hour)
	n = openOn(t, clocks, dir)
	defer shut(t, n)
	if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "24h0m0s behind the log: check NTP") {
		t.Errorf("Ready: %v", err)
	}
	begun := n.Now()
	clocks.pass(time.Minute)
	if code := answerAt(t, n, 2, begun, 101); code != login.CodeAccepted {
		t.Errorf("a login while the log is ahead: %v", code)
	}
	clocks.pass(5 * time.Minute)
	if code := answerAt(t, n, 3, begun, 102); code != login.CodeStateExpired {
		t.Errorf("a challenge that has ended while the log is ahead: %v", code)
	}
}
