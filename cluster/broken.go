//go:build faults

package cluster

import (
	"context"

	"sallyport/cluster/faults"
	"sallyport/cluster/state"
)

// planted makes the node judge answers by its own replica, and commit them later: what the tests of the
// cluster must find.
func (n *Node) planted(propose func(context.Context, state.Command) (state.Result, error)) func(context.Context, state.Command) (state.Result, error) {
	if !faults.JudgeLocally() {
		return propose
	}
	return func(ctx context.Context, c state.Command) (state.Result, error) {
		if _, ok := c.(*state.Settle); !ok {
			return propose(ctx, c)
		}
		go func() { _, _ = propose(context.WithoutCancel(ctx), c) }()
		view := n.machine.View()
		entry := state.EncodeBatch(n.Now().UnixNano(), [][]byte{state.Encode(c)})
		return state.NewFrom(view).Apply(view.Index()+1, entry)[0], nil
	}
}
