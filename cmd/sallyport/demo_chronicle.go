package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// chronicle tells what becomes of the demo's nodes: who died, who leads then, how long it took, and who
// came back.
type chronicle struct {
	w   io.Writer
	now func() time.Time

	mu     sync.Mutex
	quiet  bool // while the cluster is formed, nothing is told
	leader string
	died   map[string]time.Time
	// vacant is since when there is no leader; zero while there is one.
	vacant time.Time
}

func newChronicle(w io.Writer, now func() time.Time) *chronicle {
	return &chronicle{w: w, now: now, quiet: true, died: make(map[string]time.Time)}
}

// begin tells from here on, and returns who leads.
func (c *chronicle) begin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = false
	return c.leader
}

// ended says that a node's process is gone.
func (c *chronicle) ended(node, how string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.died[node] = now
	role := ""
	if node == c.leader {
		role, c.leader, c.vacant = ", the leader,", "", now
	}
	c.tell(now, "%s%s died: %s", node, role, how)
}

// started says that a node has a process, again or for the first time.
func (c *chronicle) started(node string, pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if since, again := c.died[node]; again {
		c.tell(now, "%s is started again, %s after it died: process %d", node, secondsOf(now.Sub(since)), pid)
		delete(c.died, node)
	}
}

// leads says that a node leads.
func (c *chronicle) leads(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	switch {
	case node == c.leader:
		return
	case !c.vacant.IsZero():
		c.tell(now, "%s leads, %s after the leader died", node, secondsOf(now.Sub(c.vacant)))
	default:
		c.tell(now, "%s leads", node)
	}
	c.leader, c.vacant = node, time.Time{}
}

func (c *chronicle) tell(now time.Time, format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.w, "%s %s\n", now.Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
}

func secondsOf(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
