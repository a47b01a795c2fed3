package link_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"sallyport/cluster/link"
)

func TestAJoinerKnowsTheAuthority(t *testing.T) {
	w := newWorld(t, "c1")
	n := w.listen(t, w.member(t, "a"))
	n.nothing(t, betweenMembers...)
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := n.Listener(link.Join).Accept(); err == nil {
			accepted <- c
		}
	}()
	joiner, authority, err := link.DialJoin(t.Context(), n.address(), link.Fingerprint(w.authority.Certificate()))
	if err != nil {
		t.Fatal(err)
	}
	defer joiner.Close()
	if string(authority) != string(w.authority.Certificate()) {
		t.Error("the authority is another one")
	}
	c := <-accepted
	defer c.Close()
	passes(t, joiner, c)
	passes(t, c, joiner)
	if p, ok := n.Peer(c); ok {
		t.Errorf("an unknown caller is %v", p)
	}
	n.Recheck() // which finds nobody who was a member
	passes(t, joiner, c)
}

func TestAJoinerRefusesAnotherCluster(t *testing.T) {
	w, other := newWorld(t, "c1"), newWorld(t, "c1")
	known := link.Fingerprint(w.authority.Certificate())
	foreign := other.listen(t, other.member(t, "a"))
	foreign.nothing(t, link.Join)

	// Someone who knows the authority's certificate, which is no secret, shows it with a certificate
	// that the authority has not signed.
	thief := other.identity(t, "a")
	chain := shows(t, thief, w.authority.Certificate())
	forged := answerTLS(t, &tls.Config{NextProtos: []string{"sallyport-join/1"}, Certificates: chain})
	otherProtocol := answerTLS(t, &tls.Config{Certificates: chain})
	for address, want := range map[string]string{
		foreign.address(): "not of the cluster that the token is from",
		forged:            "unknown authority",
		otherProtocol:     "not the cluster port",
	} {
		c, _, err := link.DialJoin(t.Context(), address, known)
		if err == nil {
			_ = c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a joiner spoke to another cluster: %v, want %q", err, want)
		}
	}
}

// answerTLS does handshakes at an address until the test ends.
func answerTLS(t *testing.T, c *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).HandshakeContext(t.Context())
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// TestOnlyTheRightHandshakePasses calls the port as a stranger would, and as a member would not.
func TestOnlyTheRightHandshakePasses(t *testing.T) {
	w := newWorld(t, "c1")
	certificates := shows(t, w.member(t, "b"))
	const protocols = "one protocol of the cluster port"
	for name, c := range map[string]struct {
		config  *tls.Config
		refusal string
	}{
		"raft without a certificate":    {&tls.Config{NextProtos: []string{"sallyport-raft/1"}}, "didn't provide a certificate"},
		"calls without a certificate":   {&tls.Config{NextProtos: []string{"sallyport-call/1"}}, "didn't provide a certificate"},
		"join and raft at once":         {&tls.Config{NextProtos: []string{"sallyport-join/1", "sallyport-raft/1"}, Certificates: certificates}, protocols},
		"no protocol":                   {&tls.Config{Certificates: certificates}, protocols},
		"another protocol":              {&tls.Config{NextProtos: []string{"h2"}, Certificates: certificates}, protocols},
		"a proof, which joiners answer": {&tls.Config{NextProtos: []string{"sallyport-proof/1"}}, protocols},
		"TLS 1.2":                       {&tls.Config{NextProtos: []string{"sallyport-raft/1"}, Certificates: certificates, MaxVersion: tls.VersionTLS12}, "unsupported versions"},
	} {
		t.Run(name, func(t *testing.T) {
			n := w.listen(t, w.member(t, "a"))
			n.nothing(t, link.Raft, link.Call, link.Join)
			c.config.InsecureSkipVerify = true
			conn, err := tls.Dial("tcp", n.address(), c.config)
			if err == nil {
				defer conn.Close()
				if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err == nil {
					ends(t, conn)
				}
			}
			n.refused(t, c.refusal)
		})
	}
}

func TestGarbageIsRefused(t *testing.T) {
	w := newWorld(t, "c1")
	n := w.listen(t, w.member(t, "a"))
	n.nothing(t, link.Raft, link.Call, link.Join)
	conn, err := net.Dial("tcp", n.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(strings.Repeat("\x00\xff garbage ", 1000))); err != nil {
		t.Fatal(err)
	}
	ends(t, conn)
	n.refused(t, "does not look like a TLS handshake")
}

// TestNothingIsResumed calls twice with a cache of sessions: a ticket would let a removed node in.
func TestNothingIsResumed(t *testing.T) {
	w := newWorld(t, "c1")
	n := w.listen(t, w.member(t, "a"))
	cache := &tickets{ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	config := &tls.Config{
		NextProtos: []string{"sallyport-raft/1"}, InsecureSkipVerify: true, ServerName: "a.node.sallyport",
		Certificates: shows(t, w.member(t, "b")), ClientSessionCache: cache,
	}
	for range 2 {
		conn, err := tls.Dial("tcp", n.address(), config)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := n.Listener(link.Raft).Accept()
		if err != nil {
			t.Fatal(err)
		}
		passes(t, accepted, conn) // a ticket would come before this
		if conn.ConnectionState().DidResume || cache.given > 0 {
			t.Errorf("%d tickets were given; resumed: %v", cache.given, conn.ConnectionState().DidResume)
		}
		_ = accepted.Close()
		_ = conn.Close()
	}
}

// tickets counts what a server gives to resume a session with.
type tickets struct {
	tls.ClientSessionCache
	given int
}

func (c *tickets) Put(key string, s *tls.ClientSessionState) {
	if s != nil {
		c.given++
	}
	c.ClientSessionCache.Put(key, s)
}

func TestMembersDoNotJoin(t *testing.T) {
	w := newWorld(t, "c1")
	n := w.listen(t, w.member(t, "a"))
	if _, err := n.Dial(t.Context(), link.Join, "a", n.address()); err == nil || !strings.Contains(err.Error(), "does not make connections of join") {
		t.Error(err)
	}
	if n.Listener(0) != nil {
		t.Error("there is a listener for no class")
	}
}
