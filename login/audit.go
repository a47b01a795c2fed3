package login

import (
	"net/netip"
	"time"
)

// Event is one verdict, for the audit and the metrics. It holds no secret.
type Event struct {
	Time             time.Time
	Trace            string
	Client           string
	Address          netip.Addr
	CallingStationID string
	// Username is the text typed; UserID and User are known once the directory has answered.
	Username string
	UserID   string
	User     string
	Policy   string
	// Step is the step that was answered, Next the one that is asked with a Challenge.
	Step   Step
	Next   Step
	Factor string
	// Answered is false when no reply was given because a back end could not be asked. Where the
	// client is refused instead (Origin.RejectOnOutage), it is true, and Code names the back end.
	Answered bool
	Verdict  Verdict
	// Code is the precise code; what the person was told may be vaguer.
	Code Code
	// Reason says in a few words why, where the code alone does not.
	Reason string
	// Earned says how an Accept was earned: "password+totp".
	Earned     string
	Registered bool
	// Repeated means that this verdict had been given before.
	Repeated bool
	// WithoutQuorum means that this node judged alone, by the last known state.
	WithoutQuorum bool
	// Backends lists what was asked, in order, and how long it took.
	Backends []Backend
	Took     time.Duration
}

// Backend is one question to a back end.
type Backend struct {
	// Name is "directory" or "ledger"; Server is the server that answered, where it is known.
	Name   string
	Server string
	Took   time.Duration
	Failed bool
}
