package radius

import (
	"context"
	"errors"
	"net"
	"slices"
)

// unsendable reports whether the socket could not send: its address or route may be gone.
func unsendable(err error) bool {
	none, ok := errors.AsType[*NoReplyError](err)
	if !ok || none.Sent > 0 {
		return false
	}
	_, network := errors.AsType[*net.OpError](none.Cause)
	return network
}

// borrow returns the socket of a slot. It is entered: whoever discards it, it stays open until the caller
// leaves it.
func (s *upstreamServer) borrow(ctx context.Context, slot int) (*Caller, error) {
	s.mu.Lock()
	c, closed := s.sockets[slot], s.closed
	if c != nil && !closed {
		c.enter()
	}
	s.mu.Unlock()
	switch {
	case closed:
		return nil, net.ErrClosed
	case c != nil:
		return c, nil
	}
	fresh, err := s.dial(ctx, s.caller) // may ask the DNS, so without the lock
	if err != nil {
		return nil, err
	}
	return s.keep(slot, fresh)
}

// keep puts a fresh socket into its slot, unless another was quicker, and returns that of the slot,
// entered.
func (s *upstreamServer) keep(slot int, fresh *Caller) (*Caller, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		fresh.retire()
		return nil, net.ErrClosed
	case s.sockets[slot] != nil:
		fresh.retire()
	default:
		s.sockets[slot] = fresh
	}
	s.sockets[slot].enter()
	return s.sockets[slot], nil
}

// discard lets the next request have a new socket. What waits on the old one may still get its reply.
func (s *upstreamServer) discard(slot int, c *Caller) {
	s.mu.Lock()
	if s.sockets[slot] == c {
		s.sockets[slot] = nil
	}
	s.mu.Unlock()
	c.retire()
}

// unslot empties all slots and returns what was in them, to be retired without the lock, which the
// caller holds.
func (s *upstreamServer) unslot() []*Caller {
	old := slices.Clone(s.sockets)
	clear(s.sockets)
	return old
}

// retire closes sockets as soon as nothing waits on them any more.
func retire(sockets []*Caller) {
	for _, c := range sockets {
		if c != nil {
			c.retire()
		}
	}
}

func (s *upstreamServer) close() error {
	s.mu.Lock()
	s.closed = true
	sockets := s.unslot()
	s.mu.Unlock()
	var first error
	for _, c := range sockets {
		if c == nil {
			continue
		}
		if err := c.Close(); first == nil {
			first = err
		}
	}
	return first
}
