package login

import (
	"context"
	"errors"
	"strings"
)

// Continue answers a challenge: with what was asked for, or with an action. It returns an
// [*UnavailableError] when a back end could not be asked or its word is not known: the same answer
// may then be given again and has one outcome.
func (e *Engine) Continue(ctx context.Context, a Answer) (Reply, error) {
	t := e.newTurn(a.Origin, a.Username)
	t.state, t.answer = a.State, strings.TrimSpace(a.Text)
	reply, err := e.proceed(ctx, t, a)
	e.report(t, reply, err)
	return reply, err
}

func (e *Engine) proceed(ctx context.Context, t *turn, a Answer) (Reply, error) {
	err := e.findPolicy(t, a.Policy)
	if err != nil {
		return Reply{}, err
	}
	if t.keys, err = e.cfg.Ledger.Keys(ctx); err != nil {
		return Reply{}, ledgerError(err)
	}
	if code, reason := e.openToken(t, a); code != "" {
		return t.reject(code, code, reason), nil
	}
	if reply, err, done := e.recall(ctx, t); done {
		return reply, err
	}
	next := e.table[input{t.token.step, a.action()}]
	if next == nil {
		next = (*Engine).askAgain
	}
	return next(e, ctx, t)
}

// openToken opens the State and refuses what was not meant for this client, this user and this time.
func (e *Engine) openToken(t *turn, a Answer) (code Code, reason string) {
	tok, err := t.keys.open(a.State)
	if err != nil {
		return CodeStateInvalid, "the State was not sealed by this cluster"
	}
	t.token = tok
	t.event.Trace, t.event.Step = traceOf(tok.challenge), tok.step
	switch {
	case tok.client != t.keys.clientTag(a.Client):
		return CodeStateInvalid, "the State was issued to another client"
	case tok.clusterEpoch != t.keys.Epoch():
		return CodeStateInvalid, "the State is from before a restore"
	case a.Username != "" && !t.sameName(a.Username):
		return CodeStateInvalid, "the State was issued to another username"
	case e.cfg.Ledger.Now().After(tok.expires.Add(e.cfg.Limits.Keep)):
		return CodeStateExpired, "" // later than any recorded verdict is kept
	}
	for _, name := range t.policy.Factors {
		if t.keys.factorTag(name) == tok.factor {
			t.event.Factor = name
			return "", ""
		}
	}
	return CodeFactorNotConfigured, "the factor of this challenge is not in the policy any more"
}

func (t *turn) sameName(username string) bool {
	name, err := Normalize(username)
	return err == nil && t.token.name == t.keys.nameTag(name)
}

// recall finds the user that the token means: by the stored challenge where something is being
// registered, else by handle.
func (e *Engine) recall(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	var found bool
	if t.token.step == StepRegisterTOTP {
		if t.opened, found, err = e.cfg.Ledger.Opened(ctx, t.token.challenge); err == nil && found {
			t.enrolment, err = e.cfg.Ledger.Enrolment(ctx, t.opened.UserID)
		}
	} else {
		t.enrolment, found, err = e.cfg.Ledger.EnrolmentByHandle(ctx, t.token.handle)
	}
	if err != nil {
		return Reply{}, ledgerError(err), true
	}
	if !found || t.keys.Handle(t.enrolment.UserID) != t.token.handle {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge or the user is not stored any more"), nil, true
	}
	t.user = User{ID: t.enrolment.UserID, Name: t.enrolment.Name}
	if t.user.Name == "" {
		t.user.Name = t.opened.Name
	}
	t.event.UserID, t.event.User = t.user.ID, t.user.Name
	return Reply{}, nil, false
}

// answerOTP judges a code against the registered factor and settles it.
func (e *Engine) answerOTP(ctx context.Context, t *turn) (Reply, error) {
	name := t.event.Factor
	c := t.enrolment.Credentials[name]
	if c.Version < t.token.version || t.enrolment.Epoch < t.token.epoch {
		return Reply{}, ledgerError(errors.New("this node's state lags behind the challenge"))
	}
	var finding Finding
	if c.Version == t.token.version && c.Registered() {
		var err error
		if c.Record, err = e.cfg.Ledger.Record(ctx, t.enrolment, name); err != nil {
			return Reply{}, ledgerError(err)
		}
		if finding, err = e.cfg.Factors[name].Verify(ctx, e.cfg.Now(), t.user, c, t.answer); err != nil {
			return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
		}
	}
	return e.settle(ctx, t, finding, nil)
}

// answerRegistration judges the first code against the candidate; only a right one registers it.
func (e *Engine) answerRegistration(ctx context.Context, t *turn) (Reply, error) {
	if t.opened.Closed {
		// The candidate is gone; what is left is the verdict that the ledger recorded.
		return e.settle(ctx, t, Finding{}, nil)
	}
	if t.policy.Registration != RegistrationFirstLogin {
		return t.reject(CodeNotPermitted, CodeNotPermitted, "the policy does not let people register any more"), nil
	}
	name := t.event.Factor
	finding, err := e.cfg.Factors[name].Verify(ctx, e.cfg.Now(), t.user, Credential{Factor: name, Record: t.opened.Record}, t.answer)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	return e.settle(ctx, t, finding, t.opened.Record)
}

