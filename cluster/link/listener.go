package link

import (
	"context"
	"net"
	"sync"
)

// listener hands out the connections of one class.
type listener struct {
	addr  net.Addr
	ready chan net.Conn
	once  sync.Once
	done  chan struct{}
}

var _ net.Listener = (*listener)(nil)

func newListener(addr net.Addr) *listener {
	return &listener{addr: addr, ready: make(chan net.Conn), done: make(chan struct{})}
}

// Accept returns the next connection whose caller was admitted.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept. Connections that were accepted stay.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is that of the port.
func (l *listener) Addr() net.Addr { return l.addr }

// offer reports whether somebody accepted the connection before ctx ended.
func (l *listener) offer(ctx context.Context, c net.Conn) bool {
	select {
	case l.ready <- c:
		return true
	case <-l.done:
	case <-ctx.Done():
	}
	return false
}
