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
