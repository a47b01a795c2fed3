package cluster

import (
	"context"
	"fmt"
	"sync"

	"sallyport/cluster/state"
	"sallyport/login"
)

// newSolo returns the ledger of a node without a quorum; see [login.Ledger].Solo. It goes on from the
// state of l, which it does not change, and knows only what an RSA server judges. It serves for as long
// as it is held: the dialogues in it may end there when the quorum is back.
func newSolo(l *ledger) *ledger {
	machine := state.NewFrom(l.machine.View())
	solo := &ledger{machine: machine, sealer: l.sealer, clock: l.clock, keyLife: l.keyLife, readable: func() error { return nil }}
	solo.refresh = func(context.Context) error {
		return fmt.Errorf("%w: this node has no quorum, so that nothing newer is known", login.ErrUnavailable)
	}
	var one sync.Mutex
	solo.propose = func(ctx context.Context, c state.Command) (state.Result, error) {
		switch c.(type) {
		case *state.Claim, *state.Conclude, *state.Cancel:
		default:
			return state.Result{}, fmt.Errorf("%w: there is no quorum, and this is not done without one", login.ErrUnavailable)
		}
		if err := ctx.Err(); err != nil {
			return state.Result{}, fmt.Errorf("%w: %w", login.ErrUnavailable, err)
		}
		one.Lock()
		defer one.Unlock()
		entry := state.EncodeBatch(solo.Now().UnixNano(), [][]byte{state.Encode(c)})
		return machine.Apply(machine.View().Index()+1, entry)[0], nil
	}
	return solo
}
