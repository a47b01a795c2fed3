package radius

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"sallyport/login"
)

// serving starts a server on real sockets and ends it with the test.
func serving(t *testing.T, l Logins, change func(*Config, *Client)) *Server {
	t.Helper()
	b := newBench(t, l, func(cfg *Config, c *Client) {
		cfg.Now, cfg.Workers, cfg.Queue = time.Now, 4, 64
		c.Addresses = networks("127.0.0.0/8", "::1/128")
		if change != nil {
			change(cfg, c)
		}
	})
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b.Server
}

func calling(t *testing.T, server string, change func(*CallerConfig)) *Caller {
	t.Helper()
	cfg := CallerConfig{Server: server, Secret: testSecret, Timing: Timing{Initial: 50 * time.Millisecond, Total: 10 * time.Second}}
	if change != nil {
		change(&cfg)
	}
	c, err := Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestWholeLoginOverUDP(t *testing.T) {
	l := &logins{
		begin: func(_ context.Context, r login.Request) (login.Reply, error) {
			return login.Reply{Verdict: login.Challenge, State: "for-" + r.Username, Message: "Code: "}, nil
		},
		resume: func(_ context.Context, a login.Answer) (login.Reply, error) {
			if a.State == "for-alice" && a.Text == "755224" {
				return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
			}
			return login.Reply{Message: "No."}, nil
		},
	}
	s := serving(t, l, func(c *Config, _ *Client) { c.Listen = []string{"127.0.0.1:0", "[::1]:0"} })
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for _, addr := range s.Addrs() {
		c := calling(t, addr.String(), nil)
		r, err := c.Exchange(t.Context(), aliceMessage())
		if err != nil || r.Verdict != login.Challenge {
			t.Fatalf("%s: %+v, %v", addr, r, err)
		}
		r, err = c.Exchange(t.Context(), Message{Username: "alice", Password: "755224", State: r.State})
		if err != nil || r.Verdict != login.Accept || !r.SignedFirst {
			t.Fatalf("%s: %+v, %v", addr, r, err)
		}
	}
	if got := len(s.Status(t.Context()).(Status).Listeners); got != 2 {
		t.Errorf("%d listeners in the status", got)
	}
}

// A reply from another address than the one asked would be dropped by the connected socket.
func TestWildcardAnswersFromTheAddressAsked(t *testing.T) {
	for listen, servers := range map[string][]string{"0.0.0.0:0": {"127.0.0.5", "127.0.0.1"}, "[::]:0": {"::1"}} {
		var count int
		s := serving(t, accepting(&count), func(c *Config, _ *Client) { c.Listen = []string{listen} })
		for _, server := range servers {
			addr := netip.AddrPortFrom(netip.MustParseAddr(server), s.Addrs()[0].Port())
			if r, err := calling(t, addr.String(), nil).Exchange(t.Context(), aliceMessage()); err != nil || r.Sent != 1 {
				t.Errorf("%s asked at %s: %+v, %v", listen, server, r, err)
			}
		}
	}
}

func TestShutdownFinishesWhatItHasReceived(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	l := &logins{begin: func(context.Context, login.Request) (login.Reply, error) {
		close(entered)
		<-release
		return login.Reply{Message: "No."}, nil
	}}
	s := serving(t, l, func(c *Config, _ *Client) { c.RejectDelay = 50 * time.Millisecond })
	c := calling(t, s.Addrs()[0].String(), func(c *CallerConfig) { c.Timing.Transmissions = 1; c.Timing.Initial = 5 * time.Second })
	replied := make(chan error, 1)
	go func() {
		_, err := c.Exchange(t.Context(), aliceMessage())
		replied <- err
	}()
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	s.readers.Wait() // nothing is read any more, yet the login goes on
	close(release)
	if err := <-replied; err != nil {
		t.Errorf("the request in progress got no reply: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("a server that was shut down is ready")
	}
}

func TestShutdownCancelsWhatTakesTooLong(t *testing.T) {
	entered, cancelled := make(chan struct{}), make(chan struct{})
	l := &logins{begin: func(ctx context.Context, _ login.Request) (login.Reply, error) {
		close(entered)
		<-ctx.Done()
		close(cancelled)
		return login.Reply{}, ctx.Err()
	}}
	s := serving(t, l, func(c *Config, _ *Client) { c.Deadline = time.Hour })
	conn, err := net.Dial("udp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(request(t, 1, aliceMessage())); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 in progress") {
		t.Errorf("got %v", err)
	}
	<-cancelled
}

// A second call waits for the same end, and takes nothing from the first one's logins.
func TestShutdownTwiceIsOneShutdown(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	l := &logins{begin: func(ctx context.Context, _ login.Request) (login.Reply, error) {
		close(entered)
		<-release
		return login.Reply{Message: "No."}, ctx.Err()
	}}
	s := serving(t, l, nil)
	c := calling(t, s.Addrs()[0].String(), func(c *CallerConfig) { c.Timing.Transmissions = 1; c.Timing.Initial = 5 * time.Second })
	replied := make(chan error, 1)
	go func() {
		_, err := c.Exchange(t.Context(), aliceMessage())
		replied <- err
	}()
	<-entered
	ended := make(chan error, 2)
	go func() { ended <- s.Shutdown(t.Context()) }()
	s.readers.Wait() // the first call is waiting for the login
	go func() { ended <- s.Shutdown(t.Context()) }()
	select {
	case err := <-ended:
		t.Errorf("one call ended (%v) before the login", err)
	case <-s.base.Done():
		t.Error("the second call cancelled the login")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if err := <-replied; err != nil {
		t.Errorf("the request in progress got no reply: %v", err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestStartCanBeTriedAgain(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	b := newBench(t, accepting(&count), func(c *Config, cl *Client) {
		c.Listen, c.Now = []string{"127.0.0.1:0", taken.LocalAddr().String()}, time.Now
		cl.Addresses = networks("127.0.0.0/8")
	})
	if err := b.Start(); err == nil {
		t.Fatal("bound an address that is taken")
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if got := b.Addrs(); len(got) != 2 {
		t.Fatalf("bound %v, want the two addresses", got)
	}
	for _, addr := range b.Addrs() {
		if _, err := calling(t, addr.String(), nil).Exchange(t.Context(), aliceMessage()); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// A link-local address means nothing without its interface: a reply could not leave from it.
func TestLocalAddressKeepsItsInterface(t *testing.T) {
	k := &socket{addr: netip.AddrPortFrom(netip.IPv6Unspecified(), 1812)}
	for _, text := range []string{"2001:db8::1", "fe80::1%7"} {
		addr := netip.MustParseAddr(text)
		// What is said of where a packet goes to reads like what is said of where one came from.
		if got := k.destination(source(addr)); got != addr {
			t.Errorf("%s came back as %s", addr, got)
		}
	}
	var m ipv6.ControlMessage
	if err := m.Parse(source(netip.MustParseAddr("2001:db8::1"))); err != nil || m.IfIndex != 0 {
		t.Errorf("interface %d (%v): a global address leaves by the route", m.IfIndex, err)
	}
}

func TestStartBindsAllOrNothing(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := newBench(t, &logins{}, func(c *Config, _ *Client) {
		c.Listen = []string{"127.0.0.1:0", taken.LocalAddr().String()}
	})
	if err := b.Ready(t.Context()); err == nil {
		t.Error("a server that was not started is ready")
	}
	if err := b.Start(); err == nil || !strings.Contains(err.Error(), taken.LocalAddr().String()) {
		t.Errorf("got %v", err)
	}
	if err := b.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Start(); err == nil {
		t.Error("a server that was shut down starts")
	}
}
