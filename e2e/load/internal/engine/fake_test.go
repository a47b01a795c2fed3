package engine

import (
	"crypto/hmac"
	"crypto/md5"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

const (
	testSecret = "a-shared-secret-of-some-length"
	testKey    = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	prompt     = "Enter your code: "
)

// fake is a RADIUS server of two steps that misbehaves on request. Its maps belong to its goroutine until it is
// stopped.
type fake struct {
	conn   *net.UDPConn
	served sync.WaitGroup
	// drop tells whether the nth transmission of a datagram is lost on the way, n from 1.
	drop func(n int) bool
	// respond may replace the reply, or withhold it by nil.
	respond func(request, reply *radius.Packet) *radius.Packet

	seen  map[string]int // by the octets received
	ports map[netip.AddrPort]int
	codes map[string]int // by user and code
}

// startFake starts a fake that change has made to misbehave.
func startFake(t *testing.T, change func(*fake)) *fake {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{
		conn: conn, seen: map[string]int{}, ports: map[netip.AddrPort]int{}, codes: map[string]int{},
		drop:    func(int) bool { return false },
		respond: func(_, reply *radius.Packet) *radius.Packet { return reply },
	}
	if change != nil {
		change(f)
	}
	f.served.Go(func() { f.serve(t) })
	t.Cleanup(f.stop)
	return f
}

// stop ends the fake, after which its fields may be read. Stopping it twice is allowed.
func (f *fake) stop() {
	f.conn.Close()
	f.served.Wait()
}

func (f *fake) addr() netip.AddrPort { return f.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (f *fake) serve(t *testing.T) {
	buf := make([]byte, 4096)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		f.seen[string(buf[:n])]++
		f.ports[from]++
		times := f.seen[string(buf[:n])]
		request, err := radius.Parse(append([]byte(nil), buf[:n]...), []byte(testSecret))
		if err != nil {
			t.Errorf("a request that does not parse: %v", err)
			continue
		}
		if f.drop(times) {
			continue
		}
		if reply := f.respond(request, f.judge(request)); reply != nil {
			f.conn.WriteToUDPAddrPort(signed(t, reply), from)
		}
	}
}

// judge takes the password "password" and the code of the current time step or its neighbours.
func (f *fake) judge(request *radius.Packet) *radius.Packet {
	user, given := rfc2865.UserName_GetString(request), rfc2865.UserPassword_GetString(request)
	state := rfc2865.State_GetString(request)
	switch {
	case state == "" && given == "password":
		return reply(request, radius.CodeAccessChallenge, prompt, "state of "+user)
	case state == "":
		return reply(request, radius.CodeAccessReject, "Wrong password.", "")
	case state != "state of "+user || !totp.Validate(given, testKey):
		return reply(request, radius.CodeAccessReject, "Wrong code.", "")
	}
	f.codes[user+" "+given]++
	return reply(request, radius.CodeAccessAccept, "", "")
}

func reply(request *radius.Packet, code radius.Code, message, state string) *radius.Packet {
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
	mac := hmac.New(md5.New, []byte(testSecret))
	mac.Write(raw)
	rfc2869.MessageAuthenticator_Set(r, mac.Sum(nil))
	encoded, err := r.Encode()
	if err != nil {
		t.Errorf("reply: %v", err)
	}
	return encoded
}

// times stops the fake and counts the datagrams that were seen n times.
func (f *fake) times(n int) int {
	f.stop()
	count := 0
	for _, seen := range f.seen {
		if seen == n {
			count++
		}
	}
	return count
}

func config(f *fake, change func(*Config)) Config {
	cfg := Config{
		Server: f.addr(), Secret: []byte(testSecret), NASIdentifier: "load", Ports: 4,
		Timeout: 2 * time.Second, Tries: 3, Strict: true, Now: time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}
