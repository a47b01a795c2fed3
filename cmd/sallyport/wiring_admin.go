package main

import (
	"context"
	"time"

	"sallyport/cluster"
	"sallyport/login"
	"sallyport/web/admin"
)

// administered is the state as the administration asks it.
type administered struct{ *cluster.Node }

var _ admin.Users = administered{}

// Register stores a registration.
func (a administered) Register(ctx context.Context, r admin.Registration) error {
	return a.Node.Register(ctx, cluster.Registration(r))
}

// Grant stores one-time codes.
func (a administered) Grant(ctx context.Context, g admin.Grant) error {
	return a.Node.Grant(ctx, cluster.CodeGrant(g))
}

// Windows returns the ends of the open windows, by subject.
func (a administered) Windows(ctx context.Context) (map[string]time.Time, error) {
	open, err := a.Node.Windows(ctx)
	ends := make(map[string]time.Time, len(open))
	for _, w := range open {
		ends[w.Subject] = w.Until
	}
	return ends, err
}

// factors returns the factors in use by name, as the administration asks them.
func (l *logins) factors() map[string]login.Factor { return l.current.Load().secondFactors() }
