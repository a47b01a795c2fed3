package admin

import (
	"net/netip"
	"time"
)

// DefaultSocket is where the packaged daemon listens.
const DefaultSocket = "/run/sallyport/admin.sock"

// Client is a RADIUS client.
type Client struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Policy    string   `json:"policy"`
	// MessageAuthenticator is the rule: "auto", "required", "optional".
	MessageAuthenticator string `json:"message_authenticator"`
	// Configured is false when something is remembered about a client that is configured no more.
	Configured bool `json:"configured"`
	// Learned are the addresses whose requests are known to have a Message-Authenticator, or not to. While
	// there is one that has, no new address may come without.
	Learned []Learned `json:"learned"`
}

// Learned is a source address whose requests have carried a Message-Authenticator since Since, or, where
// Unsigned, none. Seen is when that was seen last, to a day; zero where an earlier release has learned it.
type Learned struct {
	Address  netip.Addr `json:"address"`
	Since    time.Time  `json:"since"`
	Seen     time.Time  `json:"seen,omitzero"`
	Unsigned bool       `json:"unsigned,omitempty"`
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
