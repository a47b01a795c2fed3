package rsatest

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sallyport/login"
)

// Secret is the shared secret where [Config] names none.
const Secret login.Secret = "rsatest-shared-secret-0123456789"

// Config says how a [Manager] behaves. The zero value is ready.
type Config struct {
	// Secret is the shared secret of all clients; empty means [Secret].
	Secret login.Secret
	// StateForm is the form of a State.
	StateForm StateForm
	// NextTokencodeAfter wrong passcodes in a row lead to Next Tokencode mode, LockoutAfter to a
	// lockout. Zero means 3 and 10.
	NextTokencodeAfter, LockoutAfter int
	// MinPIN and MaxPIN are how many characters a PIN that a user chooses may have. Zero means 4 and 8;
	// PINs that the server makes have 8.
	MinPIN, MaxPIN int
	// EnterMakesPIN takes an empty answer to the question for a new PIN as the wish for one made by the server.
	EnterMakesPIN bool
	// NoStatusServer leaves Status-Server without an answer, as some servers do.
	NoStatusServer bool
	// Logger takes the log; nil means none. Now is the clock; nil means time.Now.
	Logger *slog.Logger
	Now    func() time.Time
}

// StateForm is the form of a State.
type StateForm uint8

// The forms.
const (
	// StateRSA is that of Authentication Manager 8.6 and later: RSA|id|id|step.
	StateRSA StateForm = iota
	// StateSBR is that of older ones, SBR-CH n|m, with a NUL at the end.
	StateSBR
)

// Mode is what a user is asked next.
type Mode uint8

// The modes.
const (
	ModeReady Mode = iota
	// ModeNewPIN: the next right passcode leads to the question for a new PIN.
	ModeNewPIN
	// ModeSystemPIN: likewise, and the server makes the PIN.
	ModeSystemPIN
	// ModeNextTokencode: the next right passcode leads to the question for the next tokencode.
	ModeNextTokencode
	// ModeOnDemand: the PIN alone has a tokencode sent, which is asked for. It is the same in each login.
	ModeOnDemand
)

// user is a user with one token. It is guarded by the manager's lock.
type user struct {
	pin, seed string
	mode      Mode
	// used is the minute of the last tokencode that was used, failures the wrong passcodes in a row.
	used     int64
	failures int
	locked   bool
}

// Manager keeps users, PINs and tokens for any number of servers. It is safe for concurrent use.
type Manager struct {
	cfg Config

	mu    sync.Mutex
	users map[string]*user
	// pins numbers the PINs that were made.
	pins int
}

// New returns a manager without users and servers.
func New(cfg Config) *Manager {
	if cfg.Secret == "" {
		cfg.Secret = Secret
	}
	if cfg.NextTokencodeAfter == 0 {
		cfg.NextTokencodeAfter = 3
	}
	if cfg.LockoutAfter == 0 {
		cfg.LockoutAfter = 10
	}
	cfg.MinPIN, cfg.MaxPIN = cmp.Or(cfg.MinPIN, 4), cmp.Or(cfg.MaxPIN, 8)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Manager{cfg: cfg, users: make(map[string]*user)}
}

// AddUser adds a user, or replaces the one of that name. An empty pin is a user who has none yet, and
// logs in with the tokencode alone. seed makes the tokencodes.
func (m *Manager) AddUser(name, pin, seed string, mode Mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[name] = &user{pin: pin, seed: seed, mode: mode, used: -1}
}

// Tokencode is what the user's token shows now; "" for a user who does not exist.
func (m *Manager) Tokencode(name string) string { return m.TokencodeAt(name, m.cfg.Now()) }

// TokencodeAt is what the user's token shows at another time.
func (m *Manager) TokencodeAt(name string, at time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.users[name]; u != nil {
		return tokencode(u.seed, interval(at))
	}
	return ""
}

// PIN is the user's PIN now, as an administrator cannot see it.
func (m *Manager) PIN(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.users[name]; u != nil {
		return u.pin
	}
	return ""
}

// Locked reports whether the user is locked out.
func (m *Manager) Locked(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[name]
	return u != nil && u.locked
}

// makePIN makes a PIN for a user, eight digits that nobody had before.
func (m *Manager) makePIN() string {
	m.pins++
	return fmt.Sprintf("%08d", 10_000_000+7919*m.pins)
}
