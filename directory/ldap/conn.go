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
func (e endpoint) dial(ctx context.Context) (*conn, error) {
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
	c := &conn{wire: w, ldap: ldap.NewConn(w, e.ldaps)}
	c.ldap.Start()
	if e.startTLS {
		err := c.do(ctx, func(l *ldap.Conn) error { return l.StartTLS(e.tls) })
		if err != nil {
			c.close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	return c, nil
}

// do runs one question within the context, which must have a deadline. A connection whose answer did
// not come in time is of no further use: the answer could still come.
func (c *conn) do(ctx context.Context, question func(*ldap.Conn) error) (err error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return errors.New("directory: a question without a deadline")
	}
	c.wire.begin(deadline)
	stop := context.AfterFunc(ctx, c.wire.abort)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unreadable answer: %v", r)
		}
		switch {
		case !stop():
			err = lostError{context.Cause(ctx)}
		case c.wire.tooLarge.Load():
			err = lostError{errTooLarge}
		case err != nil && c.ldap.IsClosing() && time.Until(deadline) <= 0:
			err = lostError{context.DeadlineExceeded}
		case err != nil && !isAnswer(err) && !isConclusion(err):
			err = lostError{err}
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
type lostError struct{ cause error }

func (e lostError) Error() string { return e.cause.Error() }
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

// wire counts what is read, and ends reads and writes in time.
type wire struct {
	net.Conn
	left     atomic.Int64
	tooLarge atomic.Bool
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
	w.Conn.SetDeadline(deadline)
}

func (w *wire) end() { w.Conn.SetDeadline(time.Time{}) }

// abort fails every read and write, now and later.
func (w *wire) abort() { w.Conn.SetDeadline(time.Unix(1, 0)) }
