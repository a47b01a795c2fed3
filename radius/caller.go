package radius

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
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
	// busy counts the exchanges in progress; a retired Caller is closed when there are none.
	busy    int
	retired bool
	close   sync.Once
	closed  chan struct{}
	reader  sync.WaitGroup
}

// Dial makes a Caller for one server. It sends nothing.
func Dial(cfg CallerConfig) (*Caller, error) { return dial(context.Background(), cfg) }

// dial looks up the server's name for as long as ctx allows.
func dial(ctx context.Context, cfg CallerConfig) (*Caller, error) {
	cfg.Timing = cfg.Timing.withDefaults()
	cfg.VendorID = orDefault(cfg.VendorID, DefaultVendorID)
	if cfg.Secret.Reveal() == "" {
		return nil, errors.New("the shared secret is empty: RADIUS needs one")
	}
	// A connected socket takes packets of this server only, and learns of a closed port.
	conn, err := new(net.Dialer).DialContext(ctx, "udp", cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("RADIUS server %q: %w", cfg.Server, err)
	}
	c := &Caller{cfg: cfg, key: newSigner(cfg.Secret), conn: conn.(*net.UDPConn), free: make(chan byte, 256), closed: make(chan struct{})}
	if err := askForRefusals(c.conn); err != nil {
		_ = c.conn.Close() // the first error is the one to tell
		return nil, fmt.Errorf("RADIUS server %q: ask for reports of refused packets: %w", cfg.Server, err)
	}
	for _, id := range rand.Perm(256) {
		c.free <- byte(id)
	}
	c.reader.Go(c.listen)
	return c, nil
}

// local is the address that packets leave from.
func (c *Caller) local() netip.Addr {
	return plainAddr(c.conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr())
}

// Close ends the Caller and the exchanges in progress. It may be called again.
func (c *Caller) Close() error {
	var err error
	c.close.Do(func() {
		close(c.closed)
		err = c.conn.Close()
	})
	c.reader.Wait()
	return err
}

// retire closes the Caller as soon as no exchange is in progress.
func (c *Caller) retire() {
	c.mu.Lock()
	c.retired = true
	idle := c.busy == 0
	c.mu.Unlock()
	if idle {
		_ = c.Close() // nothing is left to send
	}
}

// Exchange sends m, again and byte for byte the same when no reply comes, and returns the authentic
// reply. Without one it returns a [*NoReplyError]: after the times of Timing, when ctx ends, when the
// port was reported closed twice in a row, or when nothing can be sent. Status-Server is sent once, as
// RFC 5997 §4 wants it. Exchange waits when 256 requests are in progress.
func (c *Caller) Exchange(ctx context.Context, m Message) (*Response, error) {
	return c.exchange(ctx, m, manner{refusals: 2})
}

// exchange is Exchange in the given manner.
func (c *Caller) exchange(ctx context.Context, m Message, how manner) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Total)
	defer cancel()
	c.enter()
	defer c.leave()
	var id byte
	select {
	case id = <-c.free:
	case <-ctx.Done():
		return nil, unsentError{fmt.Errorf("256 requests to %s are in progress: %w", c.cfg.Server, ctx.Err())}
	}
	defer func() { c.free <- id }()
	request, err := m.encode(c.key, id, c.cfg.VendorID)
	if err != nil {
		return nil, unsentError{fmt.Errorf("write the request: %w", err)}
	}
	if !c.cfg.AcceptUnsigned {
		how.need = signedFirst
	}
	if how.tries == 0 {
		how.tries = c.cfg.Timing.Transmissions
	}
	if m.Status {
		how.tries = 1
	}
	waiting := newCall(request, how)
	c.register(id, waiting)
	defer c.register(id, nil)
	return c.await(ctx, waiting)
}

// enter and leave frame an exchange.
func (c *Caller) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
}

func (c *Caller) leave() {
	c.mu.Lock()
	c.busy--
	last := c.retired && c.busy == 0
	c.mu.Unlock()
	if last {
		_ = c.Close() // nothing is left to send
	}
}

func (c *Caller) register(id byte, waiting *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[id] = waiting
}

// await transmits the request until its reply has come.
func (c *Caller) await(ctx context.Context, waiting *call) (*Response, error) {
	trouble := &NoReplyError{Server: c.cfg.Server}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var wait time.Duration
	for {
		select {
		case a := <-waiting.authentic:
			return c.read(waiting, a, trouble.Sent)
		case <-waiting.hurry:
			return c.giveUp(waiting, trouble)
		case err := <-waiting.refused:
			trouble.Refused, trouble.Cause = true, err
			if waiting.refusals--; waiting.refusals == 0 || waiting.first && trouble.Sent == 1 {
				return c.giveUp(waiting, trouble)
			}
		case <-timer.C:
			if trouble.Sent == waiting.tries {
				return c.giveUp(waiting, trouble)
			}
			if err := c.transmit(waiting.request); err == nil {
				trouble.Sent++
			} else if trouble.Sent == 0 {
				trouble.Cause = err
				return nil, trouble
			}
			wait = c.cfg.Timing.next(wait, variation())
			timer.Reset(wait)
		case <-c.closed:
			trouble.Cause = net.ErrClosed
			return c.giveUp(waiting, trouble)
		case <-ctx.Done():
			trouble.Cause = ctx.Err()
			return c.giveUp(waiting, trouble)
		}
	}
}

// giveUp ends the wait, unless the reply has come just now: it may say that a passcode was accepted,
// and nobody can ask again.
func (c *Caller) giveUp(waiting *call, trouble *NoReplyError) (*Response, error) {
	select {
	case a := <-waiting.authentic:
		return c.read(waiting, a, trouble.Sent)
	default:
	}
	trouble.Bad, trouble.Reason = waiting.spoilt()
	return nil, trouble
}

// read decodes an authentic reply.
func (c *Caller) read(waiting *call, a authenticReply, sent int) (*Response, error) {
	r, err := decode(c.key, waiting.request, a.packet, a.outline, c.cfg.VendorID)
	if err != nil {
		return nil, err
	}
	r.Sent = sent
	r.Bad, _ = waiting.spoilt()
	return r, nil
}

// listen gives each request its reply. It ends when the socket is closed, or cannot be read any more:
// what is asked then shows as silence.
func (c *Caller) listen() {
	buffer := make([]byte, maxPacket)
	for failures := 0; failures < maxReadFailures; {
		n, err := c.conn.Read(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			failures++
			c.readRefusals()
		default:
			failures = 0
			c.hand(buffer[:n])
		}
	}
}

// hand verifies a datagram against the request with its Identifier. Here, and not where the request
// waits, so that a flood of forged replies cannot crowd out the one that is authentic.
func (c *Caller) hand(datagram []byte) {
	if len(datagram) < headerSize {
		return
	}
	c.mu.Lock()
	waiting := c.pending[datagram[1]]
	c.mu.Unlock()
	if waiting == nil {
		return
	}
	packet, o, err := verify(c.key, waiting.request, datagram, waiting.need == signedFirst)
	if err == nil && signednessOf(o) < waiting.need {
		err = errMissingSignature
	}
	switch {
	case err == nil:
		o.state = nil // it points into the buffer
		waiting.deliver(authenticReply{packet: bytes.Clone(packet), outline: o})
	case !errors.Is(err, errNotReply):
		waiting.spoil(err)
	}
}
