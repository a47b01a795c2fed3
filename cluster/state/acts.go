package state

import (
	"slices"

	"sallyport/login"
)

// actsKept is how many administrative commands are remembered. One whose outcome was not known comes
// again within seconds, and people do not give so many in that time.
const actsKept = 64

// act is what became of an administrative command.
type act struct {
	id     login.Tag
	status Status
	count  uint32
}

func (a *act) wire(w *wire) {
	w.fixed(1, a.id[:])
	number(w, 2, &a.status)
	number(w, 3, &a.count)
}

// once has the effect of an administrative command, or repeats what became of it: other than a login,
// such a command cannot be told by what it did before. Whoever registered after a reset would lose
// that registration too, were the same reset applied again. Commands without an id, which earlier
// programs wrote, have their effect each time.
func (t *txn) once(id login.Tag, effect func() Result) Result {
	if id == (login.Tag{}) {
		return effect()
	}
	if i := slices.IndexFunc(t.acts, func(a act) bool { return a.id == id }); i >= 0 {
		return Result{Status: t.acts[i].status, Count: int(t.acts[i].count)}
	}
	r := effect()
	t.remember(act{id, r.Status, uint32(r.Count)})
	return r
}

// remember keeps an act in place of the oldest.
func (t *txn) remember(a act) {
	t.acts = append(slices.Clone(t.acts[max(0, len(t.acts)-actsKept+1):]), a)
}
