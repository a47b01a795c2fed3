package link

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a port in memory, for tests in which time is not real.
type pipes struct {
	calls chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{calls: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) call() net.Conn {
	ours, theirs := net.Pipe()
	p.calls <- theirs
	return ours
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// aloneOn is a node of a cluster of its own.
func aloneOn(t *testing.T, tcp net.Listener, now time.Time) *Link {
	t.Helper()
	a, err := NewAuthority("c1", now)
	if err != nil {
		t.Fatal(err)
	}
	request, key, err := NewKey("a")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := a.Issue(request, "a", now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := serve(Config{
		Listen: "in memory", Admit: func(Class, Peer) error { return nil },
		Identity: Identity{Name: "a", Certificate: certificate, Authority: a.Certificate(), Key: key},
	}.withDefaults(), tcp)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestASlowHandshakeIsCut sends one octet a second, which is silence that never lasts.
func TestASlowHandshakeIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port := newPipes()
		l := aloneOn(t, port, time.Now())
		caller, begun := port.call(), time.Now()
		var writing sync.WaitGroup
		writing.Go(func() {
			hello := append([]byte{22, 3, 1, 2, 0}, make([]byte, 512)...) // a ClientHello (RFC 8446 §5.1)
			for _, octet := range hello {
				if _, err := caller.Write([]byte{octet}); err != nil {
					return
				}
				pause(t.Context(), time.Second)
			}
		})
		_, err := caller.Read(make([]byte, 1))
		if took := time.Since(begun); took != 5*time.Second || !errors.Is(err, io.EOF) {
			t.Errorf("cut after %v: %v", took, err)
		}
		writing.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseEndsEverything closes a port with handshakes that have not ended. That nothing is left, the
// bubble says: it does not end before its last goroutine.
func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port := newPipes()
		l := aloneOn(t, port, time.Now())
		var calls []net.Conn
		for range 3 {
			calls = append(calls, port.call())
		}
		begun := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for _, c := range calls {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("a connection outlived the port")
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		for _, class := range []Class{Raft, Call, Join} {
			if _, err := l.Listener(class).Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("class %v: %v", class, err)
			}
		}
	})
}

// TestTooManyHandshakesAtOnce has one address hold as many as it may.
func TestTooManyHandshakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port := newPipes()
		l := aloneOn(t, port, time.Now())
		for range maxPerSource {
			port.call()
		}
		over, begun := port.call(), time.Now()
		if _, err := over.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(begun) > 0 {
			t.Errorf("one too many, after %v: %v", time.Since(begun), err)
		}
		pause(t.Context(), handshakeTime)
		synctest.Wait() // they have been cut
		if _, err := port.call().Write([]byte{22}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheGateCounts(t *testing.T) {
	g := newGate()
	source := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	for i := range maxHandshakes {
		if !g.enter(source(i % 8)) {
			t.Fatalf("handshake %d was refused", i)
		}
	}
	if g.enter(source(9)) {
		t.Error("more handshakes at once than there may be")
	}
	for i := range maxHandshakes {
		g.settled(source(i % 8))
	}
	for i := maxHandshakes; i < maxConns; i++ {
		if !g.enter(source(1)) {
			t.Fatalf("connection %d was refused", i)
		}
		g.settled(source(1))
	}
	if g.enter(source(1)) {
		t.Error("more connections than there may be")
	}
	for i := range maxJoins {
		if !g.join() {
			t.Fatalf("joiner %d was refused", i)
		}
	}
	if g.join() {
		t.Error("more joiners than there may be")
	}
	for i := range maxConns {
		g.leave(i < maxJoins)
	}
	if g.conns != 0 || g.joins != 0 || g.handshakes != 0 || len(g.sources) != 0 {
		t.Errorf("something is left: %+v", g)
	}
}

func TestClassesHaveNames(t *testing.T) {
	for class, want := range map[Class]string{Raft: "raft", Call: "call", Join: "join", 0: "class 0"} {
		if class.String() != want {
			t.Errorf("%d is %v, want %s", class, class, want)
		}
	}
	if class, ok := classOf([]string{strings.ToUpper(Raft.protocol())}); ok {
		t.Errorf("capitals are %v", class)
	}
}
