package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"sallyport/login"
)

// The sizes of a page of users: what is sent when nothing is asked for, and the most.
const (
	pageSize    = 500
	maxPageSize = 5000
)

func (s *Server) listUsers(ctx context.Context, r *http.Request) (any, error) {
	limit := pageSize
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPageSize {
			return nil, &Problem{http.StatusBadRequest, fmt.Sprintf("limit must be from 1 to %d", maxPageSize), ""}
		}
		limit = n
	}
	stored, err := s.cfg.Users.Users(ctx, r.URL.Query().Get("after"), limit)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	page := UserPage{Users: make([]User, 0, len(stored)), Now: s.cfg.Now()}
	for _, e := range stored {
		page.Users = append(page.Users, userOf(e, page.Now, listed))
	}
	if len(stored) == limit {
		page.Next = stored[len(stored)-1].UserID
	}
	return page, nil
}

func (s *Server) showUser(ctx context.Context, r *http.Request) (any, error) {
	q := r.URL.Query()
	return s.userReply(ctx, UserAct{User: q.Get("user"), Directory: q.Get("directory")})
}

func (s *Server) userReply(ctx context.Context, act UserAct) (any, error) {
	found, err := s.resolve(ctx, act.User, act.Directory)
	if err != nil {
		return nil, err
	}
	return s.reply(ctx, found)
}

func (s *Server) reply(ctx context.Context, found match) (UserReply, error) {
	e, err := s.cfg.Users.Enrolment(ctx, found.id)
	if err != nil {
		return UserReply{}, fmt.Errorf("read enrolment: %w", err)
	}
	now := s.cfg.Now()
	u := userOf(e, now, login.Credential.Registered)
	u.ID = found.id
	if found.name != "" {
		u.Name = found.name
	}
	return UserReply{User: u, Notes: found.notes, Now: now}, nil
}

func (s *Server) resetUser(ctx context.Context, r *http.Request) (any, error) {
	return s.change(ctx, r, change{"user reset", s.cfg.Users.Reset, login.Credential.Registered, true})
}

func (s *Server) unlockUser(ctx context.Context, r *http.Request) (any, error) {
	return s.change(ctx, r, change{"user unlock", s.cfg.Users.Unlock, listed, false})
}

// change is something that an administrator does to a user's factors.
type change struct {
	act string
	do  func(ctx context.Context, userID, factor string) error
	// fits reports whether there is something to change about a factor.
	fits func(login.Credential) bool
	// anyway says that it is done where nothing fits too: a reset ends a registration that is under way.
	anyway bool
}

// listed is true of each factor that is there at all.
func listed(login.Credential) bool { return true }

// change finds the user, changes what is stored and answers with the user as they are then. It
// refuses one where there is nothing to change, since a typing error would otherwise look like success.
func (s *Server) change(ctx context.Context, r *http.Request, c change) (any, error) {
	act, err := decode[UserAct](r)
	if err != nil {
		return nil, err
	}
	found, err := s.resolve(ctx, act.User, act.Directory)
	if err != nil {
		return nil, err
	}
	e, err := s.cfg.Users.Enrolment(ctx, found.id)
	if err != nil {
		return nil, fmt.Errorf("read enrolment: %w", err)
	}
	if p := nothingToChange(e, found, act.Factor, c.fits); p != nil && !c.anyway {
		return nil, p
	}
	err = c.do(ctx, found.id, act.Factor)
	var ended *Problem
	if c.anyway && errors.Is(err, login.ErrNotEnrolled) {
		err, ended = nil, notRegistered(found, act.Factor)
		ended.Hint = "nothing was registered; pending registrations were ended"
	}
	s.audit(ctx, c.act, err, slog.String("user_id", found.id), slog.String("user", found.name), slog.String("factor", act.Factor))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.act, err)
	}
	if ended != nil {
		return nil, ended
	}
	return s.reply(ctx, found)
}

// nothingToChange returns nil when one of the factors meant fits.
func nothingToChange(e login.Enrolment, found match, factor string, fits func(login.Credential) bool) *Problem {
	for name, c := range e.Credentials {
		if (factor == "" || factor == name) && fits(c) {
			return nil
		}
	}
	return notRegistered(found, factor)
}

func notRegistered(found match, factor string) *Problem {
	if factor == "" {
		return &Problem{http.StatusNotFound, fmt.Sprintf("%s has registered no factor", found), "there is nothing to change"}
	}
	return &Problem{http.StatusNotFound, fmt.Sprintf("%s has not registered %q", found, factor),
		`"sallyport user show" lists the factors`}
}

// userOf copies what an administrator may see; a record never leaves the daemon.
func userOf(e login.Enrolment, now time.Time, registered func(login.Credential) bool) User {
	u := User{ID: e.UserID, Name: e.Name, LastFactor: e.LastFactor, Factors: []Factor{}}
	for _, name := range slices.Sorted(maps.Keys(e.Credentials)) {
		c := e.Credentials[name]
		f := Factor{Name: name, Registered: registered(c), Failures: c.Failures, HardLocked: c.HardLocked}
		if now.Before(c.LockedUntil) {
			until := c.LockedUntil
			f.LockedUntil = &until
		}
		u.Factors = append(u.Factors, f)
	}
	return u
}
