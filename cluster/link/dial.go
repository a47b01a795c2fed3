package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// Dial connects to the node of that name at an address, and returns when its certificate was verified
// and its admission confirmed; ctx bounds that, and so does the time of a handshake. The node there
// judges us after that: a refusal shows at the first read. Class [Join] is not for members, see
// [DialJoin].
func (l *Link) Dial(ctx context.Context, class Class, name, address string) (net.Conn, error) {
	if class != Raft && class != Call {
		return nil, fmt.Errorf("dial node %q: a member does not make connections of %v", name, class)
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	secured, err := dialTLS(ctx, address, l.clientConfig(class, name))
	if err != nil {
		return nil, fmt.Errorf("dial node %q: %w", name, err)
	}
	c := l.newConn(secured, class, true)
	c.peer, _ = firstPeer(secured.ConnectionState().PeerCertificates) // read before, in admit
	if err := l.keep(c); err != nil {
		c.cut()
		return nil, fmt.Errorf("dial node %q: %w", name, err)
	}
	return c, nil
}

// dialTLS connects and does the handshake.
func dialTLS(ctx context.Context, address string, config *tls.Config) (*tls.Conn, error) {
	raw, err := (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return secured, nil
}
