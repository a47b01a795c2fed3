package login

import (
	"context"
	"errors"
	"fmt"
)

// User is a person as the directory knows them.
type User struct {
	// ID is the immutable id, prefixed with the directory's name ("corp:6f1c…"). It names the
	// enrolment; the text typed never does. Two spellings of one person have one ID.
	ID string
	// Name is the directory's own spelling of the login name, for people to read.
	Name string
	// Mail and Phone are where the directory says that the person can be reached; may be empty.
	Mail  string
	Phone string
	// OtherMail and OtherPhone are further values, in the directory's order.
	OtherMail  []string
	OtherPhone []string
	// Groups are the names (DNs for LDAP) of the groups that the person belongs to.
	Groups []string
	// GroupBase and GroupsPartial are what else the directory says of the groups, see [Membership].
	GroupBase     string
	GroupsPartial string
	// Server names the directory server that answered, for the audit; may be empty.
	Server string
}

// Membership is what the directory says of the user's groups.
func (u User) Membership() Membership {
	return Membership{Names: u.Groups, Base: u.GroupBase, Partial: u.GroupsPartial}
}

// What a directory may say of a person, told apart from "could not ask", which is any other error.
// Compare with [errors.Is]; [RefusalCode] gives the verdict code.
var (
	// ErrNoUser means that no entry, or more than one, fits the name. An implementation takes as
	// long to say so as it takes to refuse a password.
	ErrNoUser = errors.New("no such user")
	// ErrSeveral is [ErrNoUser] where more than one entry fits the name.
	ErrSeveral = fmt.Errorf("%w: several entries fit", ErrNoUser)
	// ErrPassword means that the password is wrong, empty, or cannot be one.
	ErrPassword = errors.New("wrong password")
	// ErrPasswordExpired and ErrPasswordMustChange mean that the password was right, but does
	// not serve any more.
	ErrPasswordExpired    = errors.New("password expired")
	ErrPasswordMustChange = errors.New("password must be changed")
	// ErrDisabled, ErrLocked and ErrNotPermitted mean that the account may not log in; nothing
	// may be concluded about the password.
	ErrDisabled     = errors.New("account disabled")
	ErrLocked       = errors.New("account locked")
	ErrNotPermitted = errors.New("login not permitted here or now")
)

// Directory checks passwords and knows people's entries. Implementations are safe for concurrent
// use and obey the context's deadline.
type Directory interface {
	// Authenticate checks username (as typed) and password and returns the user. It returns one of
	// the Err values above, possibly wrapped, when the directory refused; the User is then filled
	// as far as it is known. Any other error means that the directory could not be asked.
	// An empty password, or one with a NUL, is ErrPassword before anything is asked: an LDAP bind
	// without a password succeeds (RFC 4513 §5.1.2).
	// Before any other password is tried it asks [MayTry], once, and returns that error as it is.
	Authenticate(ctx context.Context, username, password string) (User, error)
	// Lookup returns the user with this ID as the directory has it now, or had it within its
	// entry-cache time. Errors as in Authenticate; ErrNoUser when the entry is gone.
	Lookup(ctx context.Context, id string) (User, error)
	// Find returns the user whom username means, without a password. Errors as in Authenticate.
	Find(ctx context.Context, username string) (User, error)
}

// asking says how a directory is asked. It travels in the context: few questions need it.
type asking struct {
	anew   bool
	mayTry func(id string) error
}

type askingKey struct{}

func askingOf(ctx context.Context) asking {
	a, _ := ctx.Value(askingKey{}).(asking)
	return a
}

// Anew asks a [Directory] the same questions of its servers whoever it is about and whatever is remembered: entries
// are not taken from memory, and what only a right password or an existing person would need is read for all.
func Anew(ctx context.Context) context.Context {
	a := askingOf(ctx)
	a.anew = true
	return context.WithValue(ctx, askingKey{}, a)
}

// IsAnew reports whether ctx comes from [Anew]. It is for directories.
func IsAnew(ctx context.Context) bool { return askingOf(ctx).anew }

// WithMayTry has a [Directory] ask mayTry before it tries a password. id is the [User]'s; it is empty where nobody
// was found, or the person is only known after the password was right.
func WithMayTry(ctx context.Context, mayTry func(id string) error) context.Context {
	a := askingOf(ctx)
	a.mayTry = mayTry
	return context.WithValue(ctx, askingKey{}, a)
}

// MayTry is what a [Directory] asks before it tries a password; an error means that it must not.
func MayTry(ctx context.Context, id string) error {
	if a := askingOf(ctx); a.mayTry != nil {
		return a.mayTry(id)
	}
	return nil
}

// RefusalCode returns the verdict code of a directory's refusal, or "" when err is not one of the
// directory's refusals, so that nothing may be concluded about the user.
func RefusalCode(err error) Code {
	switch {
	case errors.Is(err, ErrNoUser), errors.Is(err, ErrPassword):
		return CodePasswordInvalid
	case errors.Is(err, ErrPasswordExpired):
		return CodePasswordExpired
	case errors.Is(err, ErrPasswordMustChange):
		return CodePasswordMustChange
	case errors.Is(err, ErrDisabled):
		return CodeAccountDisabled
	case errors.Is(err, ErrLocked):
		return CodeAccountLocked
	case errors.Is(err, ErrNotPermitted):
		return CodeNotPermitted
	}
	return ""
}
