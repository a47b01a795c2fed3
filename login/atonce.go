package login

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// againWithin is how long a new packet with the same password and code, from the same place, has the
// same verdict in the modes without a State.
const againWithin = 10 * time.Second

// besideWithin is how long after the first code of a challenge further ones are sent in it, where there is no
// second prompt: a code that came much later would not live as long as the others.
const besideWithin = 30 * time.Minute

// beginAtOnce takes password and second factor in one request, or the second factor alone. No code
// is judged before the password was right, and there is never a challenge.
func (e *Engine) beginAtOnce(ctx context.Context, t *turn, r Request) (Reply, error) {
	password, answer := splitAppended(r.Password, r.AppendDigits)
	check := func() (Reply, error, bool) { return e.checkPassword(ctx, t, r.Username, password) }
	if r.Mode == ModeOTPOnly {
		answer = r.Password
		check = func() (Reply, error, bool) { return e.checkName(ctx, t, r.Username) }
	}
	t.answer = visible(answer)
	reply, err, done := e.identify(ctx, t, check)
	if !done {
		if r.station() != "" {
			t.again = t.keys.Tag(PurposeAgain, []byte(r.Client), []byte(t.user.ID), []byte(r.station()), []byte(password), []byte(meant(t.answer)))
		}
		t.token.expires = t.ledger.Now().Add(againWithin)
		reply, err = e.twice(t, func() error { return e.readUser(ctx, t) }, func() (Reply, error) { return e.answerAtOnce(ctx, t) })
	}
	if err == nil && reply.Verdict == Reject && t.oneRefusal(reply.Code) {
		reply.Code, reply.Message, reply.Factor = CodePasswordInvalid, MessageAtOnce, ""
	}
	return reply, err
}

// oneRefusal reports whether a refusal of a login in one request looks like that of a wrong password:
// what tells that the password was right, or the name known, would make a guess of it free.
func (t *turn) oneRefusal(c Code) bool {
	switch c {
	case CodePasswordExpired, CodePasswordMustChange:
		return t.origin.Mode == ModeOTPOnly || t.policy.ConcealPassword
	case CodePasswordInvalid, CodeOTPInvalid, CodeOTPReplayed, CodeAccountLocked, CodeAttemptsExhausted, CodeFactorNotConfigured,
		CodePasscodeMalformed, CodeSecurIDRejected, CodeNotPermitted, CodeAccountDisabled:
		return true
	}
	return t.policy.ConcealPassword
}

// splitAppended parts password and code: OpenVPN's static challenge; else the last digits characters,
// or what follows the last comma when digits is 0.
func splitAppended(text string, digits int) (password, answer string) {
	if p, a, ok := SplitStatic(text); ok {
		return p, a
	}
	if digits > 0 {
		return SplitDigits(text, digits)
	}
	if at := strings.LastIndexByte(text, ','); at >= 0 {
		return text[:at], text[at+1:]
	}
	return text, ""
}

// SplitStatic parts the answer to OpenVPN's static challenge, SCRV1:base64(password):base64(code). The halves are in
// whatever character set the person's machine has.
func SplitStatic(text string) (password, code string, ok bool) {
	rest, ok := strings.CutPrefix(text, "SCRV1:")
	if !ok {
		return "", "", false
	}
	first, second, ok := strings.Cut(rest, ":")
	if !ok {
		return "", "", false
	}
	p, err1 := base64.StdEncoding.DecodeString(first)
	c, err2 := base64.StdEncoding.DecodeString(second)
	return string(p), string(c), err1 == nil && err2 == nil
}

// JoinStatic is what SplitStatic parts.
func JoinStatic(password, code string) string {
	return "SCRV1:" + base64.StdEncoding.EncodeToString([]byte(password)) + ":" + base64.StdEncoding.EncodeToString([]byte(code))
}

// checkName asks the directory for a user whose password another system has checked.
func (e *Engine) checkName(ctx context.Context, t *turn, username string) (reply Reply, err error, done bool) {
	name, bad := Normalize(username)
	t.typed = name
	err = e.timed(t, "directory", func() (string, error) {
		if bad != nil {
			return "", ErrNoUser
		}
		var err error
		t.user, err = e.cfg.Directories[t.policy.Directory].Find(ctx, username)
		return t.user.Server, err
	})
	return t.found(err)
}

