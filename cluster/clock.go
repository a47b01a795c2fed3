package cluster

import (
	"fmt"
	"sync"
	"time"

	"sallyport/cluster/state"
)

const (
	// maxGain is the most that one reading of a wrong clock can move the log, however long nobody
	// has looked.
	maxGain = time.Minute
	// maxOffset is how far clock and log may be apart before [Node.Ready] complains. NTP keeps a
	// clock within a fraction of a second, and a code is good for 30.
	maxOffset = 5 * time.Second
)

// logClock is the time of the log: entries are stamped with it, and whatever expires is judged by it.
// It begins with the wall clock, or with the log where that is ahead, and then follows the wall clock
// at no less than half and no more than twice the pace of a clock that only runs. So a step of the
// wall clock, forward or back, ends nothing early by more than half its time, nothing lives longer
// than twice, and in the end both agree again. It is safe for concurrent use.
type logClock struct {
	wall    func() time.Time
	elapsed func() time.Duration // since a fixed moment
	applied func() int64         // time of the newest entry, in nanoseconds since 1970
	// agreed says by how much the wall clock is to be corrected, as the clocks of other nodes have it, and
	// whether that is known yet. Until it is, the log stands still: nothing ends early because one clock
	// was wrong at a start. Nil is a clock that nobody else has.
	agreed func() (correction time.Duration, known bool)

	mu   sync.Mutex
	last int64 // what was read last, and when by elapsed
	at   time.Duration
}

func newLogClock(wall func() time.Time, elapsed func() time.Duration, machine *state.Machine) *logClock {
	return &logClock{wall: wall, elapsed: elapsed, applied: func() int64 { return machine.View().Time() }}
}

// now returns the time of the log. It never goes back.
func (c *logClock) now() time.Time {
	log, _ := c.read()
	return log
}

// offset is by how much the wall clock is ahead of the log; negative when it is behind.
func (c *logClock) offset() time.Duration {
	log, wall := c.read()
	return wall.Sub(log)
}

// believe takes the wall clock as it is, as at a start.
func (c *logClock) believe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = 0
}

func (c *logClock) read() (log, wall time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall = c.wall()
	if c.agreed != nil {
		correction, known := c.agreed()
		if !known && c.last == 0 {
			return instant(c.applied()), wall
		}
		wall = wall.Add(correction)
	}
	passed := max(c.elapsed()-c.at, 0)
	least, most := c.last+int64(passed/2), c.last+int64(passed+min(passed, maxGain))
	if c.last == 0 {
		most = wall.UnixNano() // the start: how long the log has rested, only this clock knows
	}
	c.last = max(min(max(wall.UnixNano(), least), most), c.applied())
	c.at += passed
	return instant(c.last), wall
}

// check says in words that clock and log are too far apart.
func (c *logClock) check() error {
	switch offset := c.offset(); {
	case offset > maxOffset:
		return fmt.Errorf("the clock of this node is %v ahead of the log: check NTP; where the clock is right: sallyport cluster accept-clock, or restart sallyport", offset.Round(time.Second))
	case offset < -maxOffset:
		return fmt.Errorf("the clock of this node is %v behind the log: check NTP; where the clock is right, the log waits for it", -offset.Round(time.Second))
	}
	return nil
}
