package radiustest

import (
	"crypto/hmac"
	"crypto/md5"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/pquerna/otp/totp"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// What the server knows of everyone, and what it asks.
const (
	Secret   = "a-shared-secret-of-some-length"
	Password = "password"
	Key      = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	Prompt   = "Enter your code: "
)

// Server is a RADIUS server of two steps, in this process, that misbehaves on request.
type Server struct {
	// Drop tells whether the nth transmission of a datagram is lost on the way, n from 1.
	Drop func(n int) bool
	// Respond may replace the reply, or withhold it by nil.
	Respond func(request, reply *radius.Packet) *radius.Packet

	// Seen counts the datagrams received, by their octets; Ports by their source; Codes counts the
	// codes accepted, by user and code. They may be read after Stop.
	Seen  map[string]int
	Ports map[netip.AddrPort]int
	Codes map[string]int

	conn   *net.UDPConn
	served sync.WaitGroup
}

// Start starts a server that change, if not nil, has made to misbehave, for the duration of a test.
func Start(t *testing.T, change func(*Server)) *Server {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Drop:    func(int) bool { return false },
		Respond: func(_, reply *radius.Packet) *radius.Packet { return reply },
		Seen:    map[string]int{}, Ports: map[netip.AddrPort]int{}, Codes: map[string]int{},
		conn: conn,
	}
	if change != nil {
		change(s)
	}
	s.served.Go(func() { s.serve(t) })
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server. Stopping it twice is allowed.
func (s *Server) Stop() {
	s.conn.Close()
	s.served.Wait()
}

// Addr is where it listens.
func (s *Server) Addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *Server) serve(t *testing.T) {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		s.Seen[string(buf[:n])]++
		s.Ports[from]++
		times := s.Seen[string(buf[:n])]
		request, err := radius.Parse(append([]byte(nil), buf[:n]...), []byte(Secret))
		if err != nil {
			t.Errorf("a request that does not parse: %v", err)
			continue
		}
		if s.Drop(times) {
			continue
		}
		if r := s.Respond(request, s.judge(request)); r != nil {
			s.conn.WriteToUDPAddrPort(signed(t, r), from)
		}
	}
}

// judge takes the right password, and the code of the current time step or its neighbours.
func (s *Server) judge(request *radius.Packet) *radius.Packet {
	user, given := rfc2865.UserName_GetString(request), rfc2865.UserPassword_GetString(request)
	state := rfc2865.State_GetString(request)
	switch {
	case state == "" && given == Password:
		return Reply(request, radius.CodeAccessChallenge, Prompt, "state of "+user)
	case state == "":
		return Reply(request, radius.CodeAccessReject, "Wrong password.", "")
	case state != "state of "+user || !totp.Validate(given, Key):
		return Reply(request, radius.CodeAccessReject, "Wrong code.", "")
	}
	s.Codes[user+" "+given]++
	return Reply(request, radius.CodeAccessAccept, "", "")
}

// Reply makes a reply to request, with a message and a State if they are not empty.
func Reply(request *radius.Packet, code radius.Code, message, state string) *radius.Packet {
	r := request.Response(code)
	rfc2869.MessageAuthenticator_Set(r, make([]byte, 16))
	if message != "" {
		rfc2865.ReplyMessage_SetString(r, message)
	}
	if state != "" {
		rfc2865.State_SetString(r, state)
	}
	return r
}

// signed encodes a reply whose first attribute is an empty Message-Authenticator.
func signed(t *testing.T, r *radius.Packet) []byte {
	raw, err := r.MarshalBinary()
	if err != nil {
		t.Errorf("reply: %v", err)
		return nil
	}
	mac := hmac.New(md5.New, []byte(Secret))
	mac.Write(raw)
	rfc2869.MessageAuthenticator_Set(r, mac.Sum(nil))
	encoded, err := r.Encode()
	if err != nil {
		t.Errorf("reply: %v", err)
	}
	return encoded
}

// Times stops the server and counts the datagrams that were seen n times.
func (s *Server) Times(n int) int {
	s.Stop()
	count := 0
	for _, seen := range s.Seen {
		if seen == n {
			count++
		}
	}
	return count
}
