package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// probeEvery is how often a server that is down is asked again, so that one that comes back is used
// within two seconds.
const probeEvery = 2 * time.Second

// errService means that a server refused the service account: a fault of the configuration.
var errService = errors.New("the service account cannot bind; check bind_dn, bind_password, and whether the server wants encryption")

// server is one LDAP server: its connections and its health. It is safe for concurrent use.
type server struct {
	endpoint
	// users checks passwords, service searches: a bind changes who a connection speaks for.
	users, service *pool
	log            *slog.Logger
	now            func() time.Time

	asked    atomic.Uint64
	failed   atomic.Uint64
	inFlight atomic.Int64

	mu sync.Mutex
	h  health
}

// health is what is known of a server. The zero value is a server that was not asked yet.
type health struct {
	down bool
	// since is when down changed last, answered when the last answer came and took how long, tried
	// when the server was asked or probed last.
	since, answered, tried time.Time
	took                   time.Duration
	err                    error
	probing                bool
}

func newServer(e endpoint, cfg Config, log *slog.Logger, now func() time.Time) *server {
	s := &server{endpoint: e, log: log.With("server", e.url), now: now}
	s.users = newPool(cfg.MaxConnections, now, e.dial)
	s.service = newPool(max(5, cfg.MaxConnections/6), now, func(ctx context.Context, until time.Time) (*conn, error) {
		c, err := e.dial(ctx, until)
		if err == nil && cfg.BindDN != "" {
			if err = bindService(ctx, until, c, cfg.BindDN, cfg.BindPassword); err != nil {
				c.close()
			}
		}
		return c, err
	})
	s.service.repeats = true
	return s
}

func bindService(ctx context.Context, until time.Time, c *conn, dn string, password login.Secret) error {
	err := c.do(ctx, until, func(c *conn) error {
		_, err := c.bind(dn, password.Reveal(), false)
		return withoutSecret(err, password.Reveal())
	})
	if isAnswer(err) {
		return fmt.Errorf("%w: %w", errService, err)
	}
	return err
}

// answered records an answer, whatever it said.
func (s *server) answered(took time.Duration) {
	now := s.now()
	s.mu.Lock()
	back := s.h.down
	if back {
		s.h.since = now
	}
	s.h.down, s.h.answered, s.h.tried, s.h.took = false, now, now, took
	s.mu.Unlock()
	if back {
		s.log.Info("directory server is back")
	}
}

// failedWith records that the server could not be asked.
func (s *server) failedWith(err error) {
	s.failed.Add(1)
	now := s.now()
	s.mu.Lock()
	fresh := !s.h.down
	if fresh {
		s.h.since = now
	}
	s.h.down, s.h.err, s.h.tried = true, err, now
	s.mu.Unlock()
	if fresh {
		s.log.Warn("directory server is down", "error", err)
	}
}

func (s *server) health() health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h
}

func (s *server) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.down
}

// claimProbe reports whether the caller is to probe the server now: it is down, or was silent for
// longer than quiet, and nobody else is at it.
func (s *server) claimProbe(quiet time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := quiet
	if s.h.down {
		every = probeEvery
	}
	if s.h.probing || s.now().Sub(s.h.tried) < every {
		return false
	}
	s.h.probing = true
	return true
}

// probe asks the server for its root entry (RFC 4512 §5.1), with the service account.
func (s *server) probe(until time.Time) error {
	start := s.now()
	err := s.service.use(context.Background(), until, func(c *conn) error {
		_, err := c.search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, true, "(objectClass=*)", []string{"1.1"}, nil))
		return err
	})
	s.mu.Lock()
	s.h.probing = false
	s.mu.Unlock()
	if err != nil && saysDown(err) {
		s.failedWith(err)
		return fmt.Errorf("%s: %w", s.url, err)
	}
	s.answered(s.now().Sub(start))
	return nil
}

// saysDown reports whether an error speaks against the server: no answer, the service account
// refused, or a result code that says that it cannot serve now. Other result codes come from a server
// that works.
func saysDown(err error) bool {
	var odd unusable
	if errors.As(err, &odd) {
		return false
	}
	return !isAnswer(err) || errors.Is(err, errService) ||
		ldap.IsErrorAnyOf(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultOther, ldap.LDAPResultTimeLimitExceeded)
}
