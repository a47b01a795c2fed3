package state

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"

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
}

func (k *StateKey) wire(w *wire) {
	number(w, 1, &k.ID)
	w.octets(2, &k.Sealed)
	w.int(3, &k.Since)
}

// root is the whole state at one point of the log. What it points to never changes.
type root struct {
	time     int64
	index    uint64
	meta     *Meta
	verdicts uint64

	users      *iradix.Tree[*User]
	handles    *iradix.Tree[string]
	challenges tagMap[*Challenge]
	requests   tagMap[login.ChallengeID]
	rejoins    tagMap[login.ChallengeID]
	expiries   *iradix.Tree[*bucket]
	learned    *iradix.Tree[*Learned]
}

func newRoot() root {
	return root{
		meta:     &Meta{},
		users:    iradix.New[*User](),
		handles:  iradix.New[string](),
		expiries: iradix.New[*bucket](),
		learned:  iradix.New[*Learned](),
	}
}

// Learned is a client's address that has sent Message-Authenticator, since when (nanoseconds since
// 1970).
type Learned struct {
	Client  string
	Address []byte
	Since   int64
}

func (l *Learned) wire(w *wire) {
	w.str(1, &l.Client)
	w.octets(2, &l.Address)
	w.int(3, &l.Since)
}

// learnedKey is length-prefixed, so that no client's addresses are found under another's name.
func learnedKey(b []byte, client string, address []byte) []byte {
	b = append(b, byte(len(client)>>8), byte(len(client)))
	b = append(b, client...)
	return append(b, address...)
}
