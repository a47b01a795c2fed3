package state

import "sallyport/login"

// Status says what became of a command.
type Status uint8

// The statuses. The zero value is that of a command that did nothing because it could not be read.
// Numbers are stored: they never change.
const (
	// Ignored: unknown, undecodable, or it panicked. Nothing changed.
	Ignored Status = iota
	// Done: the command had its effect, now or before.
	Done
	// Full: as many challenges are kept as may be. Nothing changed.
	Full
	// Conflict: what the command was built on has moved on. Nothing changed.
	Conflict
	// Unknown: the user or the factor is not stored. Nothing changed.
	Unknown
	// Crowded: as many challenges of the user are kept as may be. Nothing changed.
	Crowded
	// Used: the join token was used before. Nothing changed.
	Used
	// Present: a node of this name is in the cluster. Nothing changed.
	Present
)

// Result is the answer to one command.
type Result struct {
	Status Status
	// Outcome is the verdict of a [Settle].
	Outcome login.Outcome
	// Opened is the challenge of an [Open]: the one stored, or the one rejoined; nil when none is.
	Opened *Challenge
	// Stale, Fresh, Refusal and SendAt are the answer to an [Open]; see [login.Opened]. SendAt is in
	// nanoseconds since 1970.
	Stale   bool
	Fresh   bool
	Refusal login.Code
	SendAt  int64
	// Count is how many addresses a [Forget] removed, or registrations a [Reset].
	Count int
}

func verdict(o login.Outcome) Result { return Result{Status: Done, Outcome: o} }

// refused is a verdict that is not recorded.
func refused(code login.Code) Result { return verdict(login.Outcome{Code: code}) }

func stale() Result { return verdict(login.Outcome{Code: login.CodeStateInvalid, Stale: true}) }
