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

	"sallyport/login"
)

// enrolUser registers a factor without the proof that a person gives at a login: the administrator
// vouches for the address, or hands the key over.
func (s *Server) enrolUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[EnrolAct](r)
	if err != nil {
		return nil, err
	}
	found, before, err := s.enrolment(ctx, act.UserAct)
	if err != nil {
		return nil, err
	}
	if found.gone {
		return nil, unknownToDirectory(found)
	}
	answer := EnrolReply{Replaced: before.Credentials[act.Factor].Registered()}
	record, masked, err := s.newRecord(ctx, act, found.user, &answer)
	if err != nil {
		return nil, err
	}
	err = s.cfg.Users.Register(ctx, Registration{UserID: found.id, Name: found.name, Factor: act.Factor, Record: record})
	facts := []slog.Attr{slog.String("factor", act.Factor), slog.Bool("replaced", answer.Replaced)}
	if masked != "" {
		facts = append(facts, slog.String("address", masked))
	}
	s.auditUser(ctx, "user enrol", err, found, facts...)
	if err != nil {
		return nil, fmt.Errorf("enrol user: %w", err)
	}
	kind := login.NoticeRegistered
	if answer.Replaced {
		kind = login.NoticeReplaced
	}
	s.cfg.Tell(ctx, found.user, before, kind, act.Factor, byAdministrator)
	answer.UserReply, err = s.reply(ctx, found)
	return answer, err
}

// newRecord makes the record that is to be stored, and fills in what the administrator is told. Where
// the record is an address, masked is how the audit shows it.
func (s *Server) newRecord(ctx context.Context, act EnrolAct, u login.User, answer *EnrolReply) (record []byte, masked string, err error) {
	configured := s.cfg.Factors()
	switch f := configured[act.Factor].(type) {
	case login.Sender:
		return senderRecord(f, act, u, answer)
	case login.Registrar:
		if act.Address != "" {
			return nil, "", &Problem{http.StatusBadRequest, fmt.Sprintf("%s sends nothing: it has no address", act.Factor), ""}
		}
		record, err = registrarRecord(ctx, f, u, answer)
		return record, "", err
	case nil:
		return nil, "", &Problem{http.StatusBadRequest, fmt.Sprintf("no factor %q is configured", act.Factor),
			"configured are: " + strings.Join(slices.Sorted(maps.Keys(configured)), ", ")}
	}
	return nil, "", &Problem{http.StatusBadRequest, fmt.Sprintf("%s is not registered here", act.Factor),
		"the server that judges its answers manages it"}
}

func senderRecord(f login.Sender, act EnrolAct, u login.User, answer *EnrolReply) (record []byte, masked string, err error) {
	text, from := act.Address, "--address"
	if text == "" {
		text, from = f.DirectoryAddress(u), "the directory's address"
	}
	if text == "" {
		return nil, "", &Problem{http.StatusBadRequest, fmt.Sprintf("the directory holds no address for %s", f.Name()), "give --address"}
	}
	address, err := f.ParseAddress(text)
	if errors.Is(err, login.ErrAddress) {
		return nil, "", &Problem{http.StatusBadRequest, fmt.Sprintf("%s: %v", from, err), ""}
	}
	if err != nil {
		return nil, "", fmt.Errorf("read address: %w", err)
	}
	answer.Address = address.Display
	return []byte(address.Text), address.Masked, nil
}

func registrarRecord(ctx context.Context, f login.Registrar, u login.User, answer *EnrolReply) ([]byte, error) {
	record, err := f.NewRecord(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("make record: %w", err)
	}
	p, err := f.Registration(ctx, u, record)
	if err != nil {
		return nil, fmt.Errorf("show record: %w", err)
	}
	answer.SecretKey, answer.OTPAuthURI = p.SecretKey.Reveal(), p.OTPAuthURI.Reveal()
	return record, nil
}
