package radius

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"sallyport/login"
)

// Logins decides who may enter. Its methods are safe for concurrent use and obey the context's
// deadline. An error means that a back end could not be asked, and that nothing may be concluded
// about the user.
type Logins interface {
	Begin(ctx context.Context, r login.Request) (login.Reply, error)
	Continue(ctx context.Context, a login.Answer) (login.Reply, error)
	// Vouch reports cheaply whether state was sealed by this cluster for that client and has not
	// expired. It only decides which packet goes first.
	Vouch(state, client string) bool
}

// Memory keeps what RuleAuto has learned, on every node and over restarts. It ends for a client that was
// not seen to sign for long. All methods are safe for concurrent use.
type Memory interface {
	// Learned reports whether the client is known to send Message-Authenticator, so that it counts for
	// addr: one that was never seen included. It is asked for each packet without one, so it must be cheap.
	Learned(client string, addr netip.Addr) bool
	// Sighted returns what is remembered of the client's requests from addr, those with
	// Message-Authenticator and those without.
	Sighted(client string, addr netip.Addr) (signed, unsigned login.Sighting)
	Learn(ctx context.Context, one login.Lesson) error
}

// Server answers RADIUS requests over UDP. Make one with [New]. Its methods are safe for concurrent
// use.
type Server struct {
	cfg    Config
	logins Logins
	memory Memory
	log    *slog.Logger

	clients    atomic.Pointer[table]
	tally      tally
	strangers  events
	duplicates *duplicates
	queue      *queue[*job]
	learner    *learner
	accounting *accounting

	// base is the context of all logins; stop ends it when a shutdown has waited long enough.
	base context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	phase   phase
	sockets []*socket
	readers sync.WaitGroup
	workers sync.WaitGroup
	replies sync.WaitGroup
	// drained is closed when a shutdown has come to its end.
	drained  chan struct{}
	inFlight atomic.Int64
	delayed  atomic.Int64
	deaf     atomic.Int64
}

// phase is where a server is in its life.
type phase uint8

const (
	phaseNew phase = iota
	phaseServing
	phaseClosed
)

// New returns a server that does not listen yet. It reports every fault of the configuration.
func New(cfg Config, logins Logins, memory Memory) (*Server, error) {
	cfg = cfg.withDefaults()
	if logins == nil || memory == nil {
		return nil, errors.New("radius: Logins and Memory are both needed")
	}
	s := &Server{
		cfg: cfg, logins: logins, memory: memory, log: cfg.Logger,
		duplicates: newDuplicates(cfg.CacheFor, cacheBytes, maxJudged),
		queue:      newQueue[*job](cfg.Queue, cfg.Workers),
		drained:    make(chan struct{}),
		learner:    newLearner(memory, cfg.Logger, cfg.Now),
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := s.SetClients(cfg.Clients); err != nil {
		return nil, err
	}
	s.base, s.stop = context.WithCancel(context.Background())
	s.accounting = newAccounting(s)
	return s, nil
}

// SetClients replaces the clients, for all packets from now on. When one of them is faulty, it
// reports every fault and changes nothing. Counters go on under the client's name.
func (s *Server) SetClients(clients []Client) error {
	t, err := newTable(clients, &s.tally, s.cfg.VendorID)
	if err != nil {
		return err
	}
	s.clients.Store(t)
	return nil
}

// Start binds every address and begins to serve. When one cannot be bound, none is, and Start may be
// called again.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != phaseNew {
		return errors.New("radius: the server was started before")
	}
	if err := s.bind(); err != nil {
		s.closeSockets()
		s.sockets, s.accounting.sockets = nil, nil
		return err
	}
	s.phase = phaseServing
	s.startWorkers()
	for _, k := range s.sockets {
		s.readers.Go(func() { s.listenOn(k, s.receive) })
	}
	s.accounting.start()
	return nil
}

func (s *Server) bind() error {
	addrs, err := parseListen("listen", s.cfg.Listen)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		k, err := listen(addr)
		if err != nil {
			return fmt.Errorf("listen for RADIUS on %s: %w", addr, err)
		}
		s.sockets = append(s.sockets, k)
		if k.buffer < receiveBuffer {
			s.log.Info("receive buffer is smaller than wanted; raise net.core.rmem_max",
				"address", k.addr.String(), "octets", k.buffer, "wanted", receiveBuffer)
		}
	}
	if len(s.cfg.Accounting.Listen) == 0 {
		return nil
	}
	return s.accounting.bind()
}

// startWorkers starts all that works on packets, but reads none.
func (s *Server) startWorkers() {
	s.learner.start()
	for range s.cfg.Workers {
		s.workers.Go(s.work)
	}
}

// Addrs returns the addresses that are bound, in the order of Config.Listen.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addresses(s.sockets)
}

// AccountingAddrs returns the addresses that are bound for accounting.
func (s *Server) AccountingAddrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return addresses(s.accounting.sockets)
}

func addresses(sockets []*socket) (addrs []netip.AddrPort) {
	for _, k := range sockets {
		addrs = append(addrs, k.addr)
	}
	return addrs
}

// Shutdown stops reading, lets what was received come to its answer, and then closes the sockets.
// When ctx ends first, the logins in progress are cancelled and its error is returned. A second call
// waits for the same end.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	switch s.phase {
	case phaseNew:
		s.stop()
		close(s.drained)
	case phaseServing:
		for _, k := range slices.Concat(s.sockets, s.accounting.sockets) {
			k.stopReading()
		}
		go s.drain()
	}
	s.phase = phaseClosed
	s.mu.Unlock()
	select {
	case <-s.drained:
		return nil
	case <-ctx.Done():
	}
	waiting, _ := s.queue.waiting()
	err := fmt.Errorf("stop RADIUS with %d packets waiting and %d in progress: %w",
		waiting, s.inFlight.Load(), ctx.Err())
	s.end()
	return err
}

// drain waits for the readers, for the queue, and for the Rejects that wait for their time.
func (s *Server) drain() {
	s.readers.Wait()
	s.queue.close()
	s.workers.Wait()
	s.replies.Wait()
	s.learner.close()
	s.accounting.drain()
	s.end()
	close(s.drained)
}

// end cancels what is left of the logins and closes the sockets.
func (s *Server) end() {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeSockets()
}

func (s *Server) closeSockets() {
	for _, k := range slices.Concat(s.sockets, s.accounting.sockets) {
		_ = k.conn.Close() // nothing is left to send
	}
}
