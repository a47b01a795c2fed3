package state

// forkEdits is where the edits of a fork begin. What it shares with its origin was made by earlier ones,
// and is copied before it changes (see tagmap.go).
const forkEdits = 1 << 62

// Fork returns a machine that goes on from this view by itself. It shares memory with its origin, and
// neither changes the other.
func (v View) Fork() *Machine {
	m := &Machine{edit: forkEdits}
	m.now.Store(v.root)
	return m
}
