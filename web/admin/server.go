package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"sallyport/login"
)

// Config is complete before the server exists. All parts but Socket, Audit, Tell and Now must be given.
type Config struct {
	// Socket is the path of the Unix socket; empty means [DefaultSocket].
	Socket string
	Users  Users
	// Directories and Factors return them by name, as they are configured now.
	Directories func() map[string]Finder
	Factors     func() map[string]login.Factor
	// Tell tells people of changes; nil means that nobody is told.
	Tell    Tell
	Clients Clients
	Cluster Cluster
	// Snapshots backs the state up and puts it back.
	Snapshots Snapshots
	Status    StatusReporter
	Logger    *slog.Logger
	// Audit takes a line for each act; nil means Logger.
	Audit *slog.Logger
	// Now nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Socket == "" {
		c.Socket = DefaultSocket
	}
	if c.Audit == nil {
		c.Audit = c.Logger
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, login.User, login.Enrolment, login.NoticeKind, string, string) {}
	}
	return c
}

// maxSocket is the longest path of a socket: the kernel's 108 octets less the NUL (unix(7)).
const maxSocket = 107

// ValidateSocket says why a path cannot be a socket's.
func ValidateSocket(path string) error {
	if len(path) > maxSocket {
		return fmt.Errorf("the path of a Unix socket has at most %d octets, and %s has %d", maxSocket, path, len(path))
	}
	return nil
}

// Server serves the API. It is safe for concurrent use.
type Server struct {
	cfg  Config
	http *http.Server
	done chan struct{} // nil until Start
	busy sync.Mutex    // while a backup is made or put back
	uid  uint32        // whom the daemon runs as
}

// The bounds of an API for one machine's administrators.
const (
	maxConns          = 32
	maxHeaderBytes    = 16 << 10
	maxBodyBytes      = 64 << 10
	readTimeout       = 10 * time.Second
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = time.Minute
	// actWithin bounds one request: directories are asked and a change is committed within it.
	actWithin    = 15 * time.Second
	writeTimeout = actWithin + 5*time.Second
)

// New returns a server that does not listen yet.
func New(cfg Config) (*Server, error) {
	if cfg.Users == nil || cfg.Directories == nil || cfg.Factors == nil || cfg.Clients == nil || cfg.Cluster == nil || cfg.Snapshots == nil || cfg.Status == nil || cfg.Logger == nil {
		return nil, errors.New("admin: a part is missing")
	}
	s := &Server{cfg: cfg.withDefaults(), uid: uint32(os.Geteuid())}
	if err := ValidateSocket(s.cfg.Socket); err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		ConnContext:       withPeer,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Start binds the socket and serves in the background. A socket on which another daemon listens is
// left alone and is an error.
func (s *Server) Start() error {
	l, err := listen(context.Background(), s.cfg.Socket)
	if err != nil {
		return err
	}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		if err := s.http.Serve(netutil.LimitListener(peerListener{l}, maxConns)); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("admin socket stopped", slog.Any("error", err))
		}
	}()
	return nil
}

// Socket returns the path of the socket.
func (s *Server) Socket() string { return s.cfg.Socket }

// Shutdown stops listening, removes the socket, lets requests finish until ctx ends, and closes
// what is left then.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.done == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	if rm := os.Remove(s.cfg.Socket); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
