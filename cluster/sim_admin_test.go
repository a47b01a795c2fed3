package cluster

import (
	"context"
	"errors"
	"fmt"

	"sallyport/login"
)

// simAdmin is who registers users. Its user is nobody else's.
const simAdmin = "corp:registered"

// isShed reports whether there was no room: an answer that there is no verdict.
func isShed(err error) bool { return errors.Is(err, login.ErrFull) }

// registered is what an administrator has done to a user.
type registered struct {
	// acked is the record that was acknowledged last, and how many changes were in all.
	acked   string
	changes uint32
	// maybe are the records that were not, since then.
	maybe map[string]bool
}

// administer registers and resets until ctx ends, one after the other.
func (s *sim) administer(ctx context.Context) {
	c := s.newClient(simClients + 1)
	s.registered.maybe = map[string]bool{}
	for n := 0; wait(ctx, between(c.dice, 20, 200)) == nil; n++ {
		if c.dice.IntN(4) == 0 {
			s.disturb(ctx, c)
			continue
		}
		record := fmt.Sprint("record ", n)
		if c.at(ctx, func(ctx context.Context, l *life) error {
			err := l.node.Register(ctx, Registration{UserID: simAdmin, Name: "Registered", Factor: "totp", Record: []byte(record)})
			return c.hear(l, err, func() { s.tell("%s: %q is registered", l.name, record) })
		}) {
			s.registered.acked = record
			s.registered.changes++
			clear(s.registered.maybe)
		} else {
			s.registered.maybe[record] = true
		}
	}
}

// disturb changes the factors of a user who logs in.
func (s *sim) disturb(ctx context.Context, c *client) {
	user := c.user("user", 2)
	s.book.touch(user)
	register := c.dice.IntN(2) == 0
	c.at(ctx, func(ctx context.Context, l *life) error {
		if register {
			return l.node.Register(ctx, Registration{UserID: user, Name: user, Factor: "totp", Record: []byte("record")})
		}
		return l.node.Reset(ctx, user, "")
	})
}

// checkRegistrations looks whether what was acknowledged is there, on every node.
func (s *sim) checkRegistrations() error {
	for _, h := range s.hosts {
		if err := s.insist(h.running(), s.checkRegistration); err != nil {
			return err
		}
	}
	return nil
}

func (s *sim) checkRegistration(ctx context.Context, l *life) error {
	if err := l.node.Refresh(ctx); err != nil {
		return err
	}
	e, err := l.node.Enrolment(ctx, simAdmin)
	if err != nil {
		return err
	}
	record, err := l.node.Record(ctx, e, "totp")
	if err != nil {
		return err
	}
	if got := string(record); got != s.registered.acked && !s.registered.maybe[got] {
		s.book.wrong("%s has %q, although %q was acknowledged", l.name, got, s.registered.acked)
	}
	if e.Epoch < s.registered.changes {
		s.book.wrong("%s knows %d changes of %d", l.name, e.Epoch, s.registered.changes)
	}
	return nil
}
