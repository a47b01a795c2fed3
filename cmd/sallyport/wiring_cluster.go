package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sallyport/cluster"
	"sallyport/web/admin"
)

// clusterBook is the cluster as the administration and the metrics ask it.
type clusterBook struct{ *cluster.Node }

var _ admin.Cluster = clusterBook{}

// Members returns the nodes.
func (b clusterBook) Members(ctx context.Context) (admin.Members, error) {
	m, err := b.Node.Members(ctx)
	if err != nil {
		return admin.Members{}, err
	}
	all := admin.Members{
		ClusterID: m.ClusterID, Epoch: m.Epoch, Level: m.Level, Node: m.Node, Leader: m.Leader,
		Quorum: m.Quorum, FailureTolerance: m.FailureTolerance, Healthy: m.Healthy, Nodes: []admin.Member{},
	}
	for _, n := range m.Nodes {
		all.Nodes = append(all.Nodes, memberOf(n))
	}
	return all, nil
}

func memberOf(n cluster.Member) admin.Member {
	contact := float64(n.LastContact.Microseconds()) / 1e3
	if !n.Up && n.LastContact == 0 {
		contact = -1 // it never was
	}
	return admin.Member{
		Name: n.Name, Address: n.Address, Role: n.Role, Version: n.Version, Level: n.Level, Up: n.Up,
		LastContactMS: contact, ClockOffsetMS: float64(n.ClockOffset.Microseconds()) / 1e3,
		LastIndex: n.LastIndex, Applied: n.Applied, Lag: n.Lag,
		FreeBytes: n.FreeBytes, TotalBytes: n.TotalBytes, Reason: n.Reason, Settings: n.Settings,
	}
}

// NewToken returns a token for joining.
func (b clusterBook) NewToken(ctx context.Context, t admin.Token) (string, error) {
	token, err := b.Node.NewToken(ctx, cluster.TokenRequest(t))
	return token, problemOf(err)
}

// Remove takes a node out.
func (b clusterBook) Remove(ctx context.Context, node string, force bool) error {
	return problemOf(b.Node.Remove(ctx, node, force))
}

// Transfer has another node lead.
func (b clusterBook) Transfer(ctx context.Context, node string) error {
	return problemOf(b.Node.Transfer(ctx, node))
}

// AcceptClock believes this node's clock.
func (b clusterBook) AcceptClock(ctx context.Context) (time.Duration, error) {
	off, err := b.Node.AcceptClock(ctx)
	return off, problemOf(err)
}

// problemOf turns what the cluster refuses an administrator into what the administration tells.
func problemOf(err error) error {
	var refused *cluster.RefusedError
	if errors.As(err, &refused) {
		return &admin.Problem{Status: http.StatusConflict, Message: refused.Error()}
	}
	return err
}

// clusterPart adds the nodes to the state's account of itself.
type clusterPart struct{ *cluster.Node }

// Status is that of the node, and the members.
func (p clusterPart) Status(ctx context.Context) any {
	own := p.Node.Status(ctx)
	members, err := clusterBook(p).Members(ctx)
	state, ok := own.(cluster.Status)
	if err != nil || !ok {
		return own
	}
	return struct {
		cluster.Status
		Members admin.Members `json:"members"`
	}{state, members}
}

// leaderWithin is how long a start waits for the others of a cluster.
const leaderWithin = 20 * time.Second

// awaitState waits until the state can be read and written. A node of a cluster that meets nobody goes on
// after a while all the same, since the others may be started after it: it answers no login until then,
// and /readyz says what it waits for.
func (d *daemon) awaitState(ctx context.Context) error {
	if d.started.Cluster.Listen == "" {
		return stateError(d.state.WaitReady(ctx))
	}
	waiting, cancel := context.WithTimeout(ctx, leaderWithin)
	defer cancel()
	err := d.state.WaitReady(waiting)
	var setting *cluster.ConfigError
	if errors.Is(err, cluster.ErrOut) && !errors.As(err, &setting) {
		return nil // the node has said why, and /readyz goes on saying it: a restart repairs nothing
	}
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		d.log.Warn("no login is answered before this node has found the others", slog.Any("error", err))
		return nil
	}
	return stateError(err)
}

// stepDownWithin is how long a stop waits for another node to lead.
const stepDownWithin = 3 * time.Second

// stepDown has another node lead before this one stops, while RADIUS is still answered. Where that does
// not come about, the others elect a leader a moment later.
func (d *daemon) stepDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepDownWithin)
	defer cancel()
	if err := d.state.StepDown(ctx); err != nil {
		d.log.Warn("no other node took the lead", slog.String("event", "stop"), slog.Any("error", err))
	}
	return nil
}
