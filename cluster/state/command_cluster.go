package state

import "sallyport/login"

// Certify gives the cluster the authority that certifies its nodes: its certificate (DER), and its key
// sealed under the master key. [Done] when it has this very certificate already, [Conflict] when it has
// another one.
type Certify struct {
	Certificate []byte
	Key         []byte // sealed
}

func (c *Certify) kind() Kind { return KindCertify }

func (c *Certify) wire(w *wire) {
	w.octets(1, &c.Certificate)
	w.octets(2, &c.Key)
}

// IssueToken allows a node to join, once, until a time in nanoseconds since 1970. ID is a keyed tag of
// the token's secret. [Conflict] when as many tokens are kept as may be.
type IssueToken struct {
	ID       login.Tag
	Node     string
	NonVoter bool
	Until    int64
	Act      login.Tag
}

func (c *IssueToken) kind() Kind { return KindIssueToken }

func (c *IssueToken) wire(w *wire) {
	w.fixed(1, c.ID[:])
	w.str(2, &c.Node)
	w.bool(3, &c.NonVoter)
	w.int(4, &c.Until)
	w.fixed(5, c.Act[:])
}

// UseToken uses up a token, and stores the node that came with it. It is [Done] for the same act again
// while the node is there. Else [Unknown] says that there is no such token, or that its time is up,
// [Used] that it was used, [Conflict] that it is another node's or that the cluster has all the nodes
// that it may have, and [Present] that a node of this name is in the cluster.
type UseToken struct {
	ID      login.Tag
	Node    string
	Address string // host:port, where the other nodes reach it
	// Fingerprint is the SHA-256 of the node's certificate.
	Fingerprint [32]byte
	Act         login.Tag // never zero
}

func (c *UseToken) kind() Kind { return KindUseToken }

func (c *UseToken) wire(w *wire) {
	w.fixed(1, c.ID[:])
	w.str(2, &c.Node)
	w.str(3, &c.Address)
	w.fixed(4, c.Fingerprint[:])
	w.fixed(5, c.Act[:])
}

// Announce says what a node is now: address, version and the feature level that it knows. The very first
// node is stored by it. Any other must have joined, else it is [Unknown]: what a node had sent before it
// was removed does not bring it back. [Conflict] when the fingerprint is another one's; a zero
// Fingerprint says nothing about it.
type Announce struct {
	Node        string
	Address     string
	Version     string
	Level       uint32
	Fingerprint [32]byte
}

func (c *Announce) kind() Kind { return KindAnnounce }

func (c *Announce) wire(w *wire) {
	w.str(1, &c.Node)
	w.str(2, &c.Address)
	w.str(3, &c.Version)
	number(w, 4, &c.Level)
	w.fixed(5, c.Fingerprint[:])
}

// RemoveNode removes the record of a node; [Unknown] when there is none.
type RemoveNode struct {
	Node string
	Act  login.Tag
}

func (c *RemoveNode) kind() Kind { return KindRemoveNode }

func (c *RemoveNode) wire(w *wire) {
	w.str(1, &c.Node)
	w.fixed(2, c.Act[:])
}

// RaiseLevel raises the feature level, see [Level]; it never lowers it.
type RaiseLevel struct{ Level uint32 }

func (c *RaiseLevel) kind() Kind { return KindRaiseLevel }

func (c *RaiseLevel) wire(w *wire) { number(w, 1, &c.Level) }

// RaiseEpoch begins the epoch after Previous: every challenge and every verdict is dropped, Key becomes
// the only State key, and the floors count as used for everybody. [Conflict] when Previous is not the
// epoch.
type RaiseEpoch struct {
	Previous uint32
	Key      StateKey
	Floors   []Floor
	Act      login.Tag
}

func (c *RaiseEpoch) kind() Kind { return KindRaiseEpoch }

func (c *RaiseEpoch) wire(w *wire) {
	number(w, 1, &c.Previous)
	number(w, 2, &c.Key.ID)
	w.octets(3, &c.Key.Sealed)
	list[Floor](w, 4, &c.Floors)
	w.fixed(5, c.Act[:])
}
