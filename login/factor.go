package login

import (
	"context"
	"fmt"
	"time"
)

// Factor is a second factor. It looks at records and answers and stores nothing: what an answer
// changes is a [Finding], which the engine settles in the ledger. Implementations are safe for
// concurrent use.
type Factor interface {
	// Name is the factor's name in policies, records and logs: "totp", "email".
	Name() string
	// Challenge says how to ask a registered user; the Record of c is not opened. Only Step, Echo
	// and MaskedAddress are read.
	Challenge(ctx context.Context, u User, c Credential) (Prompt, error)
	// Verify judges an answer as of now. An error means that no judgement was possible (an
	// unreadable record), never that the answer was wrong.
	Verify(ctx context.Context, now time.Time, u User, c Credential, answer string) (Finding, error)
}

// Registrar is a [Factor] that people register themselves, by proving that they hold it.
type Registrar interface {
	Factor
	// NewRecord makes the record of a fresh candidate: nothing is registered by it.
	NewRecord(ctx context.Context, u User) ([]byte, error)
	// Registration says how to show the candidate. Step, Echo, OTPAuthURI, SecretKey and
	// Issuer are read.
	Registration(ctx context.Context, u User, record []byte) (Prompt, error)
}

// Credential is what the ledger holds about one factor of one user. The zero value means that the
// factor is not registered.
type Credential struct {
	Factor string
	// Version rises with every registration of this factor; 0 means never registered.
	Version uint32
	// Record is the factor's own secret record; only the factor reads it. In an [Enrolment] it is
	// empty until [Ledger].Record has opened Sealed, the record as the ledger keeps it.
	Record []byte
	Sealed []byte
	// Memo is what the factor learned from accepted answers, not secret (a TOTP's drift).
	Memo []byte
	// Last is the last number accepted (TOTP: time step; sent codes: send number).
	Last uint64
	// LockedUntil is when the lock of this factor ends; HardLocked means not by itself.
	LockedUntil time.Time
	HardLocked  bool
	// Failures counts the wrong answers in a row.
	Failures uint32
	// Renew means that the user must register this factor anew at the next login.
	Renew bool
	// Codes are what is left of recovery, bypass or invitation codes; Note says who issued them and why.
	Codes []OneTimeCode
	Note  string
	// Near is the last wrong answer in a row, at NearAt, where it would be right at another time.
	Near   Near
	NearAt time.Time
	// Challenge is the newest challenge in which a code was sent for this factor.
	Challenge ChallengeID
}

// The credentials that are no factors: codes that stand in for one.
const (
	// CredentialRecovery holds the recovery codes that a user keeps for a bad day.
	CredentialRecovery = "recovery"
	// CredentialBypass holds the code that an administrator issued in place of a factor.
	CredentialBypass = "bypass"
	// CredentialInvitation holds the code that allows a first registration.
	CredentialInvitation = "invitation"
)

// OneTimeCode is a code that is kept as its tag, [KeyRing].CodeTag.
type OneTimeCode struct {
	Tag Tag
	// Uses is how often it may still be used.
	Uses uint32
	// Until is when it ends; zero means never.
	Until time.Time
}

// GoodAt reports whether the code may be used at t.
func (c OneTimeCode) GoodAt(t time.Time) bool {
	return c.Uses > 0 && (c.Until.IsZero() || t.Before(c.Until))
}

// Registered reports whether the user holds this factor.
func (c Credential) Registered() bool {
	return len(c.Sealed) > 0 || len(c.Record) > 0 || len(c.Codes) > 0
}

// LockedAt reports whether the factor refuses all answers at t.
func (c Credential) LockedAt(t time.Time) bool { return c.HardLocked || t.Before(c.LockedUntil) }

// Finding is a factor's judgement of an answer. The zero value is "wrong".
type Finding struct {
	// Number is what the answer would use up: it must be greater than the Last of the credential
	// when the answer is settled. 0 means that the answer is wrong.
	Number uint64
	// Memo replaces the credential's memo when the answer is accepted.
	Memo []byte
	// Near says of a wrong answer when it would be right, where that is not far off.
	Near Near
}

// Near is a number at which a wrong answer would be right, and how far that is ahead of now: negative where
// it is past. The zero value means none.
type Near struct {
	Number uint64
	Ahead  time.Duration
}

// String says when the answer would be right; it is "" where there is no such time.
func (n Near) String() string {
	switch seconds := int(n.Ahead.Abs() / time.Second); {
	case n.Number == 0:
		return ""
	case n.Ahead > 0:
		return fmt.Sprintf("this code would be right %d seconds ahead: check the clock of the telephone", seconds)
	default:
		return fmt.Sprintf("this code would be right %d seconds ago: check the clock of the telephone", seconds)
	}
}
