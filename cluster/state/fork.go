package state

import "slices"

// NewFrom returns a machine that goes on from a view, while the one that the view is of goes on as well:
// they share the memory of what neither of them has changed. It begins without checkpoints.
func NewFrom(v View) *Machine {
	m := &Machine{edit: v.root.edit}
	r := *v.root
	r.expiries = r.expiries.apart()
	m.now.Store(&r)
	return m
}

// apart returns the queue for another machine: one that appends to its buckets moves them first.
func (e expiries) apart() expiries {
	e = slices.Clone(e)
	for i, b := range e {
		own := *b
		own.ids = slices.Clip(b.ids)
		e[i] = &own
	}
	return e
}
