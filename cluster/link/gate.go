package link

import (
	"net"
	"net/netip"
	"sync"
)

const (
	// maxConns bounds the connections that are open, whoever opened them from outside.
	maxConns = 1024
	// maxJoins bounds those of class Join among them: anybody can open one.
	maxJoins = 64
	// maxHandshakes bounds the handshakes that go on at once, maxPerSource those of one address, so
	// that one host alone cannot keep the others out.
	maxHandshakes = 256
	maxPerSource  = 64
)

// gate counts what comes in from outside.
type gate struct {
	mu                       sync.Mutex
	conns, joins, handshakes int
	sources                  map[netip.Addr]int // handshakes of each
}

func newGate() *gate { return &gate{sources: make(map[netip.Addr]int)} }

// enter counts a new connection that begins its handshake. False means that there are too many.
func (g *gate) enter(source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns >= maxConns || g.handshakes >= maxHandshakes || g.sources[source] >= maxPerSource {
		return false
	}
	g.conns++
	g.handshakes++
	g.sources[source]++
	return true
}

// settled ends the handshake that enter began.
func (g *gate) settled(source netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handshakes--
	if g.sources[source]--; g.sources[source] == 0 {
		delete(g.sources, source)
	}
}

// join counts a connection as one of class Join. False means that there are too many.
func (g *gate) join() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joins >= maxJoins {
		return false
	}
	g.joins++
	return true
}

// leave ends a connection that entered, and joined when joined is set.
func (g *gate) leave(joined bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns--
	if joined {
		g.joins--
	}
}

// sourceOf is the address that a connection comes from, without its port.
func sourceOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
