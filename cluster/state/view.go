package state

import "sallyport/login"

// View is the state at one point of the log. It never changes; everything that its methods return
// must not be changed either.
type View struct{ root *root }

// View returns the state after the last entry that was applied.
func (m *Machine) View() View { return View{m.now.Load()} }

// Time is the time of the log in nanoseconds since 1970.
func (v View) Time() int64 { return v.root.time }

// Index is that of the last log entry applied.
func (v View) Index() uint64 { return v.root.index }

// Meta returns what the cluster is.
func (v View) Meta() *Meta { return v.root.meta }

// User returns nil when nothing is stored.
func (v View) User(id string) *User {
	u, _ := v.root.users.Get([]byte(id))
	return u
}

// UserByHandle returns nil when no user has this handle.
func (v View) UserByHandle(h login.Handle) *User {
	id, ok := v.root.handles.Get(h[:])
	if !ok {
		return nil
	}
	return v.User(id)
}

// Users returns up to limit users whose id comes after the given one, in order.
func (v View) Users(after string, limit int) []*User {
	var users []*User
	it := v.root.users.Root().Iterator()
	it.SeekLowerBound([]byte(after))
	for len(users) < limit {
		_, u, ok := it.Next()
		if !ok {
			break
		}
		if u.ID != after {
			users = append(users, u)
		}
	}
	return users
}

// Challenge returns nil when nothing is remembered under this id.
func (v View) Challenge(id login.ChallengeID) *Challenge {
	c, _ := v.root.challenges.get(tag(id))
	return c
}

// HasLearned reports whether the client was seen to send Message-Authenticator from the address.
func (v View) HasLearned(client string, address []byte) bool {
	if len(client) > 1<<16-1 {
		return false
	}
	var b [128]byte
	_, ok := v.root.learned.Get(learnedKey(b[:0], client, address))
	return ok
}

// Learned returns everything that was learned.
func (v View) Learned() []*Learned {
	var all []*Learned
	it := v.root.learned.Root().Iterator()
	for _, l, ok := it.Next(); ok; _, l, ok = it.Next() {
		all = append(all, l)
	}
	return all
}

// Sizes counts what is stored.
type Sizes struct {
	Users      int
	Challenges int
	Verdicts   uint64
	Learned    int
}

// Sizes returns the counts.
func (v View) Sizes() Sizes {
	return Sizes{
		Users:      v.root.users.Len(),
		Challenges: v.root.challenges.size,
		Verdicts:   v.root.verdicts,
		Learned:    v.root.learned.Len(),
	}
}
