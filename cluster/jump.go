package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sallyport/login"
)

const (
	// maxJump is how far the wall clock may be set at run time before its codes are not believed: one time step
	// of an authenticator app. A code that is used under a clock that is less ahead makes the next two of that
	// user count as used, and no more.
	maxJump = 30 * time.Second
	// maxSlew is the part of the time that the wall clock may gain or lose without a step, in all: what the
	// kernel's own slewing does (500 ppm, adjtimex(2)).
	maxSlew = 2000
)

// wallClock is the wall clock by which codes are judged. It is held against a clock that only runs: one that
// was set far away at run time is not believed until it is back, or somebody says that the new time is right. So
// nobody's codes count as used for a day because of one wrong answer of a time server. A clock that is wrong at
// the start is not noticed here. It is safe for concurrent use.
type wallClock struct {
	wall    func() time.Time
	elapsed func() time.Duration // since a fixed moment, also while the machine sleeps
	// told is called when the clock is found to be off, and with 0 when it no longer is.
	told func(off time.Duration)

	mu sync.Mutex
	// base is what the wall clock showed at the time at, in nanoseconds since 1970.
	base  int64
	at    time.Duration
	off   time.Duration // 0 while the clock is believed
	since time.Duration // by elapsed: when it was found to be off
}

func newWallClock(wall func() time.Time, elapsed func() time.Duration, told func(off time.Duration)) *wallClock {
	return &wallClock{wall: wall, elapsed: elapsed, told: told, base: wall().UnixNano(), at: elapsed()}
}

// read returns the time, and by how much it was set since it was believed last: 0 while it is believed.
func (c *wallClock) read() (now time.Time, off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = c.wall()
	passed := max(c.elapsed()-c.at, 0)
	off = time.Duration(now.UnixNano() - c.base - int64(passed))
	before := c.off
	switch {
	case abs(off) > maxJump:
		if c.off == 0 {
			c.since = c.at + passed
		}
		c.off = off
	default: // small steps and slewing are followed, slowly
		most := passed / maxSlew
		c.base, c.at, c.off = c.base+int64(passed+min(max(off, -most), most)), c.at+passed, 0
	}
	if (before == 0) != (c.off == 0) {
		c.told(c.off)
	}
	return now, c.off
}

// accept believes the clock as it is, and returns by how much it was off.
func (c *wallClock) accept() (off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	off, c.off = c.off, 0
	c.base, c.at = c.wall().UnixNano(), c.elapsed()
	if off != 0 {
		c.told(0)
	}
	return off
}

// doubted returns since when the clock is not believed.
func (c *wallClock) doubted() (since time.Duration, doubted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since, c.off != 0
}

// CodeTime is the time by which codes of authenticator apps are judged. It is an error, [login.ErrUnavailable],
// while the clock of this node was set far away at run time: then none can be judged.
func (n *Node) CodeTime() (time.Time, error) {
	now, off := n.codeClock.read()
	if off != 0 {
		return now, fmt.Errorf("%w: %w", login.ErrUnavailable, jumped(off))
	}
	return now, nil
}

// AcceptClock believes this node's clock, which was set at run time, and returns by how much it was. The log
// follows it at once, as at a start. [RefusedError] says why not: nobody doubts the clock, or the other nodes do.
func (n *Node) AcceptClock(context.Context) (off time.Duration, err error) {
	switch _, off = n.codeClock.read(); {
	case off == 0:
		return 0, &RefusedError{"the clock of this node was not set at run time, or is right again: there is nothing to accept"}
	case n.health.clock.Load() != nil:
		return 0, &RefusedError{"the clock of this node is not that of the other nodes: check NTP on all of them"}
	}
	n.clock.believe()
	return n.codeClock.accept(), nil
}

func jumped(off time.Duration) error {
	way := "ahead"
	if off < 0 {
		way = "back"
	}
	return fmt.Errorf("the clock of this node was set %v %s at run time: not verifying codes of authenticator apps; check NTP; where the new time is right: sallyport cluster accept-clock", abs(off).Round(time.Second), way)
}

func (n *Node) tellJump(off time.Duration) {
	if off == 0 {
		n.logger.Info("the clock of this node is believed again")
		return
	}
	n.logger.Error("clock was set at run time: not verifying codes of authenticator apps; check NTP; where the new time is right: sallyport cluster accept-clock", "offset", off.Round(time.Millisecond).String(), "limit", maxJump.String())
}

// lookAtJump holds this node's clock against the one that only runs. Another node that agrees with the new time,
// and whose clock was not set, settles that it is right.
func (n *Node) lookAtJump(up map[string]heard) {
	if _, off := n.codeClock.read(); off == 0 || n.health.clock.Load() != nil {
		return
	}
	since, _ := n.codeClock.doubted()
	for name, h := range up {
		if h.at > since && !h.hello.ClockSet && abs(h.offset) <= maxOffset {
			n.logger.Warn("the clock of this node was set at run time, and that of another node agrees with it", "node", name, "offset", n.codeClock.accept().Round(time.Millisecond).String())
			return
		}
	}
}
