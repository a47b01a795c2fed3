package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"

	"sallyport/cluster/state"
	"sallyport/login"
)

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
func (l *ledger) Users(ctx context.Context, after string, limit int) ([]login.Enrolment, error) {
	if err := l.Refresh(ctx); err != nil {
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
		// The version has moved on since it was read, here or on another node: read it again.
		if err := l.Refresh(ctx); err != nil {
			return fmt.Errorf("register credential: %w", err)
		}
	}
}

// Reset removes the user's credential of a factor, or all when factor is empty, and raises the
// epoch: pending challenges end, also those of a first registration, and recorded verdicts are void.
// [login.ErrNotEnrolled] means that there was no credential to remove, and all the rest was done.
func (l *ledger) Reset(ctx context.Context, userID, factor string) error {
	ring, err := l.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reset user: %w", err)
	}
	r, err := l.submit(ctx, &state.Reset{UserID: userID, Factor: factor, Act: newAct(), Handle: ring.Handle(userID)})
	if err != nil {
		return fmt.Errorf("reset user: %w", err)
	}
	if r.Count == 0 {
		return fmt.Errorf("reset user: %w; pending registrations were ended", notEnrolled(userID, factor))
	}
	return nil
}

// Unlock clears the counters and locks of a factor, or of all when factor is empty.
// [login.ErrNotEnrolled] when there is nothing.
func (l *ledger) Unlock(ctx context.Context, userID, factor string) error {
	r, err := l.submit(ctx, &state.Unlock{UserID: userID, Factor: factor, Act: newAct()})
	if err != nil {
		return fmt.Errorf("unlock user: %w", err)
	}
	if r.Status == state.Unknown {
		return fmt.Errorf("unlock user: %w", notEnrolled(userID, factor))
	}
	return nil
}

func notEnrolled(userID, factor string) error {
	if factor == "" {
		return fmt.Errorf("%q is %w", userID, login.ErrNotEnrolled)
	}
	return fmt.Errorf("%q is %w for %s", userID, login.ErrNotEnrolled, factor)
}

// newAct names one administrative command.
func newAct() (act login.Tag) {
	_, _ = rand.Read(act[:]) // never fails (crypto/rand)
	return act
}
