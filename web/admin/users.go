package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

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
		page.Users = append(page.Users, userOf(e, page.Now))
	}
	if len(stored) == limit {
		page.Next = stored[len(stored)-1].UserID
	}
	return page, nil
}

// showUser shows whom a name means. With act=true it is who is to be acted on: then a name that cannot be
// decided is refused.
func (s *Server) showUser(ctx context.Context, r *http.Request) (any, error) {
	q := r.URL.Query()
	user, directory := q.Get("user"), q.Get("directory")
	if q.Get("act") == "true" {
		found, err := s.resolve(ctx, user, directory)
		if err != nil {
			return nil, err
		}
		return s.reply(ctx, found)
	}
	shown, err := s.guess(ctx, user, directory)
	if err != nil {
		return nil, err
	}
	return s.reply(ctx, shown.match)
}

func (s *Server) unlockUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[UserAct](r)
	if err != nil {
		return nil, err
	}
	found, e, err := s.enrolment(ctx, act)
	if err != nil {
		return nil, err
	}
	if len(e.Credentials) == 0 || act.Factor != "" && !has(e, act.Factor) {
		return nil, notRegistered(found, act.Factor)
	}
	err = s.cfg.Users.Unlock(ctx, found.id, act.Factor)
	s.auditUser(ctx, "user unlock", err, found, slog.String("factor", act.Factor))
	if err != nil {
		return nil, fmt.Errorf("unlock user: %w", err)
	}
	return s.reply(ctx, found)
}

func has(e login.Enrolment, factor string) bool {
	_, ok := e.Credentials[factor]
	return ok
}

// enrolment finds the user whom an act means, and what is stored about them.
func (s *Server) enrolment(ctx context.Context, act UserAct) (match, login.Enrolment, error) {
	found, err := s.resolve(ctx, act.User, act.Directory)
	if err != nil {
		return match{}, login.Enrolment{}, err
	}
	e, err := s.cfg.Users.Enrolment(ctx, found.id)
	if err != nil {
		return match{}, login.Enrolment{}, fmt.Errorf("read enrolment: %w", err)
	}
	return found, e, nil
}

func notRegistered(found match, factor string) *Problem {
	if factor == "" {
		return &Problem{http.StatusNotFound, fmt.Sprintf("%s has registered no factor", found), "there is nothing to change"}
	}
	return &Problem{http.StatusNotFound, fmt.Sprintf("%s has not registered %q", found, factor),
		`"sallyport user show" lists the factors`}
}