// settle commits the effect of an answer, and turns the ledger's verdict into the reply.
func (e *Engine) settle(ctx context.Context, t *turn, f Finding, register []byte) (Reply, error) {
	// The account may have been disabled since the password was checked. It is asked whatever was
	// found: otherwise its answer would tell whether the code was right.
	if reply, err, done := e.checkAccount(ctx, t); done {
		return reply, err
	}
	var out Outcome
	err := e.timed(t, "ledger", func() (string, error) {
		var err error
		out, err = e.cfg.Ledger.Settle(ctx, e.settlement(t, f, register))
		return "", err
	})
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	t.event.Repeated = out.Repeated
	switch {
	case out.Code == CodeAccepted:
		return e.accept(t, out, t.token.step == StepRegisterTOTP), nil
	case out.AttemptsLeft > 0 && (out.Code == CodeOTPInvalid || out.Code == CodeOTPReplayed):
		return e.prompt(ctx, t, out.Code, out.AttemptsLeft)
	case out.Stale:
		return t.reject(out.Code, out.Code, "the user's factors changed since the challenge began"), nil
	default:
		return t.reject(out.Code, out.Code, ""), nil
	}
}

func (e *Engine) settlement(t *turn, f Finding, register []byte) Settlement {
	tok := t.token
	return Settlement{
		Challenge: tok.challenge,
		Token:     t.keys.Tag("token", []byte(t.state)),
		Answer:    t.keys.Tag("answer", tok.challenge[:], []byte(t.origin.Client), []byte(t.answer)),
		Request:   t.origin.RequestKey,
		Client:    t.origin.Client, UserID: t.user.ID, Name: t.user.Name, Handle: tok.handle,
		ClusterEpoch: tok.clusterEpoch, Epoch: tok.epoch, Factor: t.event.Factor, Version: tok.version,
		Number: f.Number, Memo: f.Memo, Register: register,
		Expires: tok.expires, Limits: e.cfg.Limits,
	}
}

// checkAccount reads the account's flags again; the directory answers from its cache while what it
// said is fresh.
func (e *Engine) checkAccount(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	err = e.timed(t, "directory", func() (string, error) {
		u, err := e.cfg.Directories[t.policy.Directory].Lookup(ctx, t.user.ID)
		return u.Server, err
	})
	if err == nil {
		return Reply{}, nil, false
	}
	code := RefusalCode(err)
	switch {
	case code == "":
		return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
	case errors.Is(err, ErrNoUser):
		code = CodeAccountDisabled
	}
	return t.reject(code, code, refusalReason(err)), nil, true
}

// askAgain repeats the prompt; nothing is counted.
func (e *Engine) askAgain(ctx context.Context, t *turn) (Reply, error) {
	if !e.cfg.Ledger.Now().Before(t.token.expires) {
		return t.reject(CodeStateExpired, CodeStateExpired, ""), nil
	}
	o, found, err := e.cfg.Ledger.Opened(ctx, t.token.challenge)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	left := int(e.cfg.Limits.Attempts)
	if found {
		left -= int(o.Failures)
	}
	if o.Closed || left <= 0 {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge is closed"), nil
	}
	return e.prompt(ctx, t, CodePrompt, left)
}

// prompt asks the token's step again under a fresh token.
func (e *Engine) prompt(ctx context.Context, t *turn, why Code, left int) (Reply, error) {
	f := e.cfg.Factors[t.event.Factor]
	var p Prompt
	var err error
	if registrar, ok := f.(Registrar); ok && t.token.step == StepRegisterTOTP {
		p, err = registrar.Registration(ctx, t.user, t.opened.Record)
	} else {
		p, err = f.Challenge(ctx, t.user, t.enrolment.Credentials[t.event.Factor])
	}
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	p.AttemptsLeft = left
	return e.challenge(t, t.token, p, why)
}

// cancel ends the login at the person's wish.
func (e *Engine) cancel(ctx context.Context, t *turn) (Reply, error) {
	err := e.timed(t, "ledger", func() (string, error) {
		return "", e.cfg.Ledger.Cancel(ctx, Cancellation{
			Challenge: t.token.challenge, Client: t.origin.Client, UserID: t.user.ID, Handle: t.token.handle,
			Epoch: t.token.epoch, Expires: t.token.expires, Keep: e.cfg.Limits.Keep, Capacity: e.cfg.Limits.Capacity,
		})
	})
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	return t.reject(CodeStateInvalid, CodeStateInvalid, "cancelled by the user"), nil
}
