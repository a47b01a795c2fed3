package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"sallyport/cluster/state"
	"sallyport/login"
)

// ErrUnknown means that nothing is stored about the user, or not about that factor.
var ErrUnknown = errors.New("not enrolled")

// Registration is a credential that is stored without a challenge.
type Registration struct {
	// UserID is the directory's immutable id with its prefix, as in [login.User].
	UserID string
	// Name is how the user is shown.
	Name   string
	Factor string
	// Record is what the factor's Registrar made; it is stored sealed.
	Record []byte
}

// Users returns up to limit users that come after the one with the given UserID, from the first when
// it is empty. The order is fixed, but it is not that of the ids: whoever shows users sorts them.
// Going on from the last UserID of each page shows everyone who is stored all the while. There is no
// secret in it: records stay sealed, and a credential is listed only when it is registered.
func (l *ledger) Users(_ context.Context, after string, limit int) ([]login.Enrolment, error) {
	if err := l.readable(); err != nil {
		return nil, err
	}
	stored := l.machine.View().Users(after, limit)
	users := make([]login.Enrolment, len(stored))
	for i, u := range stored {
		users[i] = enrolmentOf(u)
		maps.DeleteFunc(users[i].Credentials, func(_ string, c login.Credential) bool { return !c.Registered() })
	}
	return users, nil
}

// Register stores a credential in place of the user's earlier one of that factor. It raises version
// and epoch, so pending challenges of the user end. A number that was used stays used.
func (l *ledger) Register(ctx context.Context, r Registration) error {
	if r.UserID == "" || r.Factor == "" || len(r.Record) == 0 {
		return errors.New("register credential: user id, factor and record are all needed")
	}
	ring, err := l.Keys(ctx)
	if err != nil {
		return fmt.Errorf("register credential: %w", err)
	}
	for {
		version := l.machine.View().User(r.UserID).Credential(r.Factor).Version
		sealed, err := l.sealer.seal(credentialName(r.UserID, r.Factor, version+1), r.Record)
		if err != nil {
			return err
		}
		result, err := l.submit(ctx, &state.Register{
			UserID: r.UserID, Name: r.Name, Handle: ring.Handle(r.UserID),
			Factor: r.Factor, Version: version, Record: sealed,
		})
		if err != nil {
			return fmt.Errorf("register credential: %w", err)
		}
		if result.Status == state.Done {
			return nil
		}
		// The version moved on between reading and committing: read it again.
	}
}

// Reset removes the user's credential of a factor, or all when factor is empty, and raises the
// epoch: pending challenges end and recorded verdicts are void. [ErrUnknown] when there is nothing.
func (l *ledger) Reset(ctx context.Context, userID, factor string) error {
	return l.administer(ctx, "reset", userID, factor, &state.Reset{UserID: userID, Factor: factor})
}

// Unlock clears the counters and locks of a factor, or of all when factor is empty. [ErrUnknown]
// when there is nothing.
func (l *ledger) Unlock(ctx context.Context, userID, factor string) error {
	return l.administer(ctx, "unlock", userID, factor, &state.Unlock{UserID: userID, Factor: factor})
}

func (l *ledger) administer(ctx context.Context, verb, userID, factor string, c state.Command) error {
	r, err := l.submit(ctx, c)
	if err != nil {
		return fmt.Errorf("%s user: %w", verb, err)
	}
	if r.Status == state.Unknown {
		if factor == "" {
			return fmt.Errorf("%s user: %q is %w", verb, userID, ErrUnknown)
		}
		return fmt.Errorf("%s user: %q is %w for %s", verb, userID, ErrUnknown, factor)
	}
	return nil
}
