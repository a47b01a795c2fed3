package radius

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"sallyport/login"
)

// CallerConfig is what a [Caller] needs to know.
type CallerConfig struct {
	// Server is the address and port of the server.
	Server string
	// Secret is the shared secret.
	Secret login.Secret
	// AcceptUnsigned takes replies whose Message-Authenticator is absent or not the first
	// attribute. The zero value counts them as never received (CVE-2024-3596). One that is present
	// must be right in any case.
	AcceptUnsigned bool
	// Timing says how requests are retransmitted.
	Timing Timing
	// VendorID is the vendor of the Sallyport attributes. Zero means 32473.
	VendorID uint32
}

// Caller sends requests to one server from one UDP socket, up to 256 at a time. It is safe for
// concurrent use.
type Caller struct {
	cfg  CallerConfig
	key  *signer
	conn *net.UDPConn
	// free has the Identifiers not in use, the one least recently used first (RFC 5080 §2.2.2).
	free chan byte

	mu      sync.Mutex
	pending [256]*call
	close   sync.Once
	closed  chan struct{}
	read    sync.WaitGroup
}

// call is a request that waits for its reply.
type call struct {
	// tries is how often it may be sent.
	tries     int
	datagrams chan []byte
	refused   chan struct{}
}

// NoReplyError means that no authentic reply came. Nothing may be concluded about the user.
type NoReplyError struct {
	Server string
	// Sent is how often the request was sent.
	Sent int
	// Bad is how many packets came that failed verification, Reason what was wrong with the last.
	Bad    int
	Reason error
	// Refused says that the server's host reported the port closed: nothing has read the request.
	Refused bool
	// Cause is the context's error when that ended first.
	Cause error
}

// Error says what came instead, and what to look at.
func (e *NoReplyError) Error() string {
	switch {
	case e.Bad > 0:
		return fmt.Sprintf("no authentic reply from %s; %d came that failed verification: %v", e.Server, e.Bad, e.Reason)
	case e.Refused:
		return fmt.Sprintf("nothing listens on %s: is the server running?", e.Server)
	}
	return fmt.Sprintf("no reply from %s to %d transmissions: the server is down, does not know this address, or has another shared secret", e.Server, e.Sent)
}

// Unwrap returns what was wrong with the last bad reply, and the context's error.
func (e *NoReplyError) Unwrap() []error {
	var causes []error
	for _, err := range []error{e.Reason, e.Cause} {
		if err != nil {
			causes = append(causes, err)
		}
	}
	return causes
}

// Dial makes a Caller for one server. It sends nothing.
func Dial(cfg CallerConfig) (*Caller, error) {
	cfg.Timing = cfg.Timing.withDefaults()
	cfg.VendorID = orDefault(cfg.VendorID, DefaultVendorID)
	if cfg.Secret.Reveal() == "" {
		return nil, errors.New("the shared secret is empty: RADIUS needs one")
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("RADIUS server %q: %w", cfg.Server, err)
	}
	// A connected socket takes packets of this server only, and learns of a closed port.
	conn, err := net.DialUDP("udp", nil, addr)
	if err != nil {
		return nil, fmt.Errorf("RADIUS server %q: %w", cfg.Server, err)
	}
	c := &Caller{cfg: cfg, key: newSigner(cfg.Secret), conn: conn, free: make(chan byte, 256), closed: make(chan struct{})}
	for _, id := range rand.Perm(256) {
		c.free <- byte(id)
	}
	c.read.Go(c.listen)
	return c, nil
}

// Close ends the Caller and the exchanges in progress. It may be called again.
func (c *Caller) Close() error {
	var err error
	c.close.Do(func() {
		close(c.closed)
		err = c.conn.Close()
	})
	c.read.Wait()
	return err
}

// Exchange sends m, again and byte for byte the same when no reply comes, and returns the authentic
// reply. Without one it returns a [*NoReplyError]: after the times of Timing, when ctx ends, or when
// the port was reported closed twice in a row. Status-Server is sent once, as RFC 5997 §4 wants it.
// Exchange waits when 256 requests are in progress.
func (c *Caller) Exchange(ctx context.Context, m Message) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Total)
	defer cancel()
	var id byte
	select {
	case id = <-c.free:
	case <-ctx.Done():
		return nil, fmt.Errorf("256 requests to %s are in progress: %w", c.cfg.Server, ctx.Err())
	}
	defer func() { c.free <- id }()
	request, err := m.encode(c.key, id, c.cfg.VendorID)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	waiting := &call{tries: c.cfg.Timing.Transmissions, datagrams: make(chan []byte, 8), refused: make(chan struct{}, 1)}
	if m.Status {
		waiting.tries = 1
	}
	c.register(id, waiting)
	defer c.register(id, nil)
	return c.await(ctx, request, waiting)
}

func (c *Caller) register(id byte, waiting *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[id] = waiting
}

// await transmits the request until its reply has come.
func (c *Caller) await(ctx context.Context, request []byte, waiting *call) (*Response, error) {
	trouble := &NoReplyError{Server: c.cfg.Server}
	refusals := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	var wait time.Duration
	for {
		select {
		case datagram := <-waiting.datagrams:
			packet, o, err := verify(c.key, request, datagram, !c.cfg.AcceptUnsigned)
			if errors.Is(err, errNotReply) {
				continue
			}
			if err != nil {
				trouble.Bad, trouble.Reason = trouble.Bad+1, err
				continue
			}
			r, err := decode(c.key, request, packet, o, c.cfg.VendorID)
			if err != nil {
				return nil, err
			}
			r.Sent, r.Bad = trouble.Sent, trouble.Bad
			return r, nil
		case <-waiting.refused:
			trouble.Refused = true
			if refusals++; refusals == 2 {
				return nil, trouble
			}
		case <-timer.C:
			if trouble.Sent == waiting.tries {
				return nil, trouble
			}
			// An error here is the report of an earlier packet, or shows as silence.
			if _, err := c.conn.Write(request); errors.Is(err, syscall.ECONNREFUSED) {
				waiting.refuse()
			}
			trouble.Sent++
			wait = c.cfg.Timing.next(wait, variation())
			timer.Reset(wait)
		case <-c.closed:
			trouble.Cause = net.ErrClosed
			return nil, trouble
		case <-ctx.Done():
			trouble.Cause = ctx.Err()
			return nil, trouble
		}
	}
}

// listen hands each datagram to the request with its Identifier, which verifies it.
func (c *Caller) listen() {
	buffer := make([]byte, maxPacket)
	for {
		n, err := c.conn.Read(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, syscall.ECONNREFUSED):
			c.refuseAll()
		case err == nil && n >= headerSize:
			c.hand(buffer[1], bytes.Clone(buffer[:n]))
		}
	}
}

// hand drops a datagram that nobody waits for, and one too many of a flood.
func (c *Caller) hand(id byte, datagram []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting := c.pending[id]; waiting != nil {
		select {
		case waiting.datagrams <- datagram:
		default:
		}
	}
}

func (c *Caller) refuseAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, waiting := range c.pending {
		if waiting != nil {
			waiting.refuse()
		}
	}
}

func (w *call) refuse() {
	select {
	case w.refused <- struct{}{}:
	default:
	}
}
