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
	"time"

	"sallyport/login"
)

// resetUser removes registrations and opens the way back. A registration that is under way ends even
// where nothing is registered: somebody may be about to be, with a password that was stolen.
func (s *Server) resetUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[ResetAct](r)
	if err != nil {
		return nil, err
	}
	until, err := s.wayBack(act)
	if err != nil {
		return nil, err
	}
	found, before, err := s.enrolment(ctx, act.UserAct)
	if err != nil {
		return nil, err
	}
	if act.Renew {
		return s.renew(ctx, act.UserAct, found, before)
	}
	err = s.cfg.Users.Reset(ctx, found.id, act.Factor)
	nothing := errors.Is(err, login.ErrNotEnrolled)
	if nothing {
		err = nil // pending registrations were ended
	}
	s.auditUser(ctx, "user reset", err, found, slog.String("factor", act.Factor))
	if err != nil {
		return nil, fmt.Errorf("reset user: %w", err)
	}
	if nothing {
		p := notRegistered(found, act.Factor)
		p.Hint = "nothing was registered; pending registrations were ended"
		return nil, p
	}
	if found.gone && act.Then != ThenNothing { // whoever gets the name or the ID next would find it open
		act.Then = ThenNothing
		found.notes = append(found.notes, fmt.Sprintf("no way back was opened: no directory knows %s", found))
	}
	for _, factor := range registeredFactors(before, act.Factor) {
		s.cfg.Tell(ctx, found.user, before, login.NoticeRemoved, factor, byAdministrator)
	}
	return s.openWayBack(ctx, act.Then, found, until)
}

// wayBack checks a reset's way back and returns when it ends.
func (s *Server) wayBack(act ResetAct) (time.Time, error) {
	preset, most := DefaultWindow, MaxWindow
	switch act.Then {
	case ThenWindow:
	case "", ThenInvite:
		preset, most = DefaultCodeLife, MaxCodeLife
	case ThenNothing:
	default:
		return time.Time{}, &Problem{http.StatusBadRequest, fmt.Sprintf("no way back is called %q", act.Then),
			strings.Join([]string{ThenWindow, ThenInvite, ThenNothing}, ", ")}
	}
	if act.Renew && act.Then != "" || (act.Renew || act.Then == ThenNothing) && act.ForSeconds != 0 {
		return time.Time{}, &Problem{http.StatusBadRequest, "there is no way back to open", "leave then and for out"}
	}
	good, err := life("--for", act.ForSeconds, preset, most)
	return s.cfg.Now().Add(good), err
}

// openWayBack opens what leads to the next registration. The reset is done already; what fails here
// is to be asked for again, and says so.
func (s *Server) openWayBack(ctx context.Context, then string, found match, until time.Time) (any, error) {
	var answer ResetReply
	var err error
	switch then {
	case ThenWindow:
		answer.Until = &until
		_, err = s.openWindow(ctx, found.id, until, userFacts(found)...)
	case "", ThenInvite:
		answer.Until = &until
		var codes []string
		codes, err = s.grant(ctx, found, issue{
			act: "user invite", credential: login.CredentialInvitation, codes: 1, uses: 1, until: until,
		})
		answer.Invitation = strings.Join(codes, "")
	}
	if err != nil {
		s.cfg.Logger.Error("no way back after a reset", slog.String("user_id", found.id), slog.Any("error", err))
		return nil, &Problem{http.StatusServiceUnavailable, fmt.Sprintf("%s was reset, but has no way back yet", found),
			`open one with "sallyport user window" or "sallyport user invite"`}
	}
	answer.UserReply, err = s.reply(ctx, found)
	return answer, err
}

// renew has the user register anew. What is registered stays until then.
func (s *Server) renew(ctx context.Context, act UserAct, found match, e login.Enrolment) (any, error) {
	factors := registeredFactors(e, act.Factor)
	if len(factors) == 0 {
		return nil, notRegistered(found, act.Factor)
	}
	for _, factor := range factors {
		err := s.cfg.Users.Renew(ctx, found.id, factor)
		s.auditUser(ctx, "user renew", err, found, slog.String("factor", factor))
		if err != nil {
			return nil, fmt.Errorf("renew %s: %w", factor, err)
		}
	}
	reply, err := s.reply(ctx, found)
	return ResetReply{UserReply: reply}, err
}

// registeredFactors lists the user's factors, or the one that is meant, without the codes that stand
// in for factors.
func registeredFactors(e login.Enrolment, factor string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(e.Credentials)) {
		switch name {
		case login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation:
			continue
		}
		if e.Credentials[name].Registered() && (factor == "" || factor == name) {
			names = append(names, name)
		}
	}
	return names
}
