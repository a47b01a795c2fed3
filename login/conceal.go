package login

import (
	"context"
	"encoding/hex"
	"fmt"
)

// A policy may conceal whether a password was right. Then every refusal of the first request becomes
// a challenge that looks like one, costs the ledger the same, sends nothing and always fails: a decoy.

// decoyMark is how the ids of decoys begin, and no directory's.
const decoyMark = "?"

// decoyID is the id under which the ledger keeps a decoy's challenges.
func decoyID(h Handle) string { return decoyMark + hex.EncodeToString(h[:]) }

// concealed puts a decoy in the place of a refusal, where the policy says so. The audit keeps the
// refusal's code.
func (e *Engine) concealed(ctx context.Context, t *turn, reply Reply, err error) (Reply, error) {
	if !t.policy.ConcealPassword || err != nil || reply.Verdict != Reject {
		return reply, err
	}
	name, err := e.decoyFactor(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	typed := t.typed
	if typed == "" {
		typed = t.event.Username
	}
	handle := t.keys.Handle(decoyMark + bareName(typed))
	t.user, t.enrolment, t.opened = User{ID: decoyID(handle)}, Enrolment{}, Opened{}
	t.event.Factor = name
	t.token = token{
		challenge: t.token.challenge, handle: handle, client: t.keys.clientTag(t.origin.Client),
		factor: t.keys.factorTag(name), clusterEpoch: t.keys.Epoch(), name: t.keys.nameTag(typed), flags: flagDecoy,
		password: t.token.password,
		expires:  t.ledger.Now().Add(e.cfg.ChallengeLife),
	}
	if s, ok := e.cfg.Factors[name].(Sender); ok {
		return e.openAndSend(ctx, t, s, Address{Text: typed}, Opening{Life: e.cfg.SentLife}, CodePrompt)
	}
	p, err := e.cfg.Factors[name].Challenge(ctx, t.user, Credential{})
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodePasswordInvalid, err.Error()), nil
	}
	return e.prompt(t, p, CodePrompt)
}

// asking has all questions of a request to the directory cost the same, where passwords are concealed: which
// entries are remembered depends on the passwords that came before.
func (t *turn) asking(ctx context.Context) context.Context {
	if t.policy.ConcealPassword {
		return Anew(ctx)
	}
	return ctx
}

// lookFirst finds the user by name before the password is asked about, where passwords are concealed:
// only a right one would tell the directory's entry and its groups, by which the factor is chosen, and
// only a wrong one would take a second search.
func (e *Engine) lookFirst(ctx context.Context, t *turn, username string) User {
	if !t.policy.ConcealPassword {
		return User{}
	}
	u, _ := e.cfg.Directories[t.policy.Directory].Find(ctx, username)
	return u
}

// checkDecoy asks the directory as a real login does, so that its outage, and the time that it takes, are
// the same.
func (e *Engine) checkDecoy(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	t.user = User{ID: decoyID(t.token.handle)}
	name := t.event.Username
	if name == "" { // a real one is found by its id: some name that nobody has takes as long
		name = t.user.ID[len(decoyMark):]
	}
	err = e.timed(t, "directory", func() (string, error) {
		u, err := e.cfg.Directories[t.policy.Directory].Find(ctx, name)
		return u.Server, err
	})
	if err != nil && RefusalCode(err) == "" {
		return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
	}
	return Reply{}, nil, false
}

// outOfRoom is the outcome of an answer that the ledger has no room to record, where passwords are
// concealed: that of a decoy.
func (e *Engine) outOfRoom() Outcome {
	if left := int(e.cfg.Limits.Attempts) - 1; left > 0 {
		return Outcome{Code: CodeOTPInvalid, AttemptsLeft: left}
	}
	return Outcome{Code: CodeAttemptsExhausted}
}

// decoyFactor is the factor that the right password would have met, or one derived from the name
// where there is none.
func (e *Engine) decoyFactor(ctx context.Context, t *turn) (string, error) {
	if t.user.ID != "" {
		var err error
		if t.rule, _ = t.policy.ruleFor(t.user); len(t.rule.factors) == 0 {
			t.rule.factors = t.policy.Factors
		}
		if t.enrolment, err = t.ledger.Enrolment(ctx, t.user.ID); err != nil {
			return "", ledgerError(err)
		}
		if held := e.held(t); len(held) > 0 {
			if name, ok := e.open(t, held); ok {
				return name, nil
			}
			return held[0], nil
		}
	}
	seed := t.keys.nameTag(bareName(t.typed))
	return t.policy.Factors[int(seed[0])%len(t.policy.Factors)], nil
}

// masked is where a code was sent, as the person may see it. Where passwords are concealed it is
// derived from the name for everybody: the true one would tell that the password was right.
func (e *Engine) masked(t *turn, s Sender, to Address) string {
	if !t.policy.ConcealPassword {
		return to.Masked
	}
	seed := t.keys.nameTag("mask " + bareName(t.typed))
	if s.DirectoryAddress(User{Mail: "m"}) != "" {
		return fmt.Sprintf("%c•••%c@•••", 'a'+seed[0]%26, 'a'+seed[1]%26)
	}
	return fmt.Sprintf("•••••••%02d", int(seed[0])%100)
}

// toldIn is the code that a person is told in place of c: where passwords are concealed, neither a lock
// nor that a code was right once shows.
func (t *turn) toldIn(c Code) Code {
	switch {
	case !t.policy.ConcealPassword:
		return c
	case c == CodeAccountLocked:
		return CodeAttemptsExhausted
	case c == CodeOTPReplayed:
		return CodeOTPInvalid
	}
	return c
}
