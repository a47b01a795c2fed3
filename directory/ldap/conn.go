package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// maxAnswer bounds the octets of one answer, whether in one message or in many. An entry has a few
// KiB; a person in 2,000 groups 300.
const maxAnswer = 1 << 20

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// conn is a connection to a server. One question at a time; not safe for concurrent use.
type conn struct {
	ldap *ldap.Conn
	wire *wire
	// abort is the wire's; it is kept because making it costs memory at every question.
	abort func()
	// used is when the last question was answered.
	used time.Time
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
	raw, err := dialer.DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	if e.ldaps {
		secured := tls.Client(raw, e.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		raw = secured
	}
	w := &wire{Conn: raw}
	c := &conn{wire: w, abort: w.abort, ldap: ldap.NewConn(w, e.ldaps)}
	c.ldap.Start()
	if e.startTLS {
		err := c.do(ctx, until, func(l *ldap.Conn) error { return l.StartTLS(e.tls) })
		if err != nil {
			c.close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	return c, nil
}

// do runs one question within the context and until then. A connection whose answer did not come in
// time is of no further use: the answer could still come.
func (c *conn) do(ctx context.Context, until time.Time, question func(*ldap.Conn) error) (err error) {
	c.wire.begin(until)
	stop := context.AfterFunc(ctx, c.abort)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unreadable answer: %v", r)
		}
		switch {
		case !stop():
			err = c.lost(context.Cause(ctx))
		case c.wire.tooLarge.Load():
			err = c.lost(errTooLarge)
		case err != nil && c.ldap.IsClosing() && time.Until(until) <= 0:
			err = c.lost(context.DeadlineExceeded)
		case err != nil && !isAnswer(err) && !isConclusion(err):
			err = c.lost(err)
		default:
			c.wire.end()
		}
	}()
	return question(c.ldap)
}

// close ends the connection. It never waits for the server.
func (c *conn) close() {
	c.wire.abort()
	c.ldap.Close()
}

// lostError means that the connection failed, not that the server answered.
type lostError struct {
	cause error
	// sent says that the question, or a part of it, was written: the server may have acted on it.
	sent bool
}

func (c *conn) lost(cause error) error { return lostError{cause, c.wire.sent.Load()} }

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

// wire counts what is read, knows whether anything was sent, and ends reads and writes in time.
type wire struct {
	net.Conn
	left     atomic.Int64
	tooLarge atomic.Bool
	sent     atomic.Bool
}

// Write remembers that the question has left, unless nothing of it did.
func (w *wire) Write(p []byte) (int, error) {
	before := w.sent.Swap(true)
	n, err := w.Conn.Write(p)
	if n == 0 && err != nil {
		w.sent.Store(before)
	}
	return n, err
}

// Read reads as much as the current question may still cost.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.left.Add(-int64(n)) < 0 {
		w.tooLarge.Store(true)
		return 0, errTooLarge
	}
	return n, err
}

func (w *wire) begin(deadline time.Time) {
	w.left.Store(maxAnswer)
	w.sent.Store(false)
	w.Conn.SetDeadline(deadline)
}

func (w *wire) end() { w.Conn.SetDeadline(time.Time{}) }

// abort fails every read and write, now and later.
func (w *wire) abort() { w.Conn.SetDeadline(time.Unix(1, 0)) }
