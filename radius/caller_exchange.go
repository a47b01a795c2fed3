package radius

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

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
