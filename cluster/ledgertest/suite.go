package ledgertest

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// Ledger is what is tested: the ledger of the conversation, and its administration.
type Ledger interface {
	login.Ledger
	Users(ctx context.Context, after string, limit int) ([]login.Enrolment, error)
	Register(ctx context.Context, r cluster.Registration) error
	Reset(ctx context.Context, userID, factor string) error
	Unlock(ctx context.Context, userID, factor string) error
	Grant(ctx context.Context, g cluster.CodeGrant) error
	Renew(ctx context.Context, userID, factor string) error
	OpenWindow(ctx context.Context, subject string, until time.Time) error
	Windows(ctx context.Context) ([]cluster.Window, error)
	Learned(client string, addr netip.Addr) bool
	Sighted(client string, addr netip.Addr) (signed, unsigned login.Sighting)
	Learn(ctx context.Context, one login.Lesson) error
	Forget(ctx context.Context, client string) (int, error)
	LearnedAll() []cluster.LearnedClient
}

// Clock is a clock that stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows a moment of 2026.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
}

// Now returns the time shown.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Run runs the suite. open returns an empty ledger that stamps its commands with now.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) Ledger) {
	groups := []map[string]func(*bench){
		answers(), endings(), openings(), sends(), limitsOfSends(), candidates(), lives(),
		decoys(), claims(), dialogues(), guesses(), codes(), administration(),
	}
	for _, group := range groups {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				clock := NewClock()
				test(&bench{T: t, Ledger: open(t, clock.Now), clock: clock})
			})
		}
	}
}

// bench is one test's ledger and clock.
type bench struct {
	*testing.T
	Ledger
	clock *Clock
	used  uint16
}

// Users and clients of the suite.
const (
	alice = "corp:alice"
	bob   = "corp:bob"
	vpn   = "vpn"
	totp  = "totp"
)

// limits are the defaults of the design.
func limits() login.Limits {
	return login.Limits{
		Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, SoftLockMax: time.Hour,
		HardLock: 50, Keep: 40 * time.Second,
	}
}

func (b *bench) id() login.ChallengeID {
	b.used++
	return login.ChallengeID{byte(b.used), byte(b.used >> 8)}
}

// tag returns a fresh tag, as acts and keys are.
func (b *bench) tag() login.Tag {
	b.used++
	return login.Tag{byte(b.used), byte(b.used >> 8), 15: 1}
}

func (b *bench) ring() *login.KeyRing {
	b.Helper()
	ring, err := b.Keys(b.Context())
	if err != nil {
		b.Fatalf("Keys: %v", err)
	}
	return ring
}

func (b *bench) enrolment(userID string) login.Enrolment {
	b.Helper()
	e, err := b.Enrolment(b.Context(), userID)
	if err != nil {
		b.Fatalf("Enrolment: %v", err)
	}
	return e
}

// record opens the user's TOTP record.
func (b *bench) record(e login.Enrolment) string {
	b.Helper()
	if c := e.Credentials[totp]; len(c.Record) != 0 {
		b.Errorf("the record of %q is open", e.UserID)
	}
	record, err := b.Record(b.Context(), e, totp)
	if err != nil {
		b.Fatalf("Record: %v", err)
	}
	return string(record)
}

// enrol registers the user's TOTP.
func (b *bench) enrol(userID string) {
	b.Helper()
	if err := b.Register(b.Context(), registrationOf(userID, totp)); err != nil {
		b.Fatalf("Register: %v", err)
	}
}

func registrationOf(userID, factor string) cluster.Registration {
	return cluster.Registration{UserID: userID, Name: "A. Person", Factor: factor, Record: []byte("the secret of " + userID)}
}

// challenge is a challenge as the engine holds it: what it was built on, and its tokens.
type challenge struct {
	*bench
	base login.Settlement
}

// begin begins a challenge of two minutes on what is stored about the user now.
func (b *bench) begin(userID string) challenge { return b.beginWith(userID, totp) }

// beginWith is begin with another factor.
func (b *bench) beginWith(userID, factor string) challenge {
	b.Helper()
	e, ring := b.enrolment(userID), b.ring()
	return challenge{b, login.Settlement{
		Challenge: b.id(), Client: vpn, UserID: userID, Name: "A. Person", Handle: ring.Handle(userID),
		ClusterEpoch: ring.Epoch(), Epoch: e.Epoch, Factor: factor, Version: e.Credentials[factor].Version,
		Expires: b.clock.Now().Add(2 * time.Minute), Limits: limits(),
	}}
}

// answer is the settlement of a text under the nth token; number 0 is a wrong answer.
func (c challenge) answer(token int, text string, number uint64) login.Settlement {
	s, ring := c.base, c.ring()
	s.Token = ring.Tag(login.PurposeToken, s.Challenge[:], fmt.Append(nil, token))
	s.Answer = ring.Tag(login.PurposeAnswer, s.Challenge[:], []byte(text))
	s.Number = number
	return s
}

// settle settles and compares the whole outcome.
func (b *bench) settle(s login.Settlement, want login.Outcome) {
	b.Helper()
	got, err := b.Settle(b.Context(), s)
	if err != nil {
		b.Fatalf("Settle: %v", err)
	}
	if got != want {
		b.Fatalf("Settle: %+v, want %+v", got, want)
	}
}

// The outcomes that the tests expect.
func accepted() login.Outcome { return login.Outcome{Code: login.CodeAccepted} }
func wrong(left int) login.Outcome {
	return login.Outcome{Code: login.CodeOTPInvalid, AttemptsLeft: left}
}
func replayed(left int) login.Outcome {
	return login.Outcome{Code: login.CodeOTPReplayed, AttemptsLeft: left}
}
func exhausted() login.Outcome { return login.Outcome{Code: login.CodeAttemptsExhausted} }
func locked(left int) login.Outcome {
	return login.Outcome{Code: login.CodeAccountLocked, AttemptsLeft: left}
}
func expired() login.Outcome { return login.Outcome{Code: login.CodeStateExpired} }
func invalid() login.Outcome { return login.Outcome{Code: login.CodeStateInvalid} }
func stale() login.Outcome   { return login.Outcome{Code: login.CodeStateInvalid, Stale: true} }

func again(o login.Outcome) login.Outcome {
	o.Repeated = true
	return o
}
