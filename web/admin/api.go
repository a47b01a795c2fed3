package admin

import (
	"net/netip"
	"time"
)

// DefaultSocket is where the packaged daemon listens.
const DefaultSocket = "/run/sallyport/admin.sock"

// User is what is stored about a person, without secrets.
type User struct {
	ID string `json:"id"`
	// Name is the directory's spelling of the login name, as last stored or as just asked.
	Name string `json:"name"`
	// LastFactor is the factor that the last completed login used; may be empty.
	LastFactor string   `json:"last_factor,omitempty"`
	Factors    []Factor `json:"factors"`
}

// Factor is a user's enrolment with one factor.
type Factor struct {
	Name       string `json:"name"`
	Registered bool   `json:"registered"`
	// Failures counts the wrong answers in a row.
	Failures uint32 `json:"failures"`
	// LockedUntil is set while the factor is locked for a time, HardLocked while it is locked
	// until an administrator unlocks it.
	LockedUntil *time.Time `json:"locked_until,omitempty"`
	HardLocked  bool       `json:"hard_locked,omitempty"`
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

// Client is a RADIUS client.
type Client struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Policy    string   `json:"policy"`
	// MessageAuthenticator is the rule: "auto", "required", "optional".
	MessageAuthenticator string `json:"message_authenticator"`
	// Configured is false when something is remembered about a client that is configured no more.
	Configured bool `json:"configured"`
	// Learned are the addresses that have sent a Message-Authenticator, and must since.
	Learned []Learned `json:"learned"`
}

// Learned is a source address from which a Message-Authenticator is required since Since.
type Learned struct {
	Address netip.Addr `json:"address"`
	Since   time.Time  `json:"since"`
}

// ClientList lists the clients by name.
type ClientList struct {
	Clients []Client  `json:"clients"`
	Now     time.Time `json:"now"`
}

// ClientAct names a client.
type ClientAct struct {
	Client string `json:"client"`
}

// Forgotten says how many addresses were forgotten.
type Forgotten struct {
	Addresses int `json:"addresses"`
}
