package radius

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"sallyport/login"
)

// UpstreamConfig is what an [Upstream] needs to know.
type UpstreamConfig struct {
	// Servers are the servers as host:port, in the order of preference: primary, then replicas.
	Servers []string
	// Secret is the shared secret of all of them, at least 16 octets.
	Secret login.Secret
	// NASIdentifier says who asks (RFC 2865 §5.32); empty means "sallyport". NASAddress is sent as
	// NAS-IP-Address or NAS-IPv6-Address; the zero value means the address that the packet leaves from.
	NASIdentifier string
	NASAddress    netip.Addr
	// MessageAuthenticator is the rule for replies. RuleAuto, the zero value, requires it of a server
	// as soon as that server has sent one, also as the first attribute; RuleRequired always, and as the first
	// attribute; RuleOptional never. One that is present must be right under each.
	MessageAuthenticator Rule
	// Replies keeps what RuleAuto has learned; nil keeps it for as long as this Upstream lives. Another rule
	// forgets it.
	Replies ReplyMemory
	// Attributes of an Access-Accept are passed on when they are named here: as in the dictionary, or
	// by number, or as vendor:number. Class is always passed on, and what is hidden under the upstream's
	// secret never.
	Attributes []string
	// Dictionary knows the names of Attributes; nil means that of the RFCs.
	Dictionary *Dictionary
	// VendorID is the vendor of the Sallyport attributes, which are never passed on. Zero means 32473.
	VendorID uint32
	// Timing says how requests are retransmitted. Its zero value means three transmissions within 3
	// seconds; where only Total is given, they are spread over that.
	Timing Timing
	// Sockets is how many UDP sockets each server is asked from, with 256 requests at a time on each.
	// Zero means 4.
	Sockets int
	// ProbeUser is the name in probes, which no person may have; empty means "sallyport-probe".
	ProbeUser string
	// ProbeEvery is how soon a server that is down is asked whether it is back; the wait doubles up to
	// a minute. Zero means 5 seconds. It is asked by Status-Server, and at most once a minute by a login
	// in the name of ProbeUser, which one that has ignored a login must answer to be up.
	ProbeEvery time.Duration
	// Logger takes the log; nil means none.
	Logger *slog.Logger
	// Now is the clock by which the probes in the name of ProbeUser are limited; nil means time.Now.
	Now func() time.Time
}

// ReplyMemory keeps over restarts how the replies of upstream servers are signed. Both are safe for concurrent
// use.
type ReplyMemory interface {
	// Signed returns what was kept of a server: 0 nothing, 1 that its replies have a Message-Authenticator, 2
	// that it is their first attribute.
	Signed(server string) int
	// Keep replaces it. What fails is for the memory to report.
	Keep(server string, signed int)
}

// Defaults of [UpstreamConfig].
const (
	defaultNASIdentifier = "sallyport"
	defaultProbeUser     = "sallyport-probe"
	defaultSockets       = 4
	defaultProbeEvery    = 5 * time.Second
	defaultUpstreamTotal = 3 * time.Second
	// upstreamTransmissions leave at 0, 0.6 and 1.8 seconds.
	upstreamTransmissions = 3
)

func (c UpstreamConfig) withDefaults() UpstreamConfig {
	c.NASIdentifier = orDefault(c.NASIdentifier, defaultNASIdentifier)
	c.ProbeUser = orDefault(c.ProbeUser, defaultProbeUser)
	c.VendorID = orDefault(c.VendorID, DefaultVendorID)
	c.Sockets = orDefault(c.Sockets, defaultSockets)
	c.ProbeEvery = orDefault(c.ProbeEvery, defaultProbeEvery)
	c.Timing.Total = orDefault(c.Timing.Total, defaultUpstreamTotal)
	c.Timing.Initial = orDefault(c.Timing.Initial, c.Timing.Total/5)
	c.Timing.Longest = orDefault(c.Timing.Longest, c.Timing.Total)
	c.Timing.Transmissions = orDefault(c.Timing.Transmissions, upstreamTransmissions)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c UpstreamConfig) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.Servers) == 0 {
		fault("servers: missing: name at least one server, such as \"192.0.2.7:1812\"")
	}
	for i, server := range c.Servers {
		host, port, err := net.SplitHostPort(server)
		if err != nil || host == "" || port == "" {
			fault("servers: %q is not of the form host:port", server)
		}
		if slices.Contains(c.Servers[:i], server) {
			fault("servers: %q stands there twice", server)
		}
	}
	if n := len(c.Secret.Reveal()); n < minSecret {
		fault("secret: the shared secret has %d octets: use at least %d, better 24", n, minSecret)
	}
	if c.Timing.Total < 0 || c.Timing.Initial < 0 || c.Sockets < 0 || c.ProbeEvery < 0 {
		fault("times and numbers cannot be negative")
	}
	if c.MessageAuthenticator > RuleOptional {
		fault("message_authenticator: unknown rule")
	}
	return errors.Join(faults...)
}

// Upstream forwards answers to servers that judge each of them once: RSA Authentication Manager and
// its replicas. A request goes to the next server only while nobody can have read it, and an answer
// within a dialogue goes to the server that began it or nowhere. It is safe for concurrent use.
type Upstream struct {
	cfg     UpstreamConfig
	passed  attributeList
	servers []*upstreamServer

	// base ends with the Upstream; spawned are the probes in progress.
	base    context.Context
	stop    context.CancelFunc
	mu      sync.Mutex
	closed  bool
	spawned sync.WaitGroup
}

// NewUpstream returns an Upstream, or every fault of the configuration. It sends nothing, and looks up
// no name before there is something to send.
func NewUpstream(cfg UpstreamConfig) (*Upstream, error) {
	cfg = cfg.withDefaults()
	passed, err := newAttributeList(cfg.Dictionary, cfg.VendorID, cfg.Attributes)
	if err := errors.Join(cfg.validate(), err); err != nil {
		return nil, err
	}
	u := &Upstream{cfg: cfg, passed: passed}
	for _, addr := range cfg.Servers {
		u.servers = append(u.servers, newUpstreamServer(addr, cfg))
	}
	u.base, u.stop = context.WithCancel(context.Background())
	return u, nil
}

// Close ends what is in progress. It may be called again.
func (u *Upstream) Close() error {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.stop()
	var faults []error
	for _, s := range u.servers {
		faults = append(faults, s.close())
	}
	u.spawned.Wait()
	return errors.Join(faults...)
}

// spawn runs f beside the logins, unless the Upstream is closed.
func (u *Upstream) spawn(f func()) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.spawned.Go(f)
	return true
}

// Within is the longest that [Upstream.Forward] takes: the time for the reply, and a little more for
// the probe that tells silence from another shared secret.
func (u *Upstream) Within() time.Duration { return u.cfg.Timing.Total + u.grace() }

// doubtAfter is when the unsigned probe is sent while no reply has come, grace how long its reply is
// waited for beyond the request's own time.
func (u *Upstream) doubtAfter() time.Duration { return u.cfg.Timing.Total * 3 / 5 }
func (u *Upstream) grace() time.Duration      { return u.cfg.Timing.Total / 7 }
