package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sallyport/login"
	"sallyport/radius"
	"sallyport/web/status"
)

// starting is a part that is never ready. It stands among the others until the start is over: parts that
// are not built yet cannot say themselves that they do not serve.
type starting struct{}

// Name is what /readyz calls it.
func (starting) Name() string { return "start" }

// Ready says that the start goes on.
func (starting) Ready(context.Context) error { return errors.New("the daemon is starting") }

// Status has nothing to add.
func (starting) Status(context.Context) any { return nil }

// live adds to a part what tells a hang from a back end that is down.
type live struct {
	status.Part
	alive func(context.Context) error
}

var _ status.Alive = live{}

// Alive says which loop hangs.
func (l live) Alive(ctx context.Context) error { return l.alive(ctx) }

// stateAlive asks for any answer: a node without a leader answers, one whose disk hangs does not.
func (d *daemon) stateAlive(ctx context.Context) error {
	if err := d.state.Ready(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}

// stuckAfter is far beyond the time after which a waiting packet is of no use and dropped: only
// workers that take no packet at all let one become as old.
const stuckAfter = 30 * time.Second

// radiusAlive wants the sockets read and the queue worked off.
func (d *daemon) radiusAlive(ctx context.Context) error {
	if err := d.radius.Ready(ctx); err != nil {
		return err
	}
	if wait := d.radius.Stats().OldestWait; wait > stuckAfter {
		return fmt.Errorf("no worker has taken a packet for %v", wait)
	}
	return nil
}

// canServe is the answer to Status-Server: this node can serve the client's policy.
func (d *daemon) canServe() func(radius.Client) error {
	policies := newServing(func(ctx context.Context, policy string) error {
		return errors.Join(d.servesPolicy(ctx, policy), d.logins.ready(ctx, policy))
	}, d.now)
	return func(c radius.Client) error { return policies.can(c.Policy) }
}

// servesPolicy says why the state does not serve a policy. Without a quorum it serves those that lead to
// an RSA server, for as long as passcodes may be forwarded then.
func (d *daemon) servesPolicy(ctx context.Context, policy string) error {
	err := d.state.Serving(ctx)
	if err == nil {
		return nil
	}
	if _, alone := d.state.Solo(); alone && d.config.Load().Policies[policy].Forwards() {
		return nil
	}
	return err
}

// requestKey names a packet whichever node it reaches, so that its verdict is found again. Without
// the keys it has no name, and is a packet like any other.
func (d *daemon) requestKey(parts ...[]byte) login.Tag {
	ring, err := d.state.Keys(context.Background())
	if err != nil {
		solo, alone := d.state.Solo()
		if !alone {
			return login.Tag{}
		}
		if ring, err = solo.Keys(context.Background()); err != nil {
			return login.Tag{}
		}
	}
	return ring.Tag(login.PurposePacket, parts...)
}

// observe takes each verdict to the audit and to the metrics. The line is written when it returns, unless
// nobody reads the log.
func (d *daemon) observe(e login.Event) {
	if suppressed, ok := d.refusals.pass(e); ok {
		auditLogin(d.audit, e, suppressed)
	}
	d.metrics.verdicts.Observe(e)
}

// recordAccounting makes what a client says of a session durable, and then tells it.
func (d *daemon) recordAccounting(ctx context.Context, r radius.AccountingRecord) error {
	if err := d.events.Append(ctx, "accounting", r); err != nil {
		return err
	}
	auditAccounting(d.audit, r)
	return nil
}

// delivered takes what became of each message to the audit and to the metrics. One that did not leave
// is warned of: a mail server or a gateway may need repair.
func (d *daemon) delivered(m login.Delivery) {
	auditDelivery(d.audit, m)
	d.metrics.sent(m)
}
