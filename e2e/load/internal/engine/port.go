package engine

import (
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"net"
	"sync"
	"time"

	"sallyport/e2e/load/internal/packet"
	"sallyport/e2e/load/internal/stats"
)

// receiveBuffer holds the replies of all Identifiers of a port while its reader does not run.
const receiveBuffer = 1 << 20

// port is one source port: a socket connected to the server, and the logins whose requests are
// pending on it, by Identifier. Its fields are guarded by mu, which is held while a request is sent:
// only the port's reader, the retransmission and in an open loop the scheduler meet there.
type port struct {
	engine *Engine
	conn   *net.UDPConn

	mu      sync.Mutex
	codec   *packet.Codec
	pending [identifiers]*login
	active  int
	free    queue
	spare   []*login
	tally   stats.Tally
}

func newPort(e *Engine, conn *net.UDPConn) *port {
	conn.SetReadBuffer(receiveBuffer) // the kernel's own size serves, if less well
	// Request Authenticators need be unpredictable (RFC 2865 §3), at the price of a good generator
	// with a random seed, not of a system call each.
	var seed [32]byte
	rand.Read(seed[:])
	p := &port{engine: e, conn: conn, codec: packet.NewCodec(e.cfg.Secret, e.cfg.NASIdentifier, mathrand.NewChaCha8(seed))}
	for id := range identifiers {
		p.free.push(byte(id))
	}
	return p
}

// read moves logins on until the socket is closed.
func (p *port) read() {
	buf := make([]byte, 4096) // the longest packet (RFC 2865 §3)
	for {
		n, err := p.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		p.mu.Lock()
		if err != nil {
			p.tally.SendErrors++ // the kernel tells here that nobody took what was sent
		} else {
			p.receive(buf[:n])
		}
		p.mu.Unlock()
	}
}

func (p *port) receive(datagram []byte) {
	if len(datagram) < 2 {
		p.tally.Bad++
		return
	}
	l := p.pending[datagram[1]]
	if l == nil {
		p.tally.Late++
		return
	}
	reply, err := p.codec.Open(datagram, l.request, p.engine.cfg.Strict)
	if err != nil {
		p.tally.Bad++
		return
	}
	p.advance(l, reply)
}

// startOne starts a login now, as a closed loop does. It is called without mu.
func (p *port) startOne() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start(p.engine.since())
}

// start starts the next person's login, which was meant to start at intended.
func (p *port) start(intended time.Duration) {
	if p.engine.stopping.Load() {
		return
	}
	counted := p.engine.measuring.Load()
	if p.free.n == 0 {
		if counted {
			p.tally.Unsent++
		}
		return
	}
	visit, ok := p.engine.source(p.engine.cfg.Now())
	if !ok {
		return
	}
	l := &login{}
	if n := len(p.spare); n > 0 {
		l, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	l.begin(visit, intended, counted)
	if counted {
		p.tally.Started++
	}
	p.engine.inFlight.Add(1)
	p.send(l, visit.Password(), nil)
}

// send sends a login's next request, under a new Identifier (RFC 2865 §2.1).
func (p *port) send(l *login, password string, state []byte) {
	id := p.free.pop()
	p.pending[id] = l
	p.active++
	l.sent, l.tries, l.wait = p.engine.since(), 0, p.engine.cfg.Timeout
	l.request = p.codec.Request(l.buf[:], id, l.visit.User(), password, state)
	p.transmit(l)
}

// transmit sends the octets of a login's request, the first time or again.
func (p *port) transmit(l *login) {
	l.tries++
	l.deadline = p.engine.since() + jitter(l.wait)
	l.wait = min(2*l.wait, maxWait)
	if _, err := p.conn.Write(l.request); err != nil {
		p.tally.SendErrors++ // as good as lost on the way
	}
}

// release ends the wait for a login's reply. The Identifier goes to the end of the queue, so that it
// is used again as late as can be and a late reply finds no request that it could be taken for.
func (p *port) release(l *login) {
	id := l.request[1]
	p.pending[id] = nil
	p.active--
	p.free.push(id)
}

// queue is a ring of free Identifiers.
type queue struct {
	ids     [identifiers]byte
	head, n int
}

func (q *queue) push(id byte) {
	q.ids[(q.head+q.n)%identifiers] = id
	q.n++
}

func (q *queue) pop() byte {
	id := q.ids[q.head]
	q.head = (q.head + 1) % identifiers
	q.n--
	return id
}
