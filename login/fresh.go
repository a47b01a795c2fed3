package login

import (
	"context"
	"errors"
	"slices"
)

// errReadAgain asks for the turn to be taken again: the state that it was taken by has just been
// brought up to date. It never leaves the engine.
var errReadAgain = errors.New("this node's state was behind, and was read again")

// enter takes the key ring. Where passwords are concealed the state is brought up to date at once: done
// only where something was not found, it would take time that tells so.
func (e *Engine) enter(ctx context.Context, t *turn) (err error) {
	t.ledger = e.cfg.Ledger
	if t.policy.ConcealPassword {
		if err = e.catchUp(ctx, t); err != nil {
			return err
		}
	}
	if t.keys, err = t.ledger.Keys(ctx); err != nil {
		return e.goAlone(ctx, t, err)
	}
	if t.policy.ConcealPassword || t.origin.Mode != ModeChallenge {
		return e.timely(t.policy)
	}
	return nil
}

// timely is an error where the policy has a factor that the time decides, and the clock cannot be trusted. Where a
// password that was wrong must not be told from a right one, nothing is answered then: else the one would be
// refused, and the other not answered.
func (e *Engine) timely(p Policy) error {
	factors := slices.Clone(p.Factors)
	for _, g := range p.Groups {
		factors = append(factors, g.Factors...)
	}
	for _, name := range factors {
		_, sends := e.cfg.Factors[name].(Sender)
		if sends || e.forwards(name) {
			continue
		}
		if _, err := e.cfg.CodeTime(); err != nil {
			return ledgerError(err)
		}
	}
	return nil
}

// catchUp brings this node's state up to what was committed anywhere before.
func (e *Engine) catchUp(ctx context.Context, t *turn) error {
	if t.alone {
		return alone()
	}
	err := e.timed(t, "ledger", func() (string, error) { return "", t.ledger.Refresh(ctx) })
	if err != nil {
		return ledgerError(err)
	}
	t.fresh = true
	return nil
}

// sure is asked before something is concluded from what was not found, or from what may be old. It is
// nil when the state was up to date after the turn began; else it brings it up to date and returns
// [errReadAgain], since the conclusion may be another now. Nothing may have been committed before.
func (e *Engine) sure(ctx context.Context, t *turn) error {
	if t.fresh {
		return nil
	}
	if err := e.catchUp(ctx, t); err != nil {
		return err
	}
	return errReadAgain
}

// lost looks at an outcome that says more of a request without a State than of its answer. What it was
// built on was read in this turn, and is read again where it was stale; what has expired meanwhile was
// not judged, and its retransmission may be.
func (e *Engine) lost(ctx context.Context, t *turn, out Outcome) error {
	switch {
	case t.state != "":
	case out.Stale:
		return e.sure(ctx, t)
	case out.Code == CodeStateExpired:
		return ledgerError(errors.New("the request took longer than its answer was good for"))
	}
	return nil
}

// twice takes a turn by what this node knows, and once more after read, by what the cluster knows, where
// that was not enough.
func (e *Engine) twice(t *turn, read func() error, take func() (Reply, error)) (Reply, error) {
	before := *t
	reply, err := take()
	if !errors.Is(err, errReadAgain) {
		return reply, err
	}
	before.event.Backends, before.fresh = t.event.Backends, true
	*t = before
	if err := read(); err != nil {
		return Reply{}, err
	}
	return take()
}

// readUser reads what is stored about the user of a first request, on which its challenge is built.
func (e *Engine) readUser(ctx context.Context, t *turn) (err error) {
	if t.enrolment, err = t.ledger.Enrolment(ctx, t.user.ID); err != nil {
		return ledgerError(err)
	}
	t.token.epoch = t.enrolment.Epoch
	return nil
}

// readStored reads what is stored about a challenge and its user. found is false when neither is. What
// is older than the State that is answered is read again.
func (e *Engine) readStored(ctx context.Context, t *turn) (found bool, err error) {
	for {
		var opened bool
		if t.opened, opened, err = t.ledger.Opened(ctx, t.token.challenge); err != nil {
			return false, ledgerError(err)
		}
		if found, err = e.readHolder(ctx, t, opened); err != nil {
			return false, err
		}
		behind := !found || t.enrolment.Epoch < t.token.epoch || t.opened.Sequence < t.token.sequence ||
			!opened && t.token.has(flagRegistering|flagDialogue)
		if !behind {
			return true, nil
		}
		if t.fresh {
			return found, e.dialogueAlone(ctx, t)
		}
		if err := e.catchUp(ctx, t); err != nil {
			return false, err
		}
	}
}

// readHolder reads what is stored about the user whom the State was issued to.
func (e *Engine) readHolder(ctx context.Context, t *turn, opened bool) (found bool, err error) {
	if t.token.has(flagDecoy) {
		return true, nil
	}
	if t.enrolment, found, err = t.ledger.EnrolmentByHandle(ctx, t.token.handle); err == nil && !found && opened {
		t.enrolment, err = t.ledger.Enrolment(ctx, t.opened.UserID)
	}
	if err != nil {
		return false, ledgerError(err)
	}
	return (found || opened) && t.keys.Handle(t.enrolment.UserID) == t.token.handle, nil
}
