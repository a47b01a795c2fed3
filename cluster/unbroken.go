//go:build !faults

package cluster

import (
	"context"

	"sallyport/cluster/state"
)

// planted changes nothing; see broken.go.
func (n *Node) planted(propose func(context.Context, state.Command) (state.Result, error)) func(context.Context, state.Command) (state.Result, error) {
	return propose
}
