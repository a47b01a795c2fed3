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
func (v View) User(id string) *User { return v.root.user(v.wire(), userKey(id), id) }

// UserByHandle returns nil when no user has this handle.
func (v View) UserByHandle(h login.Handle) *User {
	key, ok := v.root.handles.get(handleKey(h))
	if !ok {
		return nil
	}
	return v.root.user(v.wire(), tag(key), "")
}

// Users returns up to limit users. They have a fixed order, that of the hashes of their ids; those
// after the given id come, or from the first one when it is empty. The id need not be stored.
func (v View) Users(after string, limit int) []*User {
	var users []*User
	w := v.wire()
	collect := func(_ tag, b []byte) bool {
		if len(users) >= limit {
			return false
		}
		u := &User{}
		mustDecode(w, b, u)
		users = append(users, u)
		return true
	}
	if after == "" {
		v.root.users.walk(collect)
	} else {
		v.root.users.walkAfter(userKey(after), collect)
	}
	return users
}

// Challenge returns nil when nothing is remembered under this id.
func (v View) Challenge(id login.ChallengeID) *Challenge {
	return v.root.challenge(v.wire(), id, "", "")
}

func (v View) wire() *wire { return &wire{names: v.root.names} }

// Sizes counts what is stored.
type Sizes struct {
	Users      int
	Challenges int
	Decoys     uint64 // of the challenges
	Verdicts   uint64
	Learned    int // addresses of clients
	Tallies    int // subjects whose sends are counted
	Windows    int
}

// Sizes returns the counts.
func (v View) Sizes() Sizes {
	learned := 0
	v.root.eachLearned(func(_ tag, l *Learned) {
		if len(l.Address) > 0 {
			learned++
		}
	})
	return Sizes{
		Users:      v.root.users.size,
		Challenges: v.root.challenges.size,
		Decoys:     v.root.decoys,
		Verdicts:   v.root.verdicts,
		Learned:    learned,
		Tallies:    v.root.tallies.size,
		Windows:    v.root.windows.size,
	}
}
