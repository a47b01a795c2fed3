package email_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
	f, err := email.New(complete(c), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now, Dial: n.dial, FullName: func() string { return "node.example.test" }})
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
