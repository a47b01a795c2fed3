package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// ledger is what [Node] and [Memory] have in common: everything but how a command is committed and
// when the local state may be read.
type ledger struct {
	machine *state.Machine
	sealer  *sealer
	clock   *logClock
	keyLife time.Duration
	rings   ringCache

	// propose commits a command and returns its result; it fails only with login.ErrUnavailable.
	propose func(context.Context, state.Command) (state.Result, error)
	// readable is nil while the local state is as new as the log was when this node began to
	// lead. An older one may lack a user, and "not stored" must never mean "no second factor".
	readable func() error
	// refresh and solo are those of [login.Ledger]; nil means that there is nothing to wait for, and no
	// time without a quorum.
	refresh func(context.Context) error
	solo    func() (login.Ledger, bool)

	capacity atomic.Uint64 // as the last login asked for
}

// Now is the time of the log; see [login.Ledger].
func (l *ledger) Now() time.Time { return l.clock.now() }

// Refresh returns when reads have everything that was committed before the call.
func (l *ledger) Refresh(ctx context.Context) error {
	if l.refresh == nil {
		return l.readable()
	}
	return l.refresh(ctx)
}

// Solo returns the ledger of this node alone, where there is no quorum and forwarding may go on.
func (l *ledger) Solo() (login.Ledger, bool) {
	if l.solo == nil {
		return nil, false
	}
	return l.solo()
}

// submit commits a command whose result must be one that the state machine decided.
func (l *ledger) submit(ctx context.Context, c state.Command) (state.Result, error) {
	r, err := l.propose(ctx, c)
	if err != nil {
		return r, err
	}
	switch r.Status {
	case state.Full:
		return r, login.ErrFull
	case state.Crowded:
		return r, fmt.Errorf("%w of this user", login.ErrFull)
	case state.Ignored:
		return r, fmt.Errorf("the state machine did not understand the command; do all nodes run this version? %w", login.ErrUnavailable)
	}
	return r, nil
}

// Enrolment returns what is stored about the user. Records stay sealed: most reads need none.
func (l *ledger) Enrolment(_ context.Context, userID string) (login.Enrolment, error) {
	if err := l.readable(); err != nil {
		return login.Enrolment{}, err
	}
	u := l.machine.View().User(userID)
	if u == nil {
		return login.Enrolment{UserID: userID}, nil
	}
	return enrolmentOf(u), nil
}

// EnrolmentByHandle finds the user by handle.
func (l *ledger) EnrolmentByHandle(_ context.Context, h login.Handle) (login.Enrolment, bool, error) {
	if err := l.readable(); err != nil {
		return login.Enrolment{}, false, err
	}
	u := l.machine.View().UserByHandle(h)
	if u == nil {
		return login.Enrolment{}, false, nil
	}
	return enrolmentOf(u), true, nil
}

// Record opens the record of one of the enrolment's credentials. It needs nothing but the enrolment,
// and so never mixes two versions.
func (l *ledger) Record(_ context.Context, e login.Enrolment, factor string) ([]byte, error) {
	c := e.Credentials[factor]
	if len(c.Sealed) == 0 {
		return nil, nil
	}
	plain, err := l.sealer.open(credentialName(e.UserID, factor, c.Version), c.Sealed)
	if err != nil {
		return nil, fmt.Errorf("read the %s credential of %q: %w", factor, e.UserID, err)
	}
	return plain, nil
}

// Opened returns what is known of a challenge.
func (l *ledger) Opened(_ context.Context, id login.ChallengeID) (login.Opened, bool, error) {
	if err := l.readable(); err != nil {
		return login.Opened{}, false, err
	}
	c := l.machine.View().Challenge(id)
	if c == nil {
		return login.Opened{}, false, nil
	}
	o, err := l.opened(c)
	return o, err == nil, err
}

// Recorded returns the verdict that the local state holds for an answer.
func (l *ledger) Recorded(_ context.Context, s login.Settlement) (login.Outcome, bool, error) {
	if err := l.readable(); err != nil {
		return login.Outcome{}, false, err
	}
	o, found := l.machine.View().Recorded(settleCommand(s, nil), l.Now().UnixNano())
	return o, found, nil
}

func (l *ledger) opened(c *state.Challenge) (login.Opened, error) {
	o := openedOf(c)
	if c.Opening != nil && len(c.Opening.Record) > 0 {
		plain, err := l.sealer.open(candidateName(c.ID, c.UserID, c.Opening.Factor), c.Opening.Record)
		if err != nil {
			return login.Opened{}, fmt.Errorf("read the candidate of a challenge of %q: %w", c.UserID, err)
		}
		o.Record = plain
	}
	return o, nil
}
