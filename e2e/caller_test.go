//go:build e2e

package e2e

import (
	"context"
	"net"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// dial returns a RADIUS client in this process, for what radclient is too slow for.
func (s *site) dial() *radius.Caller {
	s.t.Helper()
	c, err := radius.Dial(radius.CallerConfig{
		Server: s.Radius, Secret: servers.ClientSecret,
		Timing: radius.Timing{Initial: 500 * time.Millisecond, Transmissions: 4, Total: 5 * time.Second},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends one request; nil means that no reply came.
func exchange(c *radius.Caller, username, typed, state string) *radius.Response {
	r, err := c.Exchange(context.Background(), radius.Message{Username: username, Password: login.Secret(typed), State: state})
	if err != nil {
		return nil
	}
	return r
}

// packet builds an Access-Request under the test's own hands, unsigned, so that it can be sent again
// byte for byte, or nearly so.
func packet(t *testing.T, identifier byte, username, typed, state string) []byte {
	t.Helper()
	p := codec.New(codec.CodeAccessRequest, []byte(servers.ClientSecret))
	p.Identifier = identifier
	for _, err := range []error{
		rfc2865.UserName_SetString(p, username),
		rfc2865.UserPassword_SetString(p, typed),
		rfc2865.State_SetString(p, state),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	raw, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// udp opens a socket towards the site.
func (s *site) udp() net.Conn {
	s.t.Helper()
	return udpTo(s.t, s.Radius)
}

// udpTo opens a socket towards an address.
func udpTo(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// receive reads one reply within 3 s and returns it raw and decoded.
func receive(t *testing.T, conn net.Conn) ([]byte, *codec.Packet) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	p, err := codec.Parse(buf[:n], []byte(servers.ClientSecret))
	if err != nil {
		t.Fatal(err)
	}
	if p.Attributes[0].Type != rfc2869.MessageAuthenticator_Type {
		t.Error("Message-Authenticator is not first")
	}
	return buf[:n:n], p
}
