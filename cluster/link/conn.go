package link

import (
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
)

// errClosed is what a connection ends with that came up while the link was being closed.
var errClosed = errors.New("the cluster port is closed")

// conn is one connection of either direction.
type conn struct {
	*tls.Conn
	link  *Link
	class Class
	peer  Peer   // none when class is Join
	meter *meter // nil unless class is Raft
	leave func() // told once that the connection has ended
	once  sync.Once
}

// newConn wraps a connection whose handshake is done.
func (l *Link) newConn(secured *tls.Conn, class Class, dialled bool) *conn {
	c := &conn{Conn: secured, link: l, class: class, leave: func() {}}
	if class == Raft {
		c.meter = &meter{frame: l.config.Frame, snapshot: l.config.Snapshot, typed: !dialled}
	}
	return c
}

// Read reads, and cuts a connection of raft on which too much arrives at once.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.meter == nil {
		return n, err
	}
	if tooLong := c.meter.read(p[:n]); tooLong != nil {
		c.link.log.warn("a connection between nodes is cut for what it sends", "node", c.peer.Name, "error", tooLong)
		c.cut()
		return 0, tooLong
	}
	return n, err
}

// Write writes.
func (c *conn) Write(p []byte) (int, error) {
	if c.meter != nil {
		c.meter.written()
	}
	return c.Conn.Write(p)
}

// RemoteAddr is the address of the peer, and knows who it is.
func (c *conn) RemoteAddr() net.Addr {
	if c.class == Join {
		return c.Conn.RemoteAddr()
	}
	return peerAddr{c.Conn.RemoteAddr(), c.peer}
}

// Close says goodbye to the peer and closes the connection.
func (c *conn) Close() error {
	c.forget()
	return c.Conn.Close()
}

// cut closes the connection without a word, which a peer that does not read cannot delay.
func (c *conn) cut() {
	c.forget()
	_ = c.NetConn().Close()
}

func (c *conn) forget() {
	c.once.Do(func() {
		c.link.mu.Lock()
		delete(c.link.conns, c)
		c.link.mu.Unlock()
		c.leave()
	})
}

// keep remembers a connection until it is closed, and then asks once more whether its peer is admitted:
// a Recheck since the handshake has not seen it. After an error the connection is to be cut.
func (l *Link) keep(c *conn) error {
	if !l.remember(c) {
		return errClosed
	}
	return l.stillAdmitted(c)
}

// remember reports whether the link is still open.
func (l *Link) remember(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

// open returns all connections that are open.
func (l *Link) open() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.conns))
}

// forgetAll returns all connections that are open, and lets no other be kept.
func (l *Link) forgetAll() map[*conn]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.conns
	l.conns = nil
	return open
}
