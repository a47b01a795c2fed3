package admin

import (
	"context"

	"sallyport/login"
	"sallyport/web/status"
)

// Users is what the API needs to know and do about stored users. Satisfied by cluster.Node. Errors
// are [login.ErrUnavailable], possibly wrapped, when nothing may be concluded.
type Users interface {
	// Users returns up to limit users that come after the one with the ID after, from the first
	// when it is empty, with the factors that they have registered, records sealed. The order is
	// fixed, and the ledger's own.
	Users(ctx context.Context, after string, limit int) ([]login.Enrolment, error)
	// Enrolment returns what is stored about the user; nothing stored is an empty enrolment.
	Enrolment(ctx context.Context, userID string) (login.Enrolment, error)
	// Reset removes a registration and ends those that are under way, Unlock clears counters and
	// locks; factor "" means all. [login.ErrNotEnrolled] means that there was none.
	Reset(ctx context.Context, userID, factor string) error
	Unlock(ctx context.Context, userID, factor string) error
}

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
