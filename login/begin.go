package login

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Begin checks the password and returns the first challenge, or a Reject. It returns an
// [*UnavailableError] when a back end could not be asked: then nothing may be concluded about the
// user.
func (e *Engine) Begin(ctx context.Context, r Request) (Reply, error) {
	t := e.newTurn(r.Origin, r.Username)
	id := newChallenge()
	t.event.Trace = traceOf(id)
	reply, err := e.begin(ctx, t, r, id)
	e.report(t, reply, err)
	return reply, err
}

func (e *Engine) begin(ctx context.Context, t *turn, r Request, id ChallengeID) (Reply, error) {
	if err := e.findPolicy(t, r.Policy); err != nil {
		return Reply{}, err
	}
	keys, err := e.cfg.Ledger.Keys(ctx)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	t.keys = keys
	if reply, err, done := e.checkPassword(ctx, t, r); done {
		return reply, err
	}
	t.enrolment, err = e.cfg.Ledger.Enrolment(ctx, t.user.ID)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	name, err := Normalize(r.Username)
	if err != nil {
		return t.reject(CodePasswordInvalid, CodePasswordInvalid, err.Error()), nil
	}
	tok := token{
		challenge: id, handle: keys.Handle(t.user.ID), client: keys.clientTag(r.Client),
		epoch: t.enrolment.Epoch, clusterEpoch: keys.Epoch(), name: keys.nameTag(name),
	}
	if chosen := t.policy.choose(t.enrolment); chosen != "" {
		return e.beginFactor(ctx, t, tok, chosen)
	}
	return e.beginRegistration(ctx, t, tok, r)
}

// checkPassword asks the directory. done means that reply and err are the end of this request.
func (e *Engine) checkPassword(ctx context.Context, t *turn, r Request) (reply Reply, err error, done bool) {
	err = e.timed(t, "directory", func() (string, error) {
		if _, bad := Normalize(r.Username); bad != nil {
			return "", fmt.Errorf("%w: %w", ErrNoUser, bad)
		}
		var err error
		t.user, err = e.cfg.Directories[t.policy.Directory].Authenticate(ctx, r.Username, r.Password)
		return t.user.Server, err
	})
	t.event.UserID, t.event.User = t.user.ID, t.user.Name
	if err == nil {
		if t.user.ID == "" {
			// An enrolment without a name would be everybody's: refuse rather than guess.
			return t.reject(CodeNotPermitted, CodePasswordInvalid, "the directory gave no immutable id"), nil, true
		}
		return Reply{}, nil, false
	}
	code := RefusalCode(err)
	if code == "" {
		return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
	}
	return t.reject(code, public(code), refusalReason(err)), nil, true
}

// refusalReason tells the administrator what the code leaves open.
func refusalReason(err error) string {
	for _, known := range []error{
		ErrNoUser, ErrPasswordExpired, ErrPasswordMustChange, ErrDisabled, ErrLocked, ErrNotPermitted, ErrPassword,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

// beginFactor asks a registered user. It writes nothing: the challenge is its token.
func (e *Engine) beginFactor(ctx context.Context, t *turn, tok token, name string) (Reply, error) {
	t.event.Factor = name
	c := t.enrolment.Credentials[name]
	now := e.cfg.Ledger.Now()
	if c.LockedAt(now) {
		return t.reject(CodeAccountLocked, CodeAccountLocked, lockReason(c)), nil
	}
	p, err := e.cfg.Factors[name].Challenge(ctx, t.user, c)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	tok.factor, tok.version = t.keys.factorTag(name), c.Version
	tok.expires = now.Add(e.cfg.ChallengeLife)
	p.AttemptsLeft = int(e.cfg.Limits.Attempts)
	return e.challenge(t, tok, p, CodePrompt)
}

func lockReason(c Credential) string {
	if c.HardLocked {
		return "locked until an administrator unlocks"
	}
	return "locked until " + c.LockedUntil.UTC().Format(time.RFC3339)
}

// beginRegistration stores a candidate under the challenge and shows it, or rejoins the one that
// the same request opened a moment ago on any node.
func (e *Engine) beginRegistration(ctx context.Context, t *turn, tok token, r Request) (Reply, error) {
	name, registrar := e.registrar(t.policy)
	if registrar == nil || t.policy.Registration != RegistrationFirstLogin {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "no factor is registered and the policy does not let people register"), nil
	}
	t.event.Factor = name
	record, err := registrar.NewRecord(ctx, t.user)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	err = e.timed(t, "ledger", func() (string, error) {
		t.opened, err = e.cfg.Ledger.Open(ctx, Opening{
			ID: tok.challenge, UserID: t.user.ID, Name: t.user.Name, Handle: tok.handle,
			Client: r.Client, Factor: name, Epoch: tok.epoch, Record: record,
			Rejoin: t.keys.Tag("begin", []byte(r.Client), []byte(t.user.ID),
				[]byte(r.CallingStationID), []byte(r.Password)),
			RejoinWithin: RejoinWithin, Life: e.cfg.RegistrationLife, Keep: e.cfg.Limits.Keep, Capacity: e.cfg.Limits.Capacity,
		})
		return "", err
	})
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	t.event.Trace = traceOf(t.opened.ID)
	tok.challenge, tok.expires = t.opened.ID, t.opened.Expires
	tok.factor, tok.version = t.keys.factorTag(name), t.enrolment.Credentials[name].Version
	p, err := registrar.Registration(ctx, t.user, t.opened.Record)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	p.AttemptsLeft = int(e.cfg.Limits.Attempts) - int(t.opened.Failures)
	return e.challenge(t, tok, p, CodePrompt)
}

// registrar returns the first factor of the policy that people register themselves.
func (e *Engine) registrar(p Policy) (string, Registrar) {
	for _, name := range p.Factors {
		if r, ok := e.cfg.Factors[name].(Registrar); ok {
			return name, r
		}
	}
	return "", nil
}

// ledgerError says that nothing may be concluded; a full ledger sheds the login.
func ledgerError(err error) error {
	if errors.Is(err, ErrFull) {
		return &UnavailableError{Code: CodeRateLimited, Err: err}
	}
	return &UnavailableError{Code: CodeClusterUnavailable, Err: err}
}
