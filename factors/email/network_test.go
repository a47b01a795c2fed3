package email_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"sallyport/factors/email"
)

// network is what answers at which address. Connections are pipes, so that all of it runs under the
// clock of a synctest bubble.
type network map[string]func(net.Conn)

func (n network) dial(_ context.Context, _, address string) (net.Conn, error) {
	answer, ok := n[address]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	go answer(newSocket(theirs))
	return ours, nil
}

// socket is an end of a pipe that buffers what is written, as a kernel does: in a refused handshake
// both ends write.
type socket struct {
	net.Conn
	queue      chan []byte
	stop, done chan struct{}
	once       sync.Once
}

func newSocket(conn net.Conn) *socket {
	s := &socket{Conn: conn, queue: make(chan []byte, 64), stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer conn.Close()
		for p := s.next(); p != nil; p = s.next() {
			if _, err := conn.Write(p); err != nil {
				return
			}
		}
	}()
	return s
}

// next returns what is to be written, nil when the socket was closed and nothing is left.
func (s *socket) next() []byte {
	select {
	case p := <-s.queue:
		return p
	case <-s.stop:
	}
	select {
	case p := <-s.queue:
		return p
	default:
		return nil
	}
}

// Write queues p.
func (s *socket) Write(p []byte) (int, error) {
	select {
	case <-s.done:
		return 0, net.ErrClosed
	default:
	}
	select {
	case s.queue <- bytes.Clone(p):
		return len(p), nil
	case <-s.done:
		return 0, net.ErrClosed
	}
}

// Close closes the pipe when what was written before has been read.
func (s *socket) Close() error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

// newFactor makes a factor on the network. The configuration needs only what the test is about.
func newFactor(t testing.TB, c email.Config, n network) *email.Factor {
	t.Helper()
	f, err := email.New(complete(c), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now, Dial: n.dial})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func complete(c email.Config) email.Config {
	if len(c.Servers) == 0 {
		c.Servers = []string{"smtp://mail.example.test"}
	}
	if c.From == "" {
		c.From = "Login <login@example.test>"
	}
	return c
}

// authority issues certificates that are good at any time of a test, the bubble's years included.
type authority struct {
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	der, key := a.sign(t, certificate("Test CA", true))
	a.key = key
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(a.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func certificate(name string, isCA bool) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: isCA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
}

// sign issues a certificate; the authority's own while it has none.
func (a *authority) sign(t testing.TB, c *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// issue returns a server's TLS.
func (a *authority) issue(t testing.TB, name string) *tls.Config {
	t.Helper()
	der, key := a.sign(t, certificate(name, false))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

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

// script is a mail server that says what it is told to, line by line.
type script struct {
	greeting string
	// answers are by the first word of a command; a command without one gets 250, and an empty answer
	// closes the connection.
	answers map[string]string

	mu    sync.Mutex
	lines []string
}

func (s *script) answer(conn net.Conn) {
	defer conn.Close()
	io.WriteString(conn, s.greeting+"\r\n")
	scanner := bufio.NewScanner(conn)
	inData := false
	for scanner.Scan() {
		line := scanner.Text()
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		word, _, _ := strings.Cut(line, " ")
		if inData {
			if line != "." {
				continue
			}
			inData, word = false, "."
		}
		answer, ok := s.answers[word]
		switch {
		case !ok && word == "DATA":
			answer, inData = "354 go on", true
		case !ok:
			answer = "250 ok"
		case answer == "":
			return
		}
		if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
			return
		}
	}
}

func (s *script) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// silent accepts connections and says nothing until they are closed.
func silent(conn net.Conn) {
	defer conn.Close()
	io.Copy(io.Discard, conn)
}
