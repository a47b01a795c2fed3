package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
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

// secrets are what a server may repeat of a message and what no error quotes: the address, and the person's part of it.
func (e envelope) secrets() []string {
	name, _, _ := strings.Cut(e.to, "@")
	return []string{e.to, name}
}

// session is a conversation with a server that has got as far as AUTH. It is not safe for concurrent
// use.
type session struct {
	client *smtp.Client
	// version and mechanism say how the connection is protected and how we logged in; "" if not.
	version, mechanism string

	conn net.Conn
	talk *talk
	stop func() bool
	// fail judges an error of a stage.
	fail func(ctx context.Context, at stage, err error) *failure
}

// open connects, encrypts, checks the certificate and logs in. When ctx ends the connection is closed
// under the conversation, which is how the library's calls end. Masked is what no error may quote.
func (s *server) open(ctx context.Context, masked ...string) (*session, *failure) {
	raw, err := s.dial(ctx, "tcp", s.address())
	if err != nil {
		return nil, s.fail(ctx, stageConnect, err)
	}
	conn := &wire{Conn: raw}
	judge := func(ctx context.Context, at stage, err error) *failure { return s.fail(ctx, at, err, masked...) }
	opened := &session{conn: conn, fail: judge, stop: context.AfterFunc(ctx, func() { raw.Close() })}
	if failed := s.greet(ctx, opened); failed != nil {
		opened.drop()
		return nil, failed
	}
	return opened, nil
}

func (s *server) greet(ctx context.Context, on *session) *failure {
	helo := s.helo(ctx, on.conn)
	if failed := s.encrypt(ctx, on, helo); failed != nil {
		return failed
	}
	// A second line behind the context, which ends sooner.
	on.client.CommandTimeout, on.client.SubmissionTimeout = 2*s.timeout, 2*s.timeout
	if err := on.client.Hello(helo); err != nil {
		return on.fail(ctx, on.talk.greeting(), err)
	}
	mechanism, err := s.account.authenticate(on.client, s.endpoint, on.version != "")
	if err != nil {
		return on.fail(ctx, stageAuth, err)
	}
	on.mechanism = mechanism
	return nil
}

// encrypt reads the server's greeting, encrypts as the URL says, and makes the client.
func (s *server) encrypt(ctx context.Context, on *session, helo string) *failure {
	open := on.conn
	if s.security == implicitTLS {
		secured := tls.Client(on.conn, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return on.fail(ctx, stageTLS, err)
		}
		on.version, open = tls.VersionName(secured.ConnectionState().Version), secured
	}
	clear := textproto.NewConn(&shortLines{Conn: open})
	if _, _, err := clear.ReadResponse(220); err != nil {
		return on.fail(ctx, stageGreeting, err)
	}
	if s.security == startTLS {
		if failed := s.startTLS(ctx, on, clear, helo); failed != nil {
			return failed
		}
		// What came in the clear after STARTTLS stays behind in the buffer (RFC 3207 section 6).
		secured := tls.Client(on.conn, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return on.fail(ctx, stageTLS, err)
		}
		on.version, open = tls.VersionName(secured.ConnectionState().Version), secured
	}
	on.talk = &talk{Conn: open, greetings: strings.NewReader("220 read already\r\n")}
	on.client = smtp.NewClient(on.talk)
	return nil
}

// startTLS asks for encryption. The library would do so too, but only under the name "localhost", which servers that
// check names refuse. What a server says here counts for nothing afterwards (RFC 3207 section 4.2).
func (s *server) startTLS(ctx context.Context, on *session, clear *textproto.Conn, helo string) *failure {
	if err := clear.PrintfLine("EHLO %s", helo); err != nil {
		return on.fail(ctx, stageHello, err)
	}
	_, extensions, err := clear.ReadResponse(250)
	if err != nil {
		return on.fail(ctx, stageHello, err)
	}
	if !slices.ContainsFunc(strings.Split(extensions, "\n")[1:], func(e string) bool { return strings.EqualFold(strings.TrimSpace(e), "STARTTLS") }) {
		return on.fail(ctx, stageStartTLS, local("the server does not offer STARTTLS, and nothing is sent in the clear; use smtps:// if it is encrypted from the start"))
	}
	if err := clear.PrintfLine("STARTTLS"); err != nil {
		return on.fail(ctx, stageStartTLS, err)
	}
	if _, _, err := clear.ReadResponse(220); err != nil {
		return on.fail(ctx, stageStartTLS, err)
	}
	return nil
}

// maxLine bounds a line of an answer, as in the library: twice what RFC 5321 section 4.5.3.1.5 allows.
const maxLine = 2000

// shortLines refuses lines that no mail server sends.
type shortLines struct {
	net.Conn
	n int // since the last line's end
}

// Read fails within a line that is too long.
func (l *shortLines) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	for _, b := range p[:n] {
		if l.n++; b == '\n' {
			l.n = 0
		}
		if l.n > maxLine {
			return 0, smtp.ErrTooLongLine
		}
	}
	return n, err
}

// talk is the connection under a client. The greeting was read before there was a client, so the client is given one.
type talk struct {
	net.Conn
	greetings io.Reader
	fellBack  bool
}

// Read gives the client its greeting, then what the server says.
func (t *talk) Read(p []byte) (int, error) {
	if n, err := t.greetings.Read(p); err == nil {
		return n, nil
	}
	return t.Conn.Read(p)
}

// Write notes when the client falls back to HELO.
func (t *talk) Write(p []byte) (int, error) {
	t.fellBack = t.fellBack || bytes.HasPrefix(p, []byte("HELO "))
	return t.Conn.Write(p)
}

// greeting is the command by which the client has greeted.
func (t *talk) greeting() stage {
	if t.fellBack {
		return stageHelo
	}
	return stageHello
}

// submit hands a message over.
func (on *session) submit(ctx context.Context, e envelope) *failure {
	if err := on.client.Mail(e.from, &smtp.MailOptions{Size: int64(len(e.message))}); err != nil {
		return on.fail(ctx, stageMail, err)
	}
	if err := on.client.Rcpt(e.to, nil); err != nil {
		return on.fail(ctx, stageRcpt, err)
	}
	data, err := on.client.Data()
	if err != nil {
		return on.fail(ctx, stageData, err)
	}
	if _, err := data.Write(e.message); err != nil {
		return on.fail(ctx, stageData, err)
	}
	// Where the connection breaks before the answer to the final dot, the server may have the message
	// and it is sent again (RFC 1047). A second copy of one code, under one Message-ID, does no harm;
	// a missing one keeps a person out.
	if err := data.Close(); err != nil {
		return on.fail(ctx, stageData, err)
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
