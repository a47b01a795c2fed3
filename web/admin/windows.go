package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/login"
)

// groupSubject introduces the subject of a group's window, see [login.GroupSubject].
const groupSubject = "group:"

// maxGroup bounds a group's name, in octets.
const maxGroup = 253

func (s *Server) listWindows(ctx context.Context, _ *http.Request) (any, error) {
	open, err := s.cfg.Users.Windows(ctx)
	if err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	list := WindowList{Windows: []Window{}, Now: s.cfg.Now()}
	for subject, until := range open {
		if !list.Now.Before(until) {
			continue
		}
		w, err := s.window(ctx, subject, until)
		if err != nil {
			return nil, err
		}
		list.Windows = append(list.Windows, w)
	}
	slices.SortFunc(list.Windows, func(a, b Window) int {
		return cmp.Or(a.Until.Compare(b.Until), strings.Compare(a.UserID, b.UserID), strings.Compare(a.Group, b.Group))
	})
	return list, nil
}

// window says whose window it is.
func (s *Server) window(ctx context.Context, subject string, until time.Time) (Window, error) {
	if rest, ok := strings.CutPrefix(subject, groupSubject); ok {
		directory, group, _ := strings.Cut(rest, ":")
		return Window{Directory: directory, Group: group, Until: until}, nil
	}
	e, err := s.cfg.Users.Enrolment(ctx, subject)
	if err != nil {
		return Window{}, fmt.Errorf("read enrolment: %w", err)
	}
	return Window{UserID: subject, Name: e.Name, Until: until}, nil
}

func (s *Server) setWindow(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[WindowAct](r)
	if err != nil {
		return nil, err
	}
	if (act.User == "") == (act.Group == "") {
		return nil, &Problem{http.StatusBadRequest, "a window is that of a user or that of a group", "name one of the two"}
	}
	good, err := life("--for", act.ForSeconds, DefaultWindow, MaxWindow)
	if err != nil {
		return nil, err
	}
	until := s.cfg.Now().Add(good)
	if act.Close {
		until = time.Time{}
	}
	if act.Group != "" {
		return s.setGroupWindow(ctx, act, until)
	}
	return s.setUserWindow(ctx, act, until)
}

func (s *Server) setUserWindow(ctx context.Context, act WindowAct, until time.Time) (any, error) {
	found, e, err := s.enrolment(ctx, UserAct{User: act.User, Directory: act.Directory})
	if err != nil {
		return nil, err
	}
	notes := found.notes
	if !act.Close {
		if found.gone {
			return nil, unknownToDirectory(found)
		}
		notes = append(notes, deadEnd(found, e, "a window")...)
	}
	none, err := s.openWindow(ctx, found.id, until, userFacts(found)...)
	if err != nil {
		return nil, err
	}
	return WindowReply{Window{UserID: found.id, Name: found.name, Until: until}, none, notes, s.cfg.Now()}, nil
}

// setGroupWindow takes the group's name as it is: whether it exists, only its members tell.
func (s *Server) setGroupWindow(ctx context.Context, act WindowAct, until time.Time) (any, error) {
	if act.Directory == "" {
		return nil, &Problem{http.StatusBadRequest, "the directory of the group was not named", "give --directory"}
	}
	if err := checkLine("the group's name", act.Group, maxGroup); err != nil {
		return nil, err
	}
	if _, err := login.ParseGroupName(act.Group); err != nil {
		return nil, &Problem{http.StatusBadRequest, "the group's name cannot be read: " + err.Error(), "give its DN, or the value of the DN's first part"}
	}
	if _, err := s.finders(act.Directory); err != nil {
		return nil, err
	}
	subject := login.GroupSubject(act.Directory, act.Group)
	none, err := s.openWindow(ctx, subject, until, slog.String("directory", act.Directory), slog.String("group", act.Group))
	if err != nil {
		return nil, err
	}
	return WindowReply{Window: Window{Directory: act.Directory, Group: act.Group, Until: until}, NoneOpen: none, Now: s.cfg.Now()}, nil
}

// openWindow opens a window, or closes it where until is zero, and audits that. none means that there
// was no window to close.
func (s *Server) openWindow(ctx context.Context, subject string, until time.Time, facts ...slog.Attr) (none bool, err error) {
	act := "window close"
	if until.IsZero() {
		open, err := s.cfg.Users.Windows(ctx)
		if err != nil {
			return false, fmt.Errorf("read windows: %w", err)
		}
		none = !s.cfg.Now().Before(open[subject])
	} else {
		act = "window open"
		facts = append(facts, slog.Time("until", until))
	}
	err = s.cfg.Users.OpenWindow(ctx, subject, until)
	s.audit(ctx, act, err, facts...)
	if err != nil {
		return false, fmt.Errorf("%s: %w", act, err)
	}
	return none, nil
}