// answerAtOnce judges the second factor of a login in one request.
func (e *Engine) answerAtOnce(ctx context.Context, t *turn) (Reply, error) {
	held := e.held(t)
	word := strings.ToLower(t.answer)
	kind, tag, standIn := t.standIn(t.answer)
	if !standIn && NormalizeCode(t.answer) != "" && !e.forwardable(held, t.answer) {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		kind, tag, standIn = CredentialRecovery, Tag{}, t.mayBeSpent(t.answer)
	}
	switch {
	case t.answer == "":
		return t.reject(CodeOTPInvalid, CodeOTPInvalid, "the request has no code"), nil
	case standIn:
		return e.answerStandIn(ctx, t, kind, tag)
	case len(held) == 0:
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "no factor is registered, and nobody registers in this mode"), nil
	case slices.Contains(t.rule.factors, word):
		return e.sendAtOnce(ctx, t, held, word)
	}
	name, finding, err := e.factorAtOnce(ctx, t, held)
	if err != nil {
		return Reply{}, err
	}
	if t.event.Factor = name; name == "" {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		t.event.Factor = held[0]
		return t.reject(CodeAccountLocked, CodeAccountLocked, lockReason(t.enrolment.Credentials[held[0]])), nil
	}
	t.token.factor, t.token.version = t.keys.factorTag(name), t.enrolment.Credentials[name].Version
	if f, ok := e.cfg.Factors[name].(Forwarder); ok {
		if !f.Acceptable(t.answer) {
			return t.reject(CodePasscodeMalformed, CodePasscodeMalformed, ""), nil
		}
		return e.forward(ctx, t, f, e.settlement(t, Finding{}))
	}
	if !couldBeCode(t.answer) {
		return t.reject(CodeOTPInvalid, CodeOTPInvalid, notACode), nil
	}
	if finding.Number == 0 {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
	}
	return e.settle(ctx, t, e.settlement(t, finding))
}

// forwardable reports whether an answer can be one for a server that judges it.
func (e *Engine) forwardable(held []string, answer string) bool {
	return slices.ContainsFunc(held, func(name string) bool {
		f, ok := e.cfg.Factors[name].(Forwarder)
		return ok && f.Acceptable(answer)
	})
}

// factorAtOnce finds out which factor an answer is for: one whose code was sent and fits, else the one
// that would be asked for. "" means that all are locked.
func (e *Engine) factorAtOnce(ctx context.Context, t *turn, held []string) (string, Finding, error) {
	chosen, ok := e.open(t, held)
	if !ok {
		return "", Finding{}, nil
	}
	for _, name := range held {
		s, sends := e.cfg.Factors[name].(Sender)
		c := t.enrolment.Credentials[name]
		if !sends {
			continue
		}
		f, err := e.verifyNewest(ctx, t, s, c)
		if err != nil {
			return "", Finding{}, ledgerError(err)
		}
		if f.Number > 0 {
			return name, f, nil
		}
	}
	c := t.enrolment.Credentials[chosen]
	switch e.cfg.Factors[chosen].(type) {
	case Sender, Forwarder:
		return chosen, Finding{}, nil
	}
	t.token.version = c.Version
	f, err := e.verify(ctx, t, chosen, c)
	return chosen, f, err
}

// awaits reports whether a code that was sent in o is for this user's registered factor as it is now:
// not one for a candidate, and not one from before a factor was changed.
func (t *turn) awaits(o Opened, name string) bool {
	return !o.Closed && o.UserID == t.user.ID && o.Client == t.origin.Client &&
		o.Epoch == t.enrolment.Epoch && o.Factor == name && len(o.Record) == 0
}

// sendAtOnce sends a code at a word in place of a code. The login ends there: the next one brings it.
func (e *Engine) sendAtOnce(ctx context.Context, t *turn, held []string, name string) (Reply, error) {
	t.event.Factor = name
	s, ok := e.cfg.Factors[name].(Sender)
	if !ok || !slices.Contains(held, name) {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		return t.reject(CodeOTPInvalid, CodeOTPInvalid, "the word names a factor that has nothing to send"), nil
	}
	t.rejoin = t.keys.Tag(PurposeWord, []byte(t.origin.Client), []byte(t.user.ID), []byte(t.origin.station()), []byte(name))
	c := t.enrolment.Credentials[name]
	t.token.factor, t.token.version = t.keys.factorTag(name), c.Version
	// While a code that was sent is good another one is sent beside it, so that both are: there is no second
	// prompt, and whoever asks again may have the first one by then.
	o, open, err := t.ledger.Opened(ctx, c.Challenge)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	if open && t.awaits(o, name) && t.ledger.Now().Before(o.Expires) && len(o.Sends) > 0 && t.ledger.Now().Sub(o.Sends[0].At) < besideWithin {
		t.token.challenge, t.token.sequence = o.ID, o.Sequence
	}
	reply, err := e.askSender(ctx, t, s, CodePrompt)
	if err != nil || reply.Verdict == Reject {
		return reply, err
	}
	told := reply.Code
	if last, ok := t.lastSend(); ok && told == CodeResendTooSoon && t.ledger.Now().Sub(last.At) < RejoinWithin {
		told = CodePrompt // the same request again
	}
	if !t.opened.Fresh && !t.fresh { // what was rejoined may be used up by now
		if err := e.catchUp(ctx, t); err != nil {
			return Reply{}, err
		}
		if err := e.readUser(ctx, t); err != nil {
			return Reply{}, err
		}
	}
	if last, ok := t.lastSend(); ok && told == CodePrompt && last.Number <= t.enrolment.Credentials[name].Last {
		told = CodeResendTooSoon
	}
	out := t.reject(told, told, "a code was asked for by its word")
	if told == CodePrompt {
		out.Message = "A code was sent to " + plain(reply.Prompt.MaskedAddress) + ". Log in again with it."
	}
	return out, nil
}
