package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport/login"
)

// byAdministrator is how a person is told who did it.
const byAdministrator = "an administrator"

func (s *Server) inviteUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[InviteAct](r)
	if err != nil {
		return nil, err
	}
	good, err := life("--for", act.ForSeconds, DefaultCodeLife, MaxCodeLife)
	if err != nil {
		return nil, err
	}
	until := s.cfg.Now().Add(good)
	return s.issue(ctx, act.UserAct, issue{
		act: "user invite", credential: login.CredentialInvitation, codes: 1, uses: 1, until: until,
	})
}

func (s *Server) bypassUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[BypassAct](r)
	if err != nil {
		return nil, err
	}
	good, err := life("--for", act.ForSeconds, DefaultCodeLife, MaxCodeLife)
	if err != nil {
		return nil, err
	}
	uses := max(act.Uses, 1)
	if uses > MaxBypassUses {
		return nil, &Problem{http.StatusBadRequest, fmt.Sprintf("a bypass code can be used %d times at most", MaxBypassUses), ""}
	}
	reason, err := checkReason(act.Reason)
	if err != nil {
		return nil, err
	}
	return s.issue(ctx, act.UserAct, issue{
		act: "user bypass", credential: login.CredentialBypass, codes: 1, uses: uses,
		until: s.cfg.Now().Add(good), reason: reason, tell: login.NoticeBypass,
	})
}

func (s *Server) recoverUser(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[UserAct](r)
	if err != nil {
		return nil, err
	}
	return s.issue(ctx, act, issue{
		act: "user recovery-codes", credential: login.CredentialRecovery, codes: login.RecoveryCodes, uses: 1,
		tell: login.NoticeRecovery,
	})
}

// checkReason returns a reason that can stand in a log.
func checkReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", &Problem{http.StatusBadRequest, "no reason was given", "say why no second factor is asked for"}
	}
	return text, checkLine("the reason", text, maxReason)
}

// checkLine refuses what cannot stand in a line of a log.
func checkLine(what, text string, most int) error {
	switch {
	case len(text) > most:
		return &Problem{http.StatusBadRequest, fmt.Sprintf("%s is longer than %d octets", what, most), ""}
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }):
		return &Problem{http.StatusBadRequest, what + " holds characters that cannot be printed", ""}
	}
	return nil
}

// issue says which one-time codes a user gets.
type issue struct {
	act, credential string
	codes           int
	uses            uint32
	// until is the zero time for codes that do not end.
	until  time.Time
	reason string
	// tell is what the user is told; "" is nothing.
	tell login.NoticeKind
}

// issue makes codes in the place of earlier ones. They are in the answer and nowhere else: what is
// stored are their tags.
func (s *Server) issue(ctx context.Context, act UserAct, i issue) (any, error) {
	found, before, err := s.enrolment(ctx, act)
	if err != nil {
		return nil, err
	}
	if found.gone {
		return nil, unknownToDirectory(found)
	}
	codes, err := s.grant(ctx, found, i)
	if err != nil {
		return nil, err
	}
	if i.tell != "" {
		s.cfg.Tell(ctx, found.user, before, i.tell, "", byAdministrator)
	}
	reply, err := s.reply(ctx, found)
	if err != nil {
		return nil, err
	}
	if i.credential == login.CredentialInvitation {
		reply.Notes = append(reply.Notes, deadEnd(found, before, "an invitation")...)
	}
	answer := CodesReply{UserReply: reply, Codes: codes, Uses: i.uses}
	if !i.until.IsZero() {
		answer.Until = &i.until
	}
	return answer, nil
}

// deadEnd is what an administrator should know of a way to a first registration for somebody who has
// had it.
func deadEnd(found match, e login.Enrolment, way string) []string {
	held := registeredFactors(e, "")
	if len(held) == 0 {
		return nil
	}
	return []string{fmt.Sprintf(`%s has registered %s: where that counts, %s leads nowhere before "sallyport user reset"`,
		found, strings.Join(held, ", "), way)}
}

// grant stores the tags of fresh codes and returns the codes.
func (s *Server) grant(ctx context.Context, found match, i issue) ([]string, error) {
	ring, err := s.cfg.Users.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.act, err)
	}
	g := Grant{UserID: found.id, Name: found.name, Factor: i.credential, Note: note(ctx, i.reason)}
	codes := make([]string, i.codes)
	for n := range codes {
		codes[n] = login.NewCode().Reveal()
		tag := ring.CodeTag(i.credential, found.id, login.NormalizeCode(codes[n]))
		g.Codes = append(g.Codes, login.OneTimeCode{Tag: tag, Uses: i.uses, Until: i.until})
	}
	err = s.cfg.Users.Grant(ctx, g)
	facts := []slog.Attr{slog.Int("codes", i.codes), slog.Uint64("uses", uint64(i.uses))}
	if !i.until.IsZero() {
		facts = append(facts, slog.Time("until", i.until))
	}
	if i.reason != "" {
		facts = append(facts, slog.String("reason", i.reason))
	}
	s.auditUser(ctx, i.act, err, found, facts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.act, err)
	}
	return codes, nil
}

// note says who issued codes, and why.
func note(ctx context.Context, reason string) string {
	who := "unknown"
	if p := peerFrom(ctx); p.known {
		who = fmt.Sprintf("uid %d", p.uid)
	}
	if reason == "" {
		return who
	}
	return who + ": " + reason
}

// unknownToDirectory refuses to give something to somebody who cannot log in.
func unknownToDirectory(found match) *Problem {
	return &Problem{http.StatusNotFound, fmt.Sprintf("no directory knows %s", found), "check the name or the ID"}
}
