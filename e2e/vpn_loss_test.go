//go:build e2e

package e2e

import (
	"bytes"
	"net"
	"sync"
	"testing"

	codec "layeh.com/radius"

	"sallyport/e2e/servers"
)

// relay stands between RADIUS clients and a daemon and loses the first reply of one kind. The daemon
// sees loopback as before, and each client's port as one port of the relay's.
type relay struct {
	t      *testing.T
	server string
	front  *net.UDPConn
	lose   codec.Code

	mu       sync.Mutex
	back     map[string]net.Conn // by the client's address
	lost     bool
	requests [][]byte
}

func startRelay(t *testing.T, server string, lose codec.Code) *relay {
	t.Helper()
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, server: server, front: front, lose: lose, back: map[string]net.Conn{}}
	t.Cleanup(r.close)
	go r.forward()
	return r
}

func (r *relay) address() string { return r.front.LocalAddr().String() }

func (r *relay) close() {
	r.front.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.back {
		conn.Close()
	}
}

// forward passes requests on until the relay is closed.
func (r *relay) forward() {
	buf := make([]byte, 4096)
	for {
		n, from, err := r.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if conn := r.toServer(from, bytes.Clone(buf[:n])); conn != nil {
			conn.Write(buf[:n])
		}
	}
}

// toServer notes a request and returns the socket for its client; nil when there can be none.
func (r *relay) toServer(from *net.UDPAddr, request []byte) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request)
	conn := r.back[from.String()]
	if conn == nil {
		var err error
		if conn, err = net.Dial("udp", r.server); err != nil {
			r.t.Error(err)
			return nil
		}
		r.back[from.String()] = conn
		go r.answer(conn, from)
	}
	return conn
}

// answer passes replies back, all but the one to be lost.
func (r *relay) answer(conn net.Conn, to *net.UDPAddr) {
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if !r.loses(codec.Code(buf[0])) {
			r.front.WriteToUDP(buf[:n], to)
		}
	}
}

func (r *relay) loses(kind codec.Code) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost || kind != r.lose {
		return false
	}
	r.lost = true
	return true
}

// repetitions counts the requests that were the one before them, byte by byte.
func (r *relay) repetitions() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.requests[1:] {
		if bytes.Equal(r.requests[i], r.requests[i+1]) {
			n++
		}
	}
	return n
}

// TestTypedLoginsLoseAReply loses one reply of the daemon on its way to the client, whose retransmission
// gets it again: the password and the code count as typed once. The answer to a challenge is sent
// once by pam_radius_auth 2.0.0, so there only the first reply can be lost.
func TestTypedLoginsLoseAReply(t *testing.T) {
	t.Parallel()
	folk := append(people("ocserv", 2), people("pam", 1)...)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.URL())+typing)
	for _, c := range []struct {
		door   string
		person servers.Person
		lose   codec.Code
	}{
		{"ocserv", folk[0], codec.CodeAccessChallenge},
		{"ocserv", folk[1], codec.CodeAccessAccept},
		{"pam", folk[2], codec.CodeAccessChallenge},
	} {
		t.Run(c.door+" loses an "+c.lose.String(), func(t *testing.T) {
			t.Parallel()
			s, hello := s.in(t), passwordPrompt[c.door]
			key := s.registerQuietly(c.person)
			r := startRelay(t, s.Radius, c.lose)
			talk(t, doors[c.door](t, 1, r.address()), c.person.UID, true, lines(c.person.Password, code(t, key, 0)), hello, codePrompt)
			if n := r.repetitions(); n != 1 {
				t.Errorf("%d requests were sent again byte by byte, want 1", n)
			}
			s.evaluated(c.person.UID, 1)
		})
	}
}

// registerQuietly registers at a client without our attributes, by the key in the Reply-Message.
func (s *site) registerQuietly(p servers.Person) string {
	s.t.Helper()
	r := s.ask(p.UID, p.Password, "")
	key := typedKey(s.t, r.Get("Reply-Message"))
	if r = s.ask(p.UID, code(s.t, key, -1), r.Get("State")); r.Code != "Access-Accept" {
		s.t.Fatalf("registration: %+v", r)
	}
	return key
}

// TestTypedLoginsAtTheSecondServer logs in at clients whose first RADIUS server is silent.
func TestTypedLoginsAtTheSecondServer(t *testing.T) {
	t.Parallel()
	folk := append(people("ocserv", 1), people("pam", 1)...)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.URL())+typing)
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, open := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, hello := people(name, 1)[0], passwordPrompt[name]
			registerTyping(t, open(t, 0, silent.LocalAddr().String(), s.Radius), p, hello)
			s.in(t).audit(map[string]any{"username": p.UID, "verdict": "accept", "registered": true})
		})
	}
}
