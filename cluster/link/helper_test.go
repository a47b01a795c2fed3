package link_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/cluster/link"
)

// begun is when the clusters of these tests were made.
var begun = time.Now()

// world is a cluster's authority, and who is a member of it.
type world struct {
	authority *link.Authority
	mu        sync.Mutex
	members   map[link.Peer]bool
}

func newWorld(t *testing.T, id string) *world {
	t.Helper()
	a, err := link.NewAuthority(id, begun)
	if err != nil {
		t.Fatal(err)
	}
	return &world{authority: a, members: make(map[link.Peer]bool)}
}

// identity makes a node that the authority knows.
func (w *world) identity(t *testing.T, name string) link.Identity {
	t.Helper()
	request, key, err := link.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := w.authority.Issue(request, name, begun)
	if err != nil {
		t.Fatal(err)
	}
	return link.Identity{Name: name, Certificate: certificate, Authority: w.authority.Certificate(), Key: key}
}

// member makes a node and a member of it.
func (w *world) member(t *testing.T, name string) link.Identity {
	t.Helper()
	i := w.identity(t, name)
	w.set(t, i, true)
	return i
}

func (w *world) set(t *testing.T, i link.Identity, member bool) {
	t.Helper()
	p, err := i.Peer()
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members[p] = member
}

var errNoMember = errors.New("not a member")

func (w *world) admit(_ link.Class, p link.Peer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.members[p] {
		return errNoMember
	}
	return nil
}

// node is a port and what it logs.
type node struct {
	*link.Link
	name string
	log  *text
}

func (w *world) listen(t *testing.T, i link.Identity, set ...func(*link.Config)) *node {
	t.Helper()
	n := &node{name: i.Name, log: new(text)}
	c := link.Config{Listen: "127.0.0.1:0", Identity: i, Admit: w.admit, Logger: slog.New(slog.NewTextHandler(n.log, nil))}
	for _, f := range set {
		f(&c)
	}
	l, err := link.Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	n.Link = l
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close %s: %v", i.Name, err)
		}
	})
	return n
}

// address is where the node listens.
func (n *node) address() string { return n.Addr().String() }

// refused waits until the node has refused a connection for that reason.
func (n *node) refused(t *testing.T, reason string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(n.log)
		}
	}()
	waitFor(t, "a refusal: "+reason, func() bool {
		for line := range strings.Lines(n.log.String()) {
			if strings.Contains(line, "refused a connection") && strings.Contains(line, reason) {
				return true
			}
		}
		return false
	})
}

// nothing checks that no connection of a class gets as far as a handler until the link is closed.
func (n *node) nothing(t *testing.T, classes ...link.Class) {
	t.Helper()
	for _, class := range classes {
		var ended sync.WaitGroup
		ended.Go(func() {
			if c, err := n.Listener(class).Accept(); err == nil {
				t.Errorf("%s accepted a connection of class %v from %v", n.name, class, c.RemoteAddr())
				_ = c.Close()
			}
		})
		t.Cleanup(func() {
			_ = n.Listener(class).Close()
			ended.Wait()
		})
	}
}

// connect dials from one node to another and returns both ends.
func connect(t *testing.T, from, to *node, class link.Class) (dialled, accepted net.Conn) {
	t.Helper()
	type result struct {
		conn net.Conn
		err  error
	}
	got := make(chan result, 1)
	go func() {
		c, err := to.Listener(class).Accept()
		got <- result{c, err}
	}()
	dialled, err := from.Dial(t.Context(), class, to.name, to.address())
	if err != nil {
		t.Fatalf("dial %s: %v", to.name, err)
	}
	r := <-got
	if r.err != nil {
		t.Fatalf("accept: %v", r.err)
	}
	for _, c := range []net.Conn{dialled, r.conn} {
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // a test ends
			t.Fatal(err)
		}
	}
	return dialled, r.conn
}

// ends checks that a connection is at its end, and is not merely silent.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return // closed on this side
	}
	var timeout net.Error
	if n, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection goes on: %d, %v", n, err)
	}
}

// passes sends a word from one end to the other.
func passes(t *testing.T, from, to net.Conn) {
	t.Helper()
	const word = "word"
	if _, err := io.WriteString(from, word); err != nil {
		t.Fatalf("write: %v", err)
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != word {
		t.Fatalf("read %q, %v", got, err)
	}
}

// text is a log that may be read while it is written.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// waitFor returns when a named condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// altered flips one bit of the last octet.
func altered(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// shows is how a stranger that has a node's key shows its certificate.
func shows(t *testing.T, i link.Identity, chain ...[]byte) []tls.Certificate {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{{Certificate: append([][]byte{i.Certificate}, chain...), PrivateKey: key}}
}
