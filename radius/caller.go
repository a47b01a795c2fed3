package radius

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"

	"sallyport/login"
)

// CallerConfig is what a [Caller] needs to know.
type CallerConfig struct {
	// Server is the address and port of the server.
	Server string
	// Secret is the shared secret.
	Secret login.Secret
	// AcceptUnsigned takes replies whose Message-Authenticator is absent or not the first
	// attribute. The zero value counts them as never received (CVE-2024-3596). One that is present
	// must be right in any case.
	AcceptUnsigned bool
	// Timing says how requests are retransmitted.
	Timing Timing
	// VendorID is the vendor of the Sallyport attributes. Zero means 32473.
	VendorID uint32
}

// Caller sends requests to one server from one UDP socket, up to 256 at a time. It is safe for
// concurrent use.
type Caller struct {
	cfg  CallerConfig
	key  *signer
	conn *net.UDPConn
	// free has the Identifiers not in use, the one least recently used first (RFC 5080 §2.2.2).
	free chan byte

	mu      sync.Mutex
	pending [256]*call
	// busy counts the exchanges in progress; a retired Caller is closed when there are none.
	busy    int
	retired bool
	close   sync.Once
	closed  chan struct{}
	reader  sync.WaitGroup
}

// Dial makes a Caller for one server. It sends nothing.
func Dial(cfg CallerConfig) (*Caller, error) { return dial(context.Background(), cfg) }

// dial looks up the server's name for as long as ctx allows.
func dial(ctx context.Context, cfg CallerConfig) (*Caller, error) {
	cfg.Timing = cfg.Timing.withDefaults()
	cfg.VendorID = orDefault(cfg.VendorID, DefaultVendorID)
	if cfg.Secret.Reveal() == "" {
		return nil, errors.New("the shared secret is empty: RADIUS needs one")
	}
	// A connected socket takes packets of this server only, and learns of a closed port.
	addr, err := resolve(ctx, cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("RADIUS server %q: %w", cfg.Server, err)
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("RADIUS server %q: %w", cfg.Server, err)
	}
	c := &Caller{cfg: cfg, key: newSigner(cfg.Secret), conn: conn, free: make(chan byte, 256), closed: make(chan struct{})}
	if err := askForRefusals(c.conn); err != nil {
		_ = c.conn.Close() // the first error is the one to tell
		return nil, fmt.Errorf("RADIUS server %q: ask for reports of refused packets: %w", cfg.Server, err)
	}
	for _, id := range rand.Perm(256) {
		c.free <- byte(id)
	}
	c.reader.Go(c.listen)
	return c, nil
}

// resolve looks up host:port. Of a host with addresses of both families an IPv4 one is taken, since
// no other is tried when that one is silent, and RADIUS servers listen there.
func resolve(ctx context.Context, server string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(server)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr := addrs[0]
	if i := slices.IndexFunc(addrs, func(a netip.Addr) bool { return a.Unmap().Is4() }); i >= 0 {
		addr = addrs[i].Unmap()
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}

// local is the address that packets leave from.
func (c *Caller) local() netip.Addr {
	return plainAddr(c.conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr())
}

// Close ends the Caller and the exchanges in progress. It may be called again.
func (c *Caller) Close() error {
	var err error
	c.close.Do(func() {
		close(c.closed)
		err = c.conn.Close()
	})
	c.reader.Wait()
	return err
}

// retire closes the Caller as soon as no exchange is in progress.
func (c *Caller) retire() {
	c.mu.Lock()
	c.retired = true
	idle := c.busy == 0
	c.mu.Unlock()
	if idle {
		_ = c.Close() // nothing is left to send
	}
}
