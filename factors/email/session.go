package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// maxAnswers bounds the octets that a server may send in one conversation, its certificates
// included.
const maxAnswers = 256 << 10

// partingTime bounds the wait for the answer to QUIT, when the message is long on its way.
const partingTime = time.Second

var errTooMuch = errors.New("the server sends more than 256 KiB")

// envelope is a message with its path (RFC 5321 §2.3.1).
type envelope struct {
	from, to string
	message  []byte
}

// session is a conversation with a server that has got as far as AUTH. It is not safe for concurrent
// use.
type session struct {
	client *smtp.Client
	// version and mechanism say how the connection is protected and how we logged in; "" if not.
	version, mechanism string

	conn net.Conn
	stop func() bool
}

// open connects, encrypts, checks the certificate and logs in. When ctx ends the connection is closed
// under the conversation, which is how the library's calls end.
func (s *server) open(ctx context.Context) (*session, *failure) {
	raw, err := s.dial(ctx, "tcp", s.address())
	if err != nil {
		return nil, fail(ctx, stageConnect, err)
	}
	conn := &wire{Conn: raw}
	opened := &session{conn: conn, stop: context.AfterFunc(ctx, func() { raw.Close() })}
	if failed := s.greet(ctx, opened); failed != nil {
		opened.drop()
		return nil, failed
	}
	return opened, nil
}

func (s *server) greet(ctx context.Context, on *session) *failure {
	if failed := s.encrypt(ctx, on); failed != nil {
		return failed
	}
	// A second line behind the context, which ends sooner.
	on.client.CommandTimeout, on.client.SubmissionTimeout = 2*s.timeout, 2*s.timeout
	// After STARTTLS this is where the handshake happens.
	if err := on.client.Hello(s.helo); err != nil {
		return fail(ctx, stageHello, err)
	}
	if state, ok := on.client.TLSConnectionState(); ok {
		on.version = tls.VersionName(state.Version)
	}
	mechanism, err := s.account.authenticate(on.client, s.endpoint)
	if err != nil {
		return fail(ctx, stageAuth, err)
	}
	on.mechanism = mechanism
	return nil
}

// encrypt makes the client. The library hands over no plain connection where STARTTLS is missing, and
// drops what came in the clear after STARTTLS. The EHLO before STARTTLS says "localhost": what a server
// learned there counts for nothing afterwards (RFC 3207 §4.2).
func (s *server) encrypt(ctx context.Context, on *session) *failure {
	switch s.security {
	case implicitTLS:
		secured := tls.Client(on.conn, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return fail(ctx, stageTLS, err)
		}
		on.client = smtp.NewClient(secured)
	case startTLS:
		client, err := smtp.NewClientStartTLS(on.conn, s.tls)
		if err != nil {
			return fail(ctx, stageStartTLS, withoutSTARTTLS(err))
		}
		on.client = client
	case plain:
		on.client = smtp.NewClient(on.conn)
	}
	return nil
}

// withoutSTARTTLS finds the library's words for a server that does not offer STARTTLS: its only error
// here that is neither an answer nor a broken conversation.
func withoutSTARTTLS(err error) error {
	var (
		answer *smtp.SMTPError
		odd    textproto.ProtocolError
	)
	if errors.As(err, &answer) || errors.As(err, &odd) || errors.Is(err, smtp.ErrTooLongLine) || errors.Is(err, errTooMuch) || isLost(err) {
		return err
	}
	return local("the server does not offer STARTTLS, and nothing is sent in the clear; use smtps:// if it is encrypted from the start")
}

// submit hands a message over.
func (on *session) submit(ctx context.Context, e envelope) *failure {
	if err := on.client.Mail(e.from, &smtp.MailOptions{Size: int64(len(e.message))}); err != nil {
		return fail(ctx, stageMail, err)
	}
	if err := on.client.Rcpt(e.to, nil); err != nil {
		return fail(ctx, stageRcpt, err)
	}
	data, err := on.client.Data()
	if err != nil {
		return fail(ctx, stageData, err)
	}
	if _, err := data.Write(e.message); err != nil {
		return fail(ctx, stageData, err)
	}
	// Where the connection breaks before the answer to the final dot, the server may have the message
	// and it is sent again (RFC 1047). A second copy of one code, under one Message-ID, does no harm;
	// a missing one keeps a person out.
	if err := data.Close(); err != nil {
		return fail(ctx, stageData, err)
	}
	return nil
}

// close takes leave.
func (on *session) close() {
	on.client.CommandTimeout = partingTime
	on.client.Quit() // the message is on its way, or is not: nothing depends on the answer
	on.drop()
}

func (on *session) drop() {
	on.stop()
	on.conn.Close()
}

// wire bounds what is read from a connection.
type wire struct {
	net.Conn
	read atomic.Int64
}

// Read fails when the server has sent too much.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.read.Add(int64(n)) > maxAnswers {
		return 0, errTooMuch
	}
	return n, err
}
