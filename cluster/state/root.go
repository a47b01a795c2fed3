package state

import (
	"crypto/sha256"
	"fmt"

	"sallyport/login"
)

// Meta is what the cluster is. A published Meta never changes.
type Meta struct {
	// ClusterID is empty until the cluster was founded.
	ClusterID string
	Epoch     uint32
	// Check tells whether a master key is the cluster's.
	Check []byte
	// Keys are the State keys, the current one last.
	Keys []StateKey
	// Authority is what certifies the nodes; empty until there is one.
	Authority Authority
	// Level is the feature level; 0 in what the first releases wrote, which means 1.
	Level uint32
	// Floors are the numbers that count as used for everybody, by factor, in order.
	Floors []Floor
}

// StateKey is a key for State tokens, sealed under the master key.
type StateKey struct {
	ID     uint8
	Sealed []byte
	// Since is when it became current, in nanoseconds since 1970.
	Since int64
}

func (m *Meta) wire(w *wire) {
	w.str(1, &m.ClusterID)
	number(w, 2, &m.Epoch)
	w.octets(3, &m.Check)
	list[StateKey](w, 4, &m.Keys)
	if w.done() {
		return
	}
	part[Authority](w, 5, &m.Authority)
	number(w, 6, &m.Level)
	list[Floor](w, 7, &m.Floors)
}

func (k *StateKey) wire(w *wire) {
	number(w, 1, &k.ID)
	w.octets(2, &k.Sealed)
	w.int(3, &k.Since)
}

// root is the whole state at one point of the log. What it points to never changes.
type root struct {
	edit     uint64 // of the change that made it: see tagMap
	time     int64
	index    uint64
	digest   [sha256.Size]byte // of the log up to here: see [View.Digest]
	meta     *Meta
	verdicts uint64
	decoys   uint64 // how many of the challenges
	names    names

	users      tagMap // by userKey: a User
	handles    tagMap // by handleKey: the user's key
	challenges tagMap // by id: a Challenge without its id
	requests   tagMap // by request tag: the id of the challenge
	rejoins    tagMap // by rejoin tag: the id of the challenge
	agains     tagMap // by the tag of a login without State: the id of the challenge
	passcodes  tagMap // by passcode tag: the id of the challenge
	learned    tagMap // by learnedKey: a Learned
	kept       tagMap // by keptKey: how many challenges of the user; by pendingKey: how many claims
	tallies    tagMap // by subjectKey: a tally
	windows    tagMap // by windowKey: a Window
	expiries   expiries
	acts       []act        // the oldest first
	nodes      []NodeRecord // by name, in order
	tokens     []Token      // the oldest first
}

func newRoot() root { return root{meta: &Meta{}} }

// user returns nil for a user who is not stored. id is the user's where the caller knows it.
func (r *root) user(w *wire, key tag, id string) *User {
	b, ok := r.users.get(key)
	if !ok {
		return nil
	}
	u := &User{ID: id}
	mustDecode(w, b, u)
	return u
}

// challenge returns nil for one that is not remembered. client and userID are what the caller
// expects.
func (r *root) challenge(w *wire, id login.ChallengeID, client, userID string) *Challenge {
	b, ok := r.challenges.get(tag(id))
	if !ok {
		return nil
	}
	c := &Challenge{Client: client, UserID: userID}
	mustDecode(w, b, c)
	c.ID = id
	return c
}

// mustDecode decodes what this program has encoded into its own memory. Were that damaged, nothing
// could be answered: a user who cannot be read must never look like one without a second factor.
func mustDecode(w *wire, b []byte, m message) {
	if err := w.decode(b, m); err != nil {
		panic(fmt.Sprintf("state: memory is damaged: %v", err))
	}
}
