package admin

import (
	"context"
	"net/http"
)

// Members returns the nodes of the cluster.
func (c *Caller) Members(ctx context.Context) (Members, error) {
	return call[Members](ctx, c, http.MethodGet, "/v1/cluster", nil)
}

// NewToken issues a token with which a node joins, once.
func (c *Caller) NewToken(ctx context.Context, act TokenAct) (TokenReply, error) {
	return call[TokenReply](ctx, c, http.MethodPost, "/v1/cluster/token", act)
}

// RemoveNode takes a node out of the cluster and returns the members that are left.
func (c *Caller) RemoveNode(ctx context.Context, act RemoveNodeAct) (Members, error) {
	return call[Members](ctx, c, http.MethodPost, "/v1/cluster/remove", act)
}

// AcceptClock has the node believe its clock, which was set at run time.
func (c *Caller) AcceptClock(ctx context.Context) (ClockReply, error) {
	return call[ClockReply](ctx, c, http.MethodPost, "/v1/cluster/clock", struct{}{})
}

// Transfer has another node lead and returns the members.
func (c *Caller) Transfer(ctx context.Context, act TransferAct) (Members, error) {
	return call[Members](ctx, c, http.MethodPost, "/v1/cluster/transfer", act)
}
