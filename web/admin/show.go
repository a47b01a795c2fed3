package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sallyport/login"
)

// reply answers with the user as they are now.
func (s *Server) reply(ctx context.Context, found match) (UserReply, error) {
	e, err := s.cfg.Users.Enrolment(ctx, found.id)
	if err != nil {
		return UserReply{}, fmt.Errorf("read enrolment: %w", err)
	}
	now := s.cfg.Now()
	u := userOf(e, now)
	u.ID = found.id
	if found.name != "" {
		u.Name = found.name
	}
	if u.WindowUntil, err = s.windowOf(ctx, found.user, found.id, now); err != nil {
		return UserReply{}, err
	}
	notes := slices.Clone(found.notes)
	for i := range u.Factors {
		notes = append(notes, s.addSent(ctx, &u.Factors[i], e)...)
	}
	return UserReply{User: u, Notes: notes, Now: now}, nil
}

// addSent fills in what is known of a factor that sends codes. What cannot be read costs a note: it
// must not keep an administrator from the rest.
func (s *Server) addSent(ctx context.Context, f *Factor, e login.Enrolment) (notes []string) {
	sender, ok := s.cfg.Factors()[f.Name].(login.Sender)
	if !ok || !f.Registered {
		return nil
	}
	record, err := s.cfg.Users.Record(ctx, e, f.Name)
	if err != nil {
		return []string{fmt.Sprintf("the record of %s cannot be read", f.Name)}
	}
	address, err := sender.ParseAddress(string(record))
	if err != nil {
		return []string{fmt.Sprintf("the registered address of %s cannot be used any more", f.Name)}
	}
	f.Address = address.Masked
	newest := e.Credentials[f.Name].Challenge
	if newest == (login.ChallengeID{}) {
		return nil
	}
	o, found, err := s.cfg.Users.Opened(ctx, newest)
	if err != nil || !found || len(o.Sends) == 0 {
		return nil // it is forgotten soon after its end
	}
	last := o.Sends[len(o.Sends)-1]
	f.Sent, f.SendFailed = &last.At, last.Failed
	return nil
}

// windowOf is when the last of the open windows closes that are the user's or a group's of theirs.
func (s *Server) windowOf(ctx context.Context, u login.User, id string, now time.Time) (*time.Time, error) {
	open, err := s.cfg.Users.Windows(ctx)
	if err != nil {
		return nil, fmt.Errorf("read windows: %w", err)
	}
	directory, _, _ := strings.Cut(id, ":")
	var last *time.Time
	for subject, until := range open {
		group, isGroup := strings.CutPrefix(subject, login.GroupSubject(directory, ""))
		theirs := subject == id
		if isGroup {
			name, err := login.ParseGroupName(group)
			theirs = err == nil && name.Grants(u.Membership())
		}
		if theirs && now.Before(until) && (last == nil || last.Before(until)) {
			last = &until
		}
	}
	return last, nil
}

// userOf copies what an administrator may see; a record never leaves the daemon.
func userOf(e login.Enrolment, now time.Time) User {
	u := User{ID: e.UserID, Name: e.Name, LastFactor: e.LastFactor, Factors: []Factor{}}
	for _, name := range slices.Sorted(maps.Keys(e.Credentials)) {
		c := e.Credentials[name]
		switch name {
		case login.CredentialRecovery:
			u.Recovery = codesOf(c, now)
		case login.CredentialBypass:
			u.Bypass = codesOf(c, now)
		case login.CredentialInvitation:
			u.Invitation = codesOf(c, now)
		default:
			u.Factors = append(u.Factors, factorOf(name, c, now))
		}
	}
	return u
}

func factorOf(name string, c login.Credential, now time.Time) Factor {
	f := Factor{
		Name: name, Registered: c.Registered(), Renew: c.Renew, Failures: c.Failures, HardLocked: c.HardLocked,
	}
	if now.Before(c.LockedUntil) {
		f.LockedUntil = &c.LockedUntil
	}
	if c.Near.Number != 0 {
		f.Clock = &Clock{At: c.NearAt, SecondsAhead: int(c.Near.Ahead / time.Second)}
	}
	return f
}

// codesOf returns nil when none of the codes may be used any more.
func codesOf(c login.Credential, now time.Time) *Codes {
	codes := Codes{Note: c.Note}
	forever := false
	var last time.Time
	for _, code := range c.Codes {
		if !code.GoodAt(now) {
			continue
		}
		codes.Left += code.Uses
		forever = forever || code.Until.IsZero()
		if code.Until.After(last) {
			last = code.Until
		}
	}
	if codes.Left == 0 {
		return nil
	}
	if !forever {
		codes.Until = &last
	}
	return &codes
}
