package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/login"
)

// findWithin bounds how long the directories are waited for: when they hang, an administrator must
// still get to what is stored.
const findWithin = 5 * time.Second

// match is the one user whom a name means. Acts take one from [Server.resolve], which refuses a name that
// could mean somebody else as well.
type match struct {
	id, name string
	// user is what the directory says of them, as far as it could be asked.
	user login.User
	// gone means that the directories could be asked, and do not know the user.
	gone bool
	// notes are what an administrator should know before acting on it.
	notes []string
}

// guess is whom a name means as far as it is known: it is good for showing, and no act takes it.
type guess struct {
	match match
	// doubts say why the name may mean somebody else as well.
	doubts []string
}

// String names the user for a sentence.
func (m match) String() string {
	if m.name == "" {
		return m.id
	}
	return fmt.Sprintf("%s (%s)", m.name, m.id)
}

// resolve finds the one user whom text means, as [Server.guess] does. Where a directory that could not be asked
// may know another one by that name, it is a [Problem].
func (s *Server) resolve(ctx context.Context, text, directory string) (match, error) {
	g, err := s.guess(ctx, text, directory)
	if err == nil && len(g.doubts) > 0 {
		err = undecided(text, g)
	}
	return g.match, err
}

// guess finds the one user whom text means: an ID of a directory; else a name, as the directories
// understand it; else, when they do not know it or cannot be asked, what is stored under that name
// or ID. Several users, or none, are a [Problem].
func (s *Server) guess(ctx context.Context, text, directory string) (guess, error) {
	if text == "" {
		return guess{}, &Problem{http.StatusBadRequest, "no user was named", ""}
	}
	finders, err := s.finders(directory)
	if err != nil {
		return guess{}, err
	}
	if name, _, ok := strings.Cut(text, ":"); ok && finders[name] != nil {
		m, err := s.resolveID(ctx, finders[name], name, text)
		return guess{match: m}, err
	}
	found, doubts := s.find(ctx, finders, text)
	switch len(found) {
	case 0:
		return s.resolveStored(ctx, text, directory, doubts)
	case 1:
		u := found[0]
		return guess{match{id: u.ID, name: u.Name, user: u, notes: doubts}, doubts}, nil
	}
	ids := make([]string, 0, len(found))
	for _, u := range found {
		ids = append(ids, u.ID)
	}
	return guess{}, ambiguous(text, ids)
}

// finders returns the directories to ask.
func (s *Server) finders(directory string) (map[string]Finder, error) {
	all := s.cfg.Directories()
	if directory == "" {
		return all, nil
	}
	f, ok := all[directory]
	if !ok {
		return nil, &Problem{http.StatusNotFound, fmt.Sprintf("no directory is named %q", directory),
			"configured are: " + strings.Join(slices.Sorted(maps.Keys(all)), ", ")}
	}
	return map[string]Finder{directory: f}, nil
}

// find asks all directories at once. It returns the users found, sorted by ID, and why there may be others.
func (s *Server) find(ctx context.Context, finders map[string]Finder, text string) (found []login.User, doubts []string) {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for name, f := range finders {
		wg.Go(func() {
			u, err := f.Find(ctx, text)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, login.ErrSeveral):
				doubts = append(doubts, fmt.Sprintf("directory %s has several entries that fit this name", name))
			case err == nil, login.RefusalCode(err) != "" && u.ID != "":
				found = append(found, u) // an account that is disabled or locked is found too
			case login.RefusalCode(err) == "":
				doubts = append(doubts, unasked(name))
				s.cfg.Logger.Warn("directory could not be asked", slog.String("directory", name), slog.Any("error", err))
			}
		})
	}
	wg.Wait()
	slices.SortFunc(found, func(a, b login.User) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(doubts)
	return slices.CompactFunc(found, func(a, b login.User) bool { return a.ID == b.ID }), doubts
}

// resolveID takes the ID as it is; the directory is only asked for the name that belongs to it.
func (s *Server) resolveID(ctx context.Context, f Finder, directory, id string) (match, error) {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	u, err := f.Lookup(ctx, id)
	m := match{id: id, name: u.Name, user: u}
	m.user.ID = id
	switch {
	case errors.Is(err, login.ErrNoUser):
		m.gone = true
		m.notes = []string{fmt.Sprintf("directory %s knows this ID no more", directory)}
	case err != nil && login.RefusalCode(err) == "":
		m.notes = []string{unasked(directory)}
	}
	return m, nil
}

// resolveStored looks among the stored users. A directory that no longer knows somebody must not
// keep an administrator from clearing up.
func (s *Server) resolveStored(ctx context.Context, text, directory string, doubts []string) (guess, error) {
	var found []match
	err := s.eachStored(ctx, func(e login.Enrolment) {
		if e.UserID != text && !strings.EqualFold(e.Name, text) {
			return
		}
		if directory != "" && !strings.HasPrefix(e.UserID, directory+":") {
			return
		}
		u := login.User{ID: e.UserID, Name: e.Name}
		found = append(found, match{id: u.ID, name: u.Name, user: u, gone: len(doubts) == 0})
	})
	if err != nil {
		return guess{}, err
	}
	switch len(found) {
	case 0:
		return guess{}, unknownUser(text, doubts)
	case 1:
		m := found[0]
		m.notes = append(slices.Clone(doubts), "found by what is stored, not by a directory")
		if m.id == text {
			doubts = nil // an ID means nobody else
		}
		return guess{m, doubts}, nil
	}
	ids := make([]string, 0, len(found))
	for _, m := range found {
		ids = append(ids, m.id)
	}
	return guess{}, ambiguous(text, ids)
}

// eachStored calls f for every stored user, a page at a time.
func (s *Server) eachStored(ctx context.Context, f func(login.Enrolment)) error {
	for after := ""; ; {
		page, err := s.cfg.Users.Users(ctx, after, maxPageSize)
		if err != nil {
			return fmt.Errorf("search stored users: %w", err)
		}
		for _, e := range page {
			f(e)
		}
		if len(page) < maxPageSize {
			return nil
		}
		after = page[len(page)-1].UserID
	}
}

func unasked(directory string) string {
	return fmt.Sprintf("directory %s could not be asked", directory)
}

func unknownUser(text string, notes []string) *Problem {
	hint := `"sallyport user list" shows who is stored`
	if len(notes) > 0 {
		hint = strings.Join(notes, ", ") + ": name the user by the name or ID that " + hint
	}
	return &Problem{http.StatusNotFound, fmt.Sprintf("no user is known as %q", text), hint}
}

// undecided refuses to act on a name, and says what to type instead.
func undecided(text string, g guess) *Problem {
	return &Problem{http.StatusConflict,
		fmt.Sprintf("%q may mean somebody else: %s; nothing was changed", text, strings.Join(g.doubts, ", ")),
		fmt.Sprintf("if you mean %s, give the ID: %s", g.match, g.match.id)}
}

func ambiguous(text string, ids []string) *Problem {
	return &Problem{http.StatusConflict, fmt.Sprintf("%q means several users: %s", text, strings.Join(ids, ", ")),
		"name the directory with --directory, or give the ID"}
}
