package email_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a mail server in memory. The fields that answer are set before it is asked.
type mailServer struct {
	// mechanisms and login are what AUTH knows: login judges user and secret.
	mechanisms []string
	login      func(mechanism, user, secret string) error
	// rcpt and data judge the nth attempt, from 1.
	rcpt, data func(n int) error

	queue chan net.Conn

	mu                  sync.Mutex
	mails               []received
	rcpts, datas        int
	logins              []string
	open, mostOpen, all int
}

// received is a message with its path.
type received struct {
	from, to, raw string
}

// serve starts the server for a test and returns its answer to a connection. Where implicit is true
// the connection is encrypted from the start.
func (m *mailServer) serve(t testing.TB, config *tls.Config, implicit bool) func(net.Conn) {
	m.queue = make(chan net.Conn)
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{m: m}, nil }))
	s.Domain, s.TLSConfig, s.ErrorLog, s.AllowInsecureAuth = "mail.example.test", config, log.New(io.Discard, "", 0), config == nil
	ended := make(chan error, 1)
	l := &pipeListener{m.queue, make(chan struct{}), sync.Once{}}
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		l.Close() // of a server that nobody asked, and that has not begun
		<-ended
	})
	return func(conn net.Conn) {
		m.count(1)
		conn = &countedConn{Conn: conn, closed: func() { m.count(-1) }}
		if implicit {
			conn = tls.Server(conn, config)
		}
		select {
		case m.queue <- conn:
		case <-l.done:
			conn.Close()
		}
	}
}

func (m *mailServer) count(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > 0 {
		m.all++
	}
	m.open += n
	m.mostOpen = max(m.mostOpen, m.open)
}

func (m *mailServer) received() []received {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]received(nil), m.mails...)
}

func (m *mailServer) connections() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all
}

type countedConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *countedConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

type pipeListener struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// mailSession is one conversation.
type mailSession struct {
	m        *mailServer
	from, to string
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.to = to
	s.m.rcpts++
	if s.m.rcpt != nil {
		return s.m.rcpt(s.m.rcpts)
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.datas++
	if s.m.data != nil {
		if err := s.m.data(s.m.datas); err != nil {
			return err
		}
	}
	s.m.mails = append(s.m.mails, received{s.from, s.to, string(raw)})
	return nil
}

func (s *mailSession) AuthMechanisms() []string { return s.m.mechanisms }

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	judge := func(user, secret string) error {
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		s.m.logins = append(s.m.logins, mechanism+" "+user+" "+secret)
		if s.m.login == nil {
			return nil
		}
		return s.m.login(mechanism, user, secret)
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, secret string) error { return judge(user, secret) }), nil
	case sasl.Login:
		return &loginServer{judge: judge}, nil
	case sasl.OAuthBearer:
		return sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if judge(o.Username, o.Token) != nil {
				return &sasl.OAuthBearerError{Status: "invalid_token"}
			}
			return nil
		}), nil
	case "XOAUTH2":
		return &xoauth2Server{judge: judge}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// loginServer is the server's side of LOGIN.
type loginServer struct {
	judge func(user, secret string) error
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == "":
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.judge(l.user, string(response))
}

// xoauth2Server is the server's side of XOAUTH2: a refusal is told in a challenge first.
type xoauth2Server struct {
	judge   func(user, secret string) error
	refused error
}

func (x *xoauth2Server) Next(response []byte) (challenge []byte, done bool, err error) {
	if x.refused != nil {
		if len(response) != 0 {
			return nil, true, errors.New("the answer to the refusal is not empty")
		}
		return nil, true, x.refused
	}
	user, rest, ok := strings.Cut(string(response), "\x01auth=Bearer ")
	token, whole := strings.CutSuffix(rest, "\x01\x01")
	user, named := strings.CutPrefix(user, "user=")
	if !ok || !whole || !named {
		return nil, true, errors.New("not XOAUTH2")
	}
	if x.refused = x.judge(user, token); x.refused != nil {
		return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
	}
	return nil, true, nil
}
