package cluster

import (
	"context"
	"errors"
	"fmt"

	"sallyport/cluster/state"
	"sallyport/login"
)

// errChallengeTaken means that a challenge id is in use for someone else: ids are random, so a
// caller has made a mistake.
var errChallengeTaken = errors.New("the challenge id belongs to another login")

// Open stores a challenge, changes it, or rejoins the one that is open under the same tag. See
// cluster/DESIGN.md for what decides whether a code may be sent.
func (l *ledger) Open(ctx context.Context, o login.Opening) (login.Opened, error) {
	var sealed []byte
	if len(o.Record) > 0 {
		var err error
		if sealed, err = l.sealer.seal(candidateName(o.ID, o.UserID, o.Factor), o.Record); err != nil {
			return login.Opened{}, err
		}
	}
	l.capacity.Store(o.Capacity)
	r, err := l.submit(ctx, openCommand(o, sealed))
	if err != nil {
		return login.Opened{}, fmt.Errorf("open challenge: %w", err)
	}
	if r.Status != state.Done {
		return login.Opened{}, fmt.Errorf("open challenge: %w", errChallengeTaken)
	}
	opened := login.Opened{ID: o.ID}
	if r.Opened != nil {
		if opened, err = l.opened(r.Opened); err != nil {
			return login.Opened{}, err
		}
	}
	opened.Stale, opened.Fresh = r.Stale, r.Fresh
	opened.Refusal, opened.SendAt = r.Refusal, instant(r.SendAt)
	return opened, nil
}

// SendFailed notes that a code did not leave: it does not count any more for the least time between
// two sends, but still for the rates. A send that is not known any more is no error.
func (l *ledger) SendFailed(ctx context.Context, f login.SendFailure) error {
	_, err := l.submit(ctx, &state.SendFailed{
		Challenge: f.Challenge, Client: f.Client, UserID: f.UserID, Factor: f.Factor, Number: f.Number,
	})
	if err != nil {
		return fmt.Errorf("note a failed send: %w", err)
	}
	return nil
}

// Settle commits the effect of one answer and returns the verdict. The number is used up, or the
// wrong answer counted, before it returns: only then may an Accept be sent (RFC 6238 §5.2).
func (l *ledger) Settle(ctx context.Context, s login.Settlement) (login.Outcome, error) {
	var sealed []byte
	if s.Register != nil {
		var err error
		if sealed, err = l.sealer.seal(credentialName(s.UserID, s.Factor, s.Version+1), s.Register); err != nil {
			return login.Outcome{}, err
		}
	}
	l.capacity.Store(s.Limits.Capacity)
	r, err := l.submit(ctx, settleCommand(s, sealed))
	if err != nil {
		return login.Outcome{}, fmt.Errorf("settle answer: %w", err)
	}
	return r.Outcome, nil
}

// Cancel ends a challenge. One that does not fit its challenge changes nothing and is no error:
// whoever cancels is refused either way.
func (l *ledger) Cancel(ctx context.Context, c login.Cancellation) error {
	l.capacity.Store(c.Capacity)
	if _, err := l.submit(ctx, cancelCommand(c)); err != nil {
		return fmt.Errorf("cancel challenge: %w", err)
	}
	return nil
}
