package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// handshakeTime bounds a handshake from the first octet to the last, of either direction.
	handshakeTime = 5 * time.Second
	// acceptPause is how long the port rests when the system cannot give it another connection.
	acceptPause = 100 * time.Millisecond
)

// accept takes connections until the port is closed.
func (l *Link) accept() {
	for {
		raw, err := l.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.log.warn("the cluster port cannot accept a connection", "error", err)
			if !pause(l.ctx, acceptPause) {
				return
			}
			continue
		}
		source := sourceOf(raw)
		if !l.gate.enter(source) {
			l.log.warn("the cluster port has too many connections and closes another", "remote", raw.RemoteAddr().String())
			_ = raw.Close()
			continue
		}
		l.work.Go(func() { l.receive(raw, source) })
	}
}

// pause reports whether ctx was still going on after d.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// receive finds out who calls and what for, and hands the connection over.
func (l *Link) receive(raw net.Conn, source netip.Addr) {
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTime)
	defer cancel()
	c, err := l.greet(ctx, raw)
	l.gate.settled(source)
	if err != nil {
		if l.ctx.Err() == nil {
			l.log.warn("the cluster port refused a connection", "remote", raw.RemoteAddr().String(), "error", err)
		}
		return
	}
	if !l.listeners[c.class].offer(ctx, c) {
		c.cut()
	}
}

// greet does the handshake. The connection that it returns leaves the gate when it is closed; after an
// error it has left.
func (l *Link) greet(ctx context.Context, raw net.Conn) (*conn, error) {
	secured := tls.Server(raw, l.serverConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		l.gate.leave(false)
		return nil, err
	}
	state := secured.ConnectionState()
	class, _ := classOf([]string{state.NegotiatedProtocol})
	joins := class == Join
	if joins && !l.gate.join() {
		_ = raw.Close()
		l.gate.leave(false)
		return nil, errors.New("too many nodes want to join at once")
	}
	c := l.newConn(secured, class, false)
	c.leave = func() { l.gate.leave(joins) }
	if !joins {
		c.peer, _ = firstPeer(state.PeerCertificates) // read before, in admit
	}
	if err := l.keep(c); err != nil {
		c.cut()
		return nil, err
	}
	return c, nil
}
