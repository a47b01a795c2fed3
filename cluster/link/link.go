package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// keepAlive finds within half a minute that a host has gone without a word. Raft's own time-outs are
// far shorter; this is for connections that only wait.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// Link is the cluster port of one node. It is safe for concurrent use.
type Link struct {
	config    Config
	self      parsed
	tcp       net.Listener
	listeners map[Class]*listener
	gate      *gate
	log       *pacedLog

	ctx  context.Context // ends with the link
	stop context.CancelFunc
	work sync.WaitGroup // the accept loop and handshakes

	mu    sync.Mutex
	conns map[*conn]struct{} // nil after Close
}

// Listen binds the port and serves it until [Link.Close].
func Listen(c Config) (*Link, error) {
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	tcp, err := (&net.ListenConfig{KeepAliveConfig: keepAlive}).Listen(context.Background(), "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("cluster port: %w", err)
	}
	l, err := serve(c, tcp)
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	return l, nil
}

// serve serves a port that is bound.
func serve(c Config, tcp net.Listener) (*Link, error) {
	self, err := c.Identity.parse()
	if err != nil {
		return nil, err
	}
	l := &Link{
		config: c, self: self, tcp: tcp, listeners: make(map[Class]*listener),
		gate: newGate(), log: newPacedLog(c.Logger), conns: make(map[*conn]struct{}),
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	for _, class := range []Class{Raft, Call, Join} {
		l.listeners[class] = newListener(tcp.Addr())
	}
	l.work.Go(l.accept)
	return l, nil
}

// Addr is the address that is listened on.
func (l *Link) Addr() net.Addr { return l.tcp.Addr() }

// Listener returns the connections of one class, the same listener each time. Connections that nobody
// accepts within the time of a handshake are closed. The listener is closed by Close; closing it
// ends that class alone. It is nil for a class that does not exist.
func (l *Link) Listener(class Class) net.Listener {
	if in, ok := l.listeners[class]; ok {
		return in
	}
	return nil
}

// Recheck asks Admit about every connection of either direction, and cuts those whose peer is not
// admitted any more.
func (l *Link) Recheck() {
	for _, c := range l.open() {
		if err := l.stillAdmitted(c); err != nil {
			l.config.Logger.Info("a connection between nodes is cut", "class", c.class.String(), "node", c.peer.Name,
				"remote", c.RemoteAddr().String(), "reason", err.Error())
			c.cut()
		}
	}
}

func (l *Link) stillAdmitted(c *conn) error {
	if c.class == Join {
		return nil // unknown from the beginning
	}
	return l.config.Admit(c.class, c.peer)
}

// Close closes the port and every connection of either direction, and returns when all that was started
// has ended.
func (l *Link) Close() error {
	l.stop()
	err := l.tcp.Close()
	for _, in := range l.listeners {
		_ = in.Close()
	}
	for c := range l.forgetAll() {
		c.cut()
	}
	l.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // a second time
	}
	return err
}
