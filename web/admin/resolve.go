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

// match is the one user whom a name means.
type match struct {
	id, name string
	// user is what the directory says of them, as far as it could be asked.
	user login.User
	// gone means that the directories could be asked, and do not know the user.
	gone bool
	// notes are what an administrator should know before acting on it.
	notes []string
}

// String names the user for a sentence.
func (m match) String() string {
	if m.name == "" {
		return m.id
	}
	return fmt.Sprintf("%s (%s)", m.name, m.id)
}

// resolve finds the one user whom text means: an ID of a directory; else a name, as the directories
// understand it; else, when they do not know it or cannot be asked, what is stored under that name
// or ID. Several users, or none, are a [Problem].
func (s *Server) resolve(ctx context.Context, text, directory string) (match, error) {
	if text == "" {
		return match{}, &Problem{http.StatusBadRequest, "no user was named", ""}
	}
	finders, err := s.finders(directory)
	if err != nil {
		return match{}, err
	}
	if name, _, ok := strings.Cut(text, ":"); ok && finders[name] != nil {
		return s.resolveID(ctx, finders[name], name, text)
	}
	found, failed := s.find(ctx, finders, text)
	notes := failedNotes(failed)
	switch len(found) {
	case 0:
		return s.resolveStored(ctx, text, directory, notes)
	case 1:
		return match{id: found[0].ID, name: found[0].Name, user: found[0], notes: notes}, nil
	}
	ids := make([]string, 0, len(found))
	for _, u := range found {
		ids = append(ids, u.ID)
	}
	return match{}, ambiguous(text, ids)
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

// find asks all directories at once. It returns the users found, sorted by ID, and the names of the
// directories that could not be asked.
func (s *Server) find(ctx context.Context, finders map[string]Finder, text string) (found []login.User, failed []string) {
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
			case err == nil, login.RefusalCode(err) != "" && u.ID != "":
				found = append(found, u) // an account that is disabled or locked is found too
			case login.RefusalCode(err) == "":
				failed = append(failed, name)
				s.cfg.Logger.Warn("directory could not be asked", slog.String("directory", name), slog.Any("error", err))
			}
		})
	}
	wg.Wait()
	slices.SortFunc(found, func(a, b login.User) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(failed)
	return slices.CompactFunc(found, func(a, b login.User) bool { return a.ID == b.ID }), failed
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
		m.notes = failedNotes([]string{directory})
	}
	return m, nil
}

// resolveStored looks among the stored users. A directory that no longer knows somebody must not
// keep an administrator from clearing up.
func (s *Server) resolveStored(ctx context.Context, text, directory string, notes []string) (match, error) {
	var found []match
	err := s.eachStored(ctx, func(e login.Enrolment) {
		if e.UserID != text && !strings.EqualFold(e.Name, text) {
			return
		}
		if directory != "" && !strings.HasPrefix(e.UserID, directory+":") {
			return
		}
		u := login.User{ID: e.UserID, Name: e.Name}
		found = append(found, match{id: u.ID, name: u.Name, user: u, gone: len(notes) == 0})
	})
	if err != nil {
		return match{}, err
	}
	switch len(found) {
	case 0:
		return match{}, unknownUser(text, notes)
	case 1:
		m := found[0]
		m.notes = append(notes, "found by what is stored, not by a directory")
		return m, nil
	}
	ids := make([]string, 0, len(found))
	for _, m := range found {
		ids = append(ids, m.id)
	}
	return match{}, ambiguous(text, ids)
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

func failedNotes(failed []string) []string {
	var notes []string
	for _, name := range failed {
		notes = append(notes, fmt.Sprintf("directory %s could not be asked", name))
	}
	return notes
}

func unknownUser(text string, notes []string) *Problem {
	hint := `"sallyport user list" shows who is stored`
	if len(notes) > 0 {
		hint = strings.Join(notes, ", ") + ": name the user by the name or ID that " + hint
	}
	return &Problem{http.StatusNotFound, fmt.Sprintf("no user is known as %q", text), hint}
}

func ambiguous(text string, ids []string) *Problem {
	return &Problem{http.StatusConflict, fmt.Sprintf("%q means several users: %s", text, strings.Join(ids, ", ")),
		"name the directory with --directory, or give the ID"}
}
