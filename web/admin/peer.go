package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"golang.org/x/sys/unix"
)

// peer is who is at the other end of a connection, as the kernel says. The zero value means that
// it did not say. It stands in the place of the remote address, which a Unix socket does not have,
// and so reaches the handlers through whatever wraps the connection.
type peer struct {
	known    bool
	uid, gid uint32
	pid      int32
}

// Network and String make a peer a [net.Addr].
func (p peer) Network() string { return "unix" }

func (p peer) String() string {
	if !p.known {
		return "unknown"
	}
	return fmt.Sprintf("uid %d pid %d", p.uid, p.pid)
}

// LogValue groups the credentials.
func (p peer) LogValue() slog.Value {
	if !p.known {
		return slog.StringValue("unknown")
	}
	return slog.GroupValue(slog.Uint64("uid", uint64(p.uid)), slog.Uint64("gid", uint64(p.gid)),
		slog.Int("pid", int(p.pid)))
}

// peerListener asks for the peer of each connection when it is accepted.
type peerListener struct{ *net.UnixListener }

// Accept returns a connection whose remote address is the peer.
func (l peerListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return peerConn{c, peerOf(c)}, nil
}

type peerConn struct {
	net.Conn
	peer peer
}

// RemoteAddr returns the peer.
func (c peerConn) RemoteAddr() net.Addr { return c.peer }

// peerOf reads SO_PEERCRED, see unix(7): the credentials at the time of connect(2).
func peerOf(c *net.UnixConn) peer {
	raw, err := c.SyscallConn()
	if err != nil {
		return peer{}
	}
	var p peer
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			p = peer{known: true, uid: cred.Uid, gid: cred.Gid, pid: cred.Pid}
		}
	})
	return p
}

type peerKey struct{}

// withPeer notes the peer of a connection in the context of its requests.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, c.RemoteAddr())
}

func peerFrom(ctx context.Context) peer {
	p, _ := ctx.Value(peerKey{}).(peer)
	return p
}
