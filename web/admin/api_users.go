package admin

import "time"

// User is what is stored about a person, without secrets.
type User struct {
	ID string `json:"id"`
	// Name is the directory's spelling of the login name, as last stored or as just asked.
	Name string `json:"name"`
	// LastFactor is the factor that the last completed login used; may be empty.
	LastFactor string   `json:"last_factor,omitempty"`
	Factors    []Factor `json:"factors"`
	// Recovery, Bypass and Invitation are the codes that stand in for a factor, nil where there is
	// none that may still be used.
	Recovery   *Codes `json:"recovery,omitempty"`
	Bypass     *Codes `json:"bypass,omitempty"`
	Invitation *Codes `json:"invitation,omitempty"`
	// WindowUntil is when the window for a registration closes that is open for the user or for one of
	// the user's groups. Only [Caller.User] and what acts on a user fill it in.
	WindowUntil *time.Time `json:"window_until,omitempty"`
}

// Factor is a user's enrolment with one factor.
type Factor struct {
	Name       string `json:"name"`
	Registered bool   `json:"registered"`
	// Renew means that the user must register anew at the next login.
	Renew bool `json:"renew,omitempty"`
	// Failures counts the wrong answers in a row.
	Failures uint32 `json:"failures"`
	// LockedUntil is set while the factor is locked for a time, HardLocked while it is locked
	// until an administrator unlocks it.
	LockedUntil *time.Time `json:"locked_until,omitempty"`
	HardLocked  bool       `json:"hard_locked,omitempty"`
	// Clock is set where the last wrong answer would be right at another time.
	Clock *Clock `json:"clock,omitempty"`
	// Address is the registered address, masked, and Sent when the newest code was sent there, of a
	// factor that sends codes; SendFailed that it did not leave. Filled in as WindowUntil is.
	Address    string     `json:"address,omitempty"`
	Sent       *time.Time `json:"sent,omitempty"`
	SendFailed bool       `json:"send_failed,omitempty"`
}

// Clock says of a wrong code, given at a time, how many seconds ahead it would be right: negative where that
// was before.
type Clock struct {
	At           time.Time `json:"at"`
	SecondsAhead int       `json:"seconds_ahead"`
}

// Codes are what is left of a kind of one-time codes; the codes themselves are not known any more.
type Codes struct {
	// Left counts the uses that are left.
	Left uint32 `json:"left"`
	// Until is when the last of them ends; nil means never.
	Until *time.Time `json:"until,omitempty"`
	// Note says who issued them, and why.
	Note string `json:"note,omitempty"`
}

// UserPage is one page of the users. Next is what to send as after for the next page; empty at
// the end.
type UserPage struct {
	Users []User `json:"users"`
	Next  string `json:"next,omitempty"`
	// Now is the daemon's clock, to which times are compared.
	Now time.Time `json:"now"`
}

// UserReply is one user. Notes say what an administrator should know about how the name was
// understood.
type UserReply struct {
	User  User      `json:"user"`
	Notes []string  `json:"notes,omitempty"`
	Now   time.Time `json:"now"`
}

// UserAct names a user and, where it matters, one factor.
type UserAct struct {
	// User is a name as people type it, or an ID.
	User string `json:"user"`
	// Directory restricts names to one directory; empty means all of them.
	Directory string `json:"directory,omitempty"`
	// Factor is the factor's name; empty means all of the user's.
	Factor string `json:"factor,omitempty"`
}
