package state

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"sallyport/login"
)

// txn is one batch being applied: a root whose trees are being changed. It is published by commit,
// or dropped without a trace.
type txn struct {
	root
	edit   uint64
	intern map[string]string

	usersTxn    *iradix.Txn[*User]
	handlesTxn  *iradix.Txn[string]
	expiriesTxn *iradix.Txn[*bucket]
	learnedTxn  *iradix.Txn[*Learned]
}

func newTxn(r *root, edit uint64, intern map[string]string) *txn {
	return &txn{
		root:        *r,
		edit:        edit,
		intern:      intern,
		usersTxn:    r.users.Txn(),
		handlesTxn:  r.handles.Txn(),
		expiriesTxn: r.expiries.Txn(),
		learnedTxn:  r.learned.Txn(),
	}
}

func (t *txn) commit() *root {
	r := t.root
	r.users = t.usersTxn.CommitOnly()
	r.handles = t.handlesTxn.CommitOnly()
	r.expiries = t.expiriesTxn.CommitOnly()
	r.learned = t.learnedTxn.CommitOnly()
	return &r
}

// maxInterned bounds the names of which one copy is shared: clients and factors, a handful.
const maxInterned = 4096

// shared returns one copy of a name that many challenges hold. The map is only ever looked up.
func (t *txn) shared(name string) string {
	if s, ok := t.intern[name]; ok {
		return s
	}
	if len(t.intern) < maxInterned {
		t.intern[name] = name
	}
	return name
}

// user returns nil for a user who is not stored.
func (t *txn) user(id string) *User {
	u, _ := t.usersTxn.Get([]byte(id))
	return u
}

// newUser is a user to be stored for the first time. A handle belongs to one user: should two have
// the same (1 in 2^64), the second is not found by it.
func (t *txn) newUser(id, name string, h login.Handle) *User {
	if _, taken := t.handlesTxn.Get(h[:]); taken {
		h = login.Handle{}
	}
	return &User{ID: id, Name: name, Handle: h}
}

func (t *txn) putUser(u *User) {
	t.usersTxn.Insert([]byte(u.ID), u)
	if u.Handle == (login.Handle{}) {
		return
	}
	if _, known := t.handlesTxn.Get(u.Handle[:]); !known {
		t.handlesTxn.Insert([]byte(string(u.Handle[:])), u.ID)
	}
}

// challenge returns nil for one that is not remembered.
func (t *txn) challenge(id login.ChallengeID) *Challenge {
	c, _ := t.challenges.get(tag(id))
	return c
}

func (t *txn) putChallenge(c *Challenge) { t.challenges.set(t.edit, tag(c.ID), c) }

// full reports whether no further challenge may be kept.
func (t *txn) full(capacity uint64) bool {
	return capacity > 0 && uint64(t.challenges.size) >= capacity
}

// newChallenge is a challenge to be stored for the first time; it is in the expiry queue already.
func (t *txn) newChallenge(id login.ChallengeID, client, userID string, expires, keep int64) *Challenge {
	if u := t.user(userID); u != nil {
		userID = u.ID // share the memory
	}
	c := &Challenge{ID: id, UserID: userID, Client: t.shared(client), Expires: expires}
	c.Forget = ceilSeconds(later(expires, keep))
	t.queue(c.Forget, id)
	return c
}
