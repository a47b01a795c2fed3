package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
)

// Config is complete before the server exists.
type Config struct {
	// Listen is the address and port; empty means 127.0.0.1:9812. Port 0 lets the system choose.
	Listen string
	// Hosts are the names and addresses, without ports, under which the port may be asked, besides those of
	// loopback, the address that a connection came to, and the machine's name.
	Hosts []string
	// Version and Node stand in the reports.
	Version string
	Node    string
	// AskWithin bounds the questions of one request to all parts together. Zero means 2 seconds,
	// which is under the patience of the usual probes.
	AskWithin time.Duration
	// Registry holds the metrics; nil means a registry of its own without any.
	Registry *prometheus.Registry
	// Logger must not be nil. Now nil means time.Now.
	Logger *slog.Logger
	Now    func() time.Time
}

// DefaultListen is where the status port listens unless it is set otherwise.
const DefaultListen = "127.0.0.1:9812"

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.AskWithin == 0 {
		c.AskWithin = 2 * time.Second
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate names each fault by its configuration key. A host name is one: it may be several addresses,
// or another one tomorrow.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if _, err := netip.ParseAddrPort(c.Listen); err != nil {
		faults = append(faults, fmt.Errorf("listen: %q is not an IP address with a port, such as %q", c.Listen, DefaultListen))
	}
	for _, host := range c.Hosts {
		if !validHost(host) {
			faults = append(faults, fmt.Errorf("hosts: %q is not a name or an IP address alone, such as \"node1.corp.example\"", host))
		}
	}
	if c.AskWithin < 0 {
		faults = append(faults, errors.New("ask_within: must not be negative"))
	}
	return errors.Join(faults...)
}

// Server serves the status port. It is safe for concurrent use.
type Server struct {
	cfg     Config
	started time.Time
	http    *http.Server
	hosts   []string

	mu    sync.Mutex
	parts map[string]*registered // replaced, never changed: a report goes over the map it began with

	listener net.Listener
	done     chan struct{}
}

// The bounds of a port that serves a handful of probes: a client that is slower, or a crowd that is
// larger, is refused rather than kept.
const (
	maxConns          = 64
	maxHeaderBytes    = 16 << 10
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = time.Minute
)

// New returns a server that does not listen yet.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Logger == nil {
		return nil, errors.New("status: a logger is needed")
	}
	s := &Server{cfg: cfg, started: cfg.Now(), parts: make(map[string]*registered), done: make(chan struct{})}
	s.hosts = knownHosts(cfg)
	s.http = &http.Server{
		Handler:           s.routes(),
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Register adds a part to all later reports. The name must be free: a part that hid another one
// would hide that it is not ready.
func (s *Server) Register(p Part) error { return s.Replace(nil, p) }

// Replace takes the parts named in gone out and puts the others in, at once, so that no report
// sees neither. It changes nothing when a name would be taken twice.
func (s *Server) Replace(gone []string, parts ...Part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.parts)
	for _, name := range gone {
		delete(next, name)
	}
	for _, p := range parts {
		if _, taken := next[p.Name()]; taken {
			return fmt.Errorf("status: two parts are named %q", p.Name())
		}
		next[p.Name()] = newRegistered(p)
	}
	s.parts = next
	return nil
}

// Start listens and serves in the background.
func (s *Server) Start() error {
	l, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("status port: %w (another program may hold it: choose another [status] listen)", err)
	}
	s.listener = l
	go func() {
		defer close(s.done)
		if err := s.http.Serve(netutil.LimitListener(l, maxConns)); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("status port stopped", slog.Any("error", err))
		}
	}()
	return nil
}

// Addr returns the address that is listened on; nil before Start.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Shutdown stops listening, lets requests finish until ctx ends, and closes what is left then.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.listener == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}
