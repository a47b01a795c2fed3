package admin

import (
	"context"
	"time"

	"sallyport/login"
	"sallyport/web/status"
)

// Users is what the API needs to know and do about stored users. Errors are [login.ErrUnavailable],
// possibly wrapped, when nothing may be concluded.
type Users interface {
	// Users returns up to limit users that come after the one with the ID after, from the first
	// when it is empty, with the factors that they have registered, records sealed. The order is
	// fixed, and the ledger's own.
	Users(ctx context.Context, after string, limit int) ([]login.Enrolment, error)
	// Enrolment returns what is stored about the user; nothing stored is an empty enrolment. Record
	// opens the record of one of its factors, Opened what is known of a challenge.
	Enrolment(ctx context.Context, userID string) (login.Enrolment, error)
	Record(ctx context.Context, e login.Enrolment, factor string) ([]byte, error)
	Opened(ctx context.Context, id login.ChallengeID) (o login.Opened, found bool, err error)
	// Keys returns the key ring, which names one-time codes.
	Keys(ctx context.Context) (*login.KeyRing, error)
	// Register stores a registration in the place of an earlier one, Grant one-time codes.
	Register(ctx context.Context, r Registration) error
	Grant(ctx context.Context, g Grant) error
	// Reset removes a registration and ends those that are under way, Unlock clears counters and
	// locks; factor "" means all. Renew has the user register anew at the next login.
	// [login.ErrNotEnrolled] means that there was none.
	Reset(ctx context.Context, userID, factor string) error
	Unlock(ctx context.Context, userID, factor string) error
	Renew(ctx context.Context, userID, factor string) error
	// OpenWindow opens the window for registrations of a subject until a time; the zero time closes
	// it. Windows returns the ends of those that are open, by subject.
	OpenWindow(ctx context.Context, subject string, until time.Time) error
	Windows(ctx context.Context) (map[string]time.Time, error)
}

// Registration is a factor that is registered in a user's place.
type Registration struct {
	UserID, Name string
	Factor       string
	Record       []byte
}

// Grant is a set of one-time codes for a user; Factor is the name of their credential.
type Grant struct {
	UserID, Name string
	Factor       string
	Codes        []login.OneTimeCode
	Note         string
}

// Tell tells a person what was changed about their account: at the addresses that were registered
// before, by whom. Satisfied by [login.Engine].Tell.
type Tell func(ctx context.Context, u login.User, before login.Enrolment, kind login.NoticeKind, factor, by string)

// Finder is what the API needs of a directory: whom does a name mean, or an ID. Satisfied by every
// [login.Directory].
type Finder interface {
	Find(ctx context.Context, username string) (login.User, error)
	Lookup(ctx context.Context, id string) (login.User, error)
}

// Clients is what the API needs to know and do about RADIUS clients.
type Clients interface {
	// Clients returns the configured clients, and those that something is remembered about.
	Clients(ctx context.Context) ([]Client, error)
	// Forget forgets what was learned about a client and returns the number of addresses.
	Forget(ctx context.Context, name string) (int, error)
}

// StatusReporter reports on the daemon. Satisfied by [status.Server].
type StatusReporter interface {
	Report(ctx context.Context) status.Report
}
