package login

import (
	"context"
	"fmt"
	"time"
)

// goodCodes reports whether the user has a one-time code of a kind that is good now.
func (t *turn) goodCodes(kind string, now time.Time) bool {
	_, ok := t.anyCode(kind, now)
	return ok
}

// anyCode returns the tag of a code of a kind that is good now.
func (t *turn) anyCode(kind string, now time.Time) (Tag, bool) {
	c := t.enrolment.Credentials[kind]
	if c.LockedAt(now) {
		return Tag{}, false
	}
	for _, code := range c.Codes {
		if code.GoodAt(now) {
			return code.Tag, true
		}
	}
	return Tag{}, false
}

// standIn recognises an answer that is a recovery or bypass code of this user. Whether it is still
// good is for the ledger to say.
func (t *turn) standIn(answer string) (kind string, tag Tag, ok bool) {
	code := NormalizeCode(answer)
	if code == "" || t.barred {
		return "", Tag{}, false
	}
	for _, kind := range []string{CredentialBypass, CredentialRecovery} {
		tag := t.keys.CodeTag(kind, t.user.ID, code)
		for _, c := range t.enrolment.Credentials[kind].Codes {
			if c.Tag == tag {
				return kind, tag, true
			}
		}
	}
	return "", Tag{}, false
}

// mayBeSpent reports whether an answer that is no code of this user has the form of one, where there
// were some: it may be the retransmission of the last one. The ledger knows its verdict then.
func (t *turn) mayBeSpent(answer string) bool {
	_, recovery := t.enrolment.Credentials[CredentialRecovery]
	_, bypass := t.enrolment.Credentials[CredentialBypass]
	return (recovery || bypass) && NormalizeCode(answer) != ""
}

// askCode asks for a one-time code in place of a factor, or for an invitation.
func (e *Engine) askCode(t *turn, kind string) (Reply, error) {
	t.event.Factor = kind
	t.token.factor, t.token.version = t.keys.factorTag(kind), t.enrolment.Credentials[kind].Version
	if t.token.expires.IsZero() {
		t.token.expires = t.ledger.Now().Add(e.cfg.ChallengeLife)
	}
	return e.prompt(t, Prompt{Step: StepOTP}, CodePrompt)
}

// answerStandIn settles a recovery or bypass code.
func (e *Engine) answerStandIn(ctx context.Context, t *turn, kind string, tag Tag) (Reply, error) {
	s := e.settlement(t, Finding{})
	s.Factor, s.Version, s.Code = kind, t.enrolment.Credentials[kind].Version, tag
	return e.settle(ctx, t, s)
}

// answerInvitation settles an invitation: a right one leads on to the registration.
func (e *Engine) answerInvitation(ctx context.Context, t *turn) (Reply, error) {
	s := e.settlement(t, Finding{})
	s.Pass = true
	if code := NormalizeCode(t.answer); code != "" {
		s.Code = t.keys.CodeTag(CredentialInvitation, t.user.ID, code)
	}
	return e.settle(ctx, t, s)
}

// earned says how an Accept was earned, for the audit.
func (t *turn) earned(out Outcome) string {
	what := t.event.Factor
	if out.Factor != "" {
		what = out.Factor
	}
	switch {
	case what == CredentialBypass:
		what = fmt.Sprintf("bypass(%s, %d left)", t.enrolment.Credentials[what].Note, out.Remaining)
	case what == CredentialRecovery:
		what = fmt.Sprintf("recovery(%d left)", out.Remaining)
	case t.forwarded:
		what = "passcode"
	}
	if t.origin.Mode == ModeOTPOnly {
		return what
	}
	return "password+" + what
}
