package ldap

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// keptAnswer is the room for an answer that a connection keeps for the next one, in octets.
const keptAnswer = 64 << 10

// conn is a connection to a server. One question at a time; not safe for concurrent use.
type conn struct {
	wire *wire
	in   *bufio.Reader
	// abort is the wire's; it is kept because making it costs memory at every question.
	abort func()
	// used is when the last question was answered.
	used time.Time

	// id is the messageID of the newest request, out its octets and message where they begin.
	id      int
	out     encoder
	message int
	// body has room for an answer.
	body []byte
}

// endpoint is how to reach one server. It is immutable.
type endpoint struct {
	url      string
	address  string
	tls      *tls.Config
	ldaps    bool
	startTLS bool
}

// dial connects and encrypts. Nothing else is sent before the certificate was checked.
func (e endpoint) dial(ctx context.Context, until time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	w, err := newWire(socket)
	if err != nil {
		socket.Close()
		return nil, err
	}
	c := &conn{wire: w, abort: w.abort, in: bufio.NewReader(w)}
	switch {
	case e.ldaps:
		if err := w.encrypt(ctx, e.tls); err != nil {
			socket.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
	case e.startTLS:
		if err := c.do(ctx, until, func(c *conn) error { return c.startTLS(ctx, e.tls) }); err != nil {
			c.close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	return c, nil
}

// do runs one question within the context and until then. A connection whose answer did not come in
// time is of no further use: the answer could still come.
func (c *conn) do(ctx context.Context, until time.Time, question func(*conn) error) error {
	c.wire.begin(until)
	stop := context.AfterFunc(ctx, c.abort)
	err := question(c)
	switch {
	case !stop():
		return c.lost(context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.lost(context.DeadlineExceeded)
	case err != nil && !isAnswer(err) && !isConclusion(err):
		return c.lost(err)
	}
	return err
}

// isOpen reports whether an idle connection can take a question: the server has neither closed it nor
// said anything, which could only be that it will (RFC 4511 §4.4.1).
func (c *conn) isOpen() bool { return c.in.Buffered() == 0 && c.wire.isQuiet() }

// close ends the connection. It never waits for the server.
func (c *conn) close() {
	c.wire.abort()
	c.wire.Close()
}

// lostError means that the connection failed, not that the server answered.
type lostError struct {
	cause error
	// sent says that the question, or a part of it, was written: the server may have acted on it.
	sent bool
}

func (c *conn) lost(cause error) error { return lostError{cause, c.wire.sent} }

// asLost returns the error as a lost connection, if it is one.
func asLost(err error) (lost lostError, ok bool) {
	if err != nil {
		ok = errors.As(err, &lost)
	}
	return lost, ok
}

// Error is the cause's text.
func (e lostError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e lostError) Unwrap() error { return e.cause }

// isAnswer reports whether err is a result code that the server sent (RFC 4511 §4.1.9), rather than
// one that the library made up for a broken connection or message (200 and above).
func isAnswer(err error) bool {
	var e *ldap.Error
	return errors.As(err, &e) && e.ResultCode < ldap.ErrorNetwork
}

// isConclusion reports whether err is what was made of a whole answer.
func isConclusion(err error) bool {
	var odd unusable
	return errors.Is(err, login.ErrNoUser) || errors.As(err, &odd)
}
