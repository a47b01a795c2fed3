package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// errWindows means that no more windows can be opened.
var errWindows = errors.New("as many windows are open as may be: close some that are not needed")

// CodeGrant is one-time codes that an administrator, or the user, lets a user have.
type CodeGrant struct {
	// UserID is the directory's immutable id with its prefix, as in [login.User]; Name is how the
	// user is shown, "" leaves it as it is.
	UserID string
	Name   string
	// Factor is one of [login.CredentialRecovery], [login.CredentialBypass] and
	// [login.CredentialInvitation].
	Factor string
	// Codes are at most 32, each with a tag and at least one use. None takes away what there is.
	Codes []login.OneTimeCode
	// Note says who issued them and why, in at most 512 octets.
	Note string
}

func (g CodeGrant) check() error {
	switch {
	case g.UserID == "":
		return errors.New("the user id is missing")
	case g.Factor != login.CredentialRecovery && g.Factor != login.CredentialBypass && g.Factor != login.CredentialInvitation:
		return fmt.Errorf("%q holds no one-time codes", g.Factor)
	case len(g.Codes) > state.MaxCodes:
		return fmt.Errorf("%d codes are too many, at most %d can be kept", len(g.Codes), state.MaxCodes)
	case len(g.Note) > state.MaxNote:
		return fmt.Errorf("the note has %d octets, at most %d can be kept", len(g.Note), state.MaxNote)
	case slices.ContainsFunc(g.Codes, func(c login.OneTimeCode) bool { return c.Tag == (login.Tag{}) || c.Uses == 0 }):
		return errors.New("a code has no tag, or no use")
	}
	return nil
}

// Grant puts codes in place of those that the user has of that kind, and unlocks the kind. It stores
// a user who is not stored yet; pending challenges go on.
func (l *ledger) Grant(ctx context.Context, g CodeGrant) error {
	if err := g.check(); err != nil {
		return fmt.Errorf("grant codes: %w", err)
	}
	ring, err := l.Keys(ctx)
	if err != nil {
		return fmt.Errorf("grant codes: %w", err)
	}
	codes := make([]state.OneTimeCode, len(g.Codes))
	for i, c := range g.Codes {
		codes[i] = state.OneTimeCode{Tag: c.Tag, Uses: c.Uses, Until: nanoseconds(c.Until)}
	}
	_, err = l.submit(ctx, &state.Grant{
		UserID: g.UserID, Name: g.Name, Handle: ring.Handle(g.UserID), Factor: g.Factor,
		Codes: codes, Note: g.Note, Act: newAct(),
	})
	if err != nil {
		return fmt.Errorf("grant codes: %w", err)
	}
	return nil
}

// Renew makes the user register the factor anew at the next login. [login.ErrNotEnrolled] when it is
// not registered.
func (l *ledger) Renew(ctx context.Context, userID, factor string) error {
	r, err := l.submit(ctx, &state.Renew{UserID: userID, Factor: factor, Act: newAct()})
	if err != nil {
		return fmt.Errorf("renew registration: %w", err)
	}
	if r.Status == state.Unknown {
		return fmt.Errorf("renew registration: %w", notEnrolled(userID, factor))
	}
	return nil
}

// Window is a subject who may register for the first time until a moment: a user id, or a group as
// [login.GroupSubject] writes it.
type Window struct {
	Subject string
	Until   time.Time
}

// OpenWindow lets a subject register for the first time until that time, whatever was said before. A
// time that is zero or past closes the window.
func (l *ledger) OpenWindow(ctx context.Context, subject string, until time.Time) error {
	if subject == "" || len(subject) > state.MaxSubject {
		return fmt.Errorf("open window: a subject has 1 to %d octets", state.MaxSubject)
	}
	r, err := l.submit(ctx, &state.OpenWindow{Subject: subject, Until: nanoseconds(until), Act: newAct()})
	if err != nil {
		return fmt.Errorf("open window: %w", err)
	}
	if r.Status == state.Conflict {
		return fmt.Errorf("open window: %w", errWindows)
	}
	return nil
}

// Windows returns the windows that are open, by subject.
func (l *ledger) Windows(ctx context.Context) ([]Window, error) {
	if err := l.Refresh(ctx); err != nil {
		return nil, err
	}
	var open []Window
	now := l.Now()
	for _, w := range l.machine.View().Windows() {
		if until := instant(w.Until); now.Before(until) {
			open = append(open, Window{w.Subject, until})
		}
	}
	slices.SortFunc(open, func(a, b Window) int { return strings.Compare(a.Subject, b.Subject) })
	return open, nil
}

// Window reports whether the window is open for one of the subjects.
func (l *ledger) Window(_ context.Context, subjects []string) (bool, error) {
	if err := l.readable(); err != nil {
		return false, err
	}
	now, view := l.Now(), l.machine.View()
	return slices.ContainsFunc(subjects, func(s string) bool { return now.Before(instant(view.Window(s))) }), nil
}
