package login

import (
	"net/netip"
	"time"
)

// Proof is what a request has shown of whoever shares the client's secret. A front end that learns from
// requests learns from those that showed enough, and tells nobody: [Reply].Proof is never sent.
type Proof uint8

// The proofs, each of which includes those before it.
const (
	// ProofNone: nothing, or nothing new: the verdict had been given before.
	ProofNone Proof = iota
	// ProofState: a State that this cluster has sealed, for that client, and that has not ended. It is in
	// the clear on the network, so whoever signs nothing may have it from there.
	ProofState
	// ProofSecret: a right password or code, which only the shared secret can have hidden. Whoever has read one packet
	// can send its hidden password again, in another packet under the same Request Authenticator.
	ProofSecret
	// ProofLogin: a login that was completed by something that is used up by it, so no packet that was read can show it
	// again.
	ProofLogin
)

// String tells nothing: whoever reads replies must not learn that a concealed password was right.
func (Proof) String() string { return "[redacted]" }

// SenderTag names a program behind a source address by what it says of itself in each request. The zero
// value is one that says nothing.
type SenderTag [8]byte

// Lesson is that requests which showed a [Proof] come from an address of a RADIUS client: with a
// Message-Authenticator, or without one.
type Lesson struct {
	Client   string
	Address  netip.Addr
	Sender   SenderTag
	Unsigned bool
}

// Sighting is what is remembered of the requests from an address of a client that were signed, or of
// those that were not. The zero value is that there were none lately.
type Sighting struct {
	// Since is when the first one was seen, Seen when one was seen last, to a day.
	Since, Seen time.Time
	// Senders are who sent them, at most [MaxSenders]; none where that is not known.
	Senders []SenderTag
}

// MaxSenders is how many programs behind one address are told apart.
const MaxSenders = 8
