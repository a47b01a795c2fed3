package login

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Continue answers a challenge: with what was asked for, or with an action. It returns an
// [*UnavailableError] when a back end could not be asked or its word is not known: the same answer
// may then be given again and has one outcome.
func (e *Engine) Continue(ctx context.Context, a Answer) (Reply, error) {
	ctx = WithClient(ctx, a.Client)
	t := e.newTurn(a.Origin, a.Username)
	t.state, t.answer = a.State, visible(a.Text)
	reply, err := e.proceed(ctx, t, a)
	e.report(t, reply, err)
	return t.proven(reply, err), err
}

func (e *Engine) proceed(ctx context.Context, t *turn, a Answer) (Reply, error) {
	if err := e.findPolicy(t, a.Policy); err != nil {
		return Reply{}, err
	}
	ctx = t.asking(ctx)
	if err := e.enter(ctx, t); err != nil {
		return Reply{}, err
	}
	code, reason, err := e.openNewToken(ctx, t, a)
	switch {
	case err != nil:
		return Reply{}, err
	case code != "":
		return t.reject(code, code, reason), nil
	}
	if reply, err, done := e.checkHolder(ctx, t, a.Username); done {
		return reply, err
	}
	if t.ledger.Now().Before(t.token.expires) {
		t.proof = ProofState
	}
	if reply, err, done := e.recall(ctx, t); done {
		return reply, err
	}
	if t.policy.ConcealPassword && !t.ledger.Now().Before(t.token.expires) {
		return t.reject(CodeStateExpired, CodeStateExpired, ""), nil
	}
	action := t.action(a.Action)
	if t.alone && !t.mayGoOnAlone(action) {
		return Reply{}, alone()
	}
	t.key = t.keys.Tag(PurposeMove, []byte(a.State), []byte(action), []byte(t.answer))
	next := e.table[input{t.token.step, action}]
	if next == nil {
		next = (*Engine).askAgain
	}
	if action == ActionAnswer && t.token.password == t.keys.passwordTag(a.Text) {
		next = (*Engine).passwordAgain
	}
	read := func() error { _, err := e.readStored(ctx, t); return err }
	return e.twice(t, read, func() (Reply, error) {
		if t.token.has(flagRegistering) && action != ActionCancel {
			if reply, err, done := e.stillRegisters(ctx, t); done {
				return reply, err
			}
		}
		return next(e, ctx, t)
	})
}

// openNewToken is openToken, once more with the newest key ring where the State may be from a newer one
// than this node knows.
func (e *Engine) openNewToken(ctx context.Context, t *turn, a Answer) (code Code, reason string, err error) {
	code, reason = e.openToken(t, a)
	if code == "" || !t.keys.mayLag(a.State, t.token) {
		return code, reason, nil
	}
	if err := e.catchUp(ctx, t); err != nil {
		return "", "", err
	}
	if t.keys, err = t.ledger.Keys(ctx); err != nil {
		return "", "", ledgerError(err)
	}
	code, reason = e.openToken(t, a)
	return code, reason, nil
}

// openToken opens the State and refuses what was not meant for this client and this time.
func (e *Engine) openToken(t *turn, a Answer) (code Code, reason string) {
	tok, err := t.keys.open(a.State)
	if err != nil {
		return CodeStateInvalid, "the State was not sealed by this cluster"
	}
	t.token, t.vain = tok, tok.vain()
	t.token.setVain(0)
	t.event.Trace, t.event.Step = traceOf(tok.challenge), tok.step
	switch {
	case tok.client != t.keys.clientTag(a.Client):
		return CodeStateInvalid, "the State was issued to another client"
	case tok.clusterEpoch != t.keys.Epoch():
		return CodeStateInvalid, "the State is from before a restore"
	case t.ledger.Now().After(tok.expires.Add(e.cfg.Limits.Keep)):
		return CodeStateExpired, "" // later than any recorded verdict is kept
	}
	return "", ""
}

// checkHolder refuses a State under the name of somebody else than it was issued to: the client may go by that name.
// One person has many names, and some clients take a domain off between two requests; so where the name is not that
// of the first request the directory says whom it means. done means that reply and err are the end.
func (e *Engine) checkHolder(ctx context.Context, t *turn, username string) (reply Reply, err error, done bool) {
	if username == "" {
		return Reply{}, nil, false
	}
	name, bad := Normalize(username)
	if bad != nil {
		name = username // as a decoy's may be
	}
	t.typed = name
	if t.policy.ConcealPassword || t.token.name == t.keys.nameTag(name) { // concealed: see checkAccount
		return Reply{}, nil, false
	}
	var u User
	if bad == nil {
		err = e.timed(t, "directory", func() (string, error) {
			u, err = e.cfg.Directories[t.policy.Directory].Find(ctx, username)
			return u.Server, err
		})
		if err != nil && RefusalCode(err) == "" {
			return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
		}
	}
	if u.ID == "" || t.keys.Handle(u.ID) != t.token.handle { // what else is refused about the account is for a later step
		return t.reject(CodeStateInvalid, CodeStateInvalid, reasonOtherName), nil, true
	}
	return Reply{}, nil, false
}

const reasonOtherName = "the State was issued to another username"

// recall finds the user that the token means and what the directory and the policy say of them now.
// The account may have been disabled since the password was checked; it is asked whatever will be
// found, or its answer would tell whether the code was right.
func (e *Engine) recall(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	found, err := e.readStored(ctx, t)
	if err != nil {
		return Reply{}, err, true
	}
	if t.token.has(flagDecoy) {
		if reply, err, done = e.checkDecoy(ctx, t); done {
			return reply, err, true
		}
		return e.nameFactor(t)
	}
	if !found {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge or the user is not stored any more"), nil, true
	}
	t.user = User{ID: t.enrolment.UserID, Name: t.enrolment.Name}
	if t.user.Name == "" {
		t.user.Name = t.opened.Name
	}
	t.event.UserID, t.event.User = t.user.ID, t.user.Name
	if reply, err, done := e.checkAccount(ctx, t); done {
		if t.barred = t.policy.ConcealPassword && err == nil; !t.barred {
			return reply, err, true
		}
	}
	return e.nameFactor(t)
}

// nameFactor finds the factor that the token means.
func (e *Engine) nameFactor(t *turn) (reply Reply, err error, done bool) {
	if t.token.step == StepChooseFactor {
		return Reply{}, nil, false
	}
	names := t.rule.factors
	if t.token.has(flagDecoy) { // whose group's rule is not known any more
		names = slices.Collect(maps.Keys(e.cfg.Factors))
	}
	for _, name := range names {
		if t.keys.factorTag(name) == t.token.factor {
			t.event.Factor = name
			return Reply{}, nil, false
		}
	}
	for _, kind := range []string{CredentialBypass, CredentialRecovery, CredentialInvitation} {
		if t.keys.factorTag(kind) == t.token.factor {
			t.event.Factor = kind
			return Reply{}, nil, false
		}
	}
	return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "the factor of this challenge is not in the policy any more"), nil, true
}

// checkAccount reads the account again: its flags, its groups, its address. The directory answers
// from its cache while what it said is fresh. done means that reply and err are the end.
//
// Where passwords are concealed it is read by the name that came with the answer, as for a decoy, of which nobody
// knows whom it is for. Under a name of somebody else no answer is right then; a refusal would tell that the password
// was, or that the names are one person's.
func (e *Engine) checkAccount(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	byName := t.policy.ConcealPassword && t.event.Username != ""
	var u User
	err = e.timed(t, "directory", func() (string, error) {
		d := e.cfg.Directories[t.policy.Directory]
		if byName {
			u, err = d.Find(ctx, t.event.Username)
		} else {
			u, err = d.Lookup(ctx, t.user.ID)
		}
		return u.Server, err
	})
	if byName && (err == nil || RefusalCode(err) != "") && u.ID != t.user.ID {
		return t.reject(CodeStateInvalid, CodeStateInvalid, reasonOtherName), nil, true
	}
	if err == nil {
		return t.permit(u)
	}
	code := RefusalCode(err)
	switch {
	case code == "":
		return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
	case errors.Is(err, ErrNoUser):
		code = CodeAccountDisabled
	}
	reply = t.reject(code, code, refusalReason(err))
	if code == CodeAccountLocked { // else this code is for a factor that too many wrong codes have locked
		reply.Message = messageAccountLocked
	}
	return reply, nil, true
}

// permit takes what the directory says of the user now, and asks the policy again.
func (t *turn) permit(u User) (reply Reply, err error, done bool) {
	u.ID = t.user.ID
	if u.Name == "" {
		u.Name = t.user.Name
	}
	t.user, t.event.User = u, u.Name
	if t.rule, err = t.policy.ruleFor(u); err != nil {
		return t.reject(CodeNotPermitted, CodeNotPermitted, err.Error()), nil, true
	}
	return Reply{}, nil, false
}

// answerOTP judges a code against the registered factor, or the candidate, and settles it.
func (e *Engine) answerOTP(ctx context.Context, t *turn) (Reply, error) {
	switch {
	case !t.token.has(flagRegistering) && !couldBeCode(t.answer):
		t.event.Reason = notACode
		return e.inVain(ctx, t, CodeOTPInvalid)
	case t.token.has(flagDecoy):
		return e.settle(ctx, t, e.settlement(t, Finding{}))
	case t.token.has(flagRegistering):
		return e.answerCandidate(ctx, t)
	case t.event.Factor == CredentialInvitation:
		return e.answerInvitation(ctx, t)
	}
	if kind, tag, ok := t.standIn(t.answer); ok {
		return e.answerStandIn(ctx, t, kind, tag)
	}
	name := t.event.Factor
	c := t.enrolment.Credentials[name]
	finding, err := e.verify(ctx, t, name, c)
	if err == nil && finding.Number == 0 {
		err = e.sure(ctx, t) // its code, its drift, a one-time code in its place may be newer
	}
	if err != nil {
		return Reply{}, err
	}
	if c.Version < t.token.version || t.enrolment.Epoch < t.token.epoch {
		return Reply{}, ledgerError(errors.New("this node's state lags behind the challenge"))
	}
	s := e.settlement(t, finding)
	s.Pass = c.Renew
	return e.settle(ctx, t, s)
}

// verify asks a factor about an answer. A factor that is registered no more, or anew since the
// challenge began, finds nothing right. The error is an [*UnavailableError]: a record that cannot be
// read is nobody's wrong answer.
func (e *Engine) verify(ctx context.Context, t *turn, name string, c Credential) (f Finding, err error) {
	factor := e.cfg.Factors[name]
	if factor == nil || t.barred || c.Version != t.token.version || !c.Registered() {
		return Finding{}, nil
	}
	if s, ok := factor.(Sender); ok {
		f, err = e.verifySent(ctx, t, s, c)
	} else if c.Record, err = t.ledger.Record(ctx, t.enrolment, name); err == nil {
		var now time.Time
		if now, err = e.cfg.CodeTime(); err == nil {
			f, err = factor.Verify(ctx, now, t.user, c, t.answer)
		}
	}
	if err != nil {
		return Finding{}, ledgerError(err)
	}
	return f, nil
}

// settlement is the effect of the answer of this turn.
func (e *Engine) settlement(t *turn, f Finding) Settlement {
	tok := t.token
	s := Settlement{
		Challenge: tok.challenge,
		Token:     t.keys.Tag(PurposeToken, []byte(t.state), tok.challenge[:]),
		Answer:    t.keys.Tag(PurposeAnswer, tok.challenge[:], []byte(t.origin.Client), []byte(e.spelled(t))),
		Request:   t.origin.RequestKey,
		Client:    t.origin.Client, UserID: t.user.ID, Name: t.user.Name, Handle: tok.handle,
		ClusterEpoch: tok.clusterEpoch, Epoch: tok.epoch, Factor: t.event.Factor, Version: tok.version,
		Number: f.Number, Memo: f.Memo, Near: f.Near, Again: t.again,
		Decoy: tok.has(flagDecoy), Conceal: t.policy.ConcealPassword,
		Expires: tok.expires, Limits: e.cfg.Limits,
	}
	if t.origin.Mode != ModeChallenge {
		s.Guess = t.guess(meant(t.answer))
	}
	return s
}

// guess names an answer of a login without a State. The station is not in it: the same guess from another
// place says no more, and many clients name none.
func (t *turn) guess(answer string) Tag {
	return t.keys.Tag(PurposeGuess, []byte(t.origin.Client), []byte(t.user.ID), []byte(answer))
}

// spelled is the answer as its tags have it: one spelling for all of a code. Of a passcode, whose PIN may hold signs
// that a code may not, it is the text.
func (e *Engine) spelled(t *turn) string {
	if e.forwards(t.event.Factor) {
		return t.answer
	}
	return meant(t.answer)
}

// meant is one spelling for all of an answer.
func meant(answer string) string {
	if code := FoldDigits(answer); code != "" {
		return code
	}
	return answer
}

// commit settles in the ledger.
func (e *Engine) commit(ctx context.Context, t *turn, s Settlement) (out Outcome, err error) {
	if t.alone {
		return Outcome{}, alone()
	}
	err = e.timed(t, "ledger", func() (string, error) {
		out, err = t.ledger.Settle(ctx, s)
		return "", err
	})
	if t.policy.ConcealPassword && errors.Is(err, ErrFull) {
		t.event.Reason = err.Error()
		return e.outOfRoom(), nil
	}
	if err != nil {
		return Outcome{}, ledgerError(err)
	}
	if err := e.lost(ctx, t, out); err != nil {
		return Outcome{}, err
	}
	t.event.Repeated = out.Repeated
	if out.Code == CodeOTPInvalid || out.Code == CodeAttemptsExhausted {
		if s.Near.Number != 0 {
			t.event.Reason = s.Near.String()
		}
		// A candidate is no secret to whoever registers it.
		t.clock = out.Near || t.token.has(flagRegistering) && s.Near.Number != 0
	}
	return out, nil
}

// settle commits the effect of an answer, and turns the ledger's verdict into the reply.
func (e *Engine) settle(ctx context.Context, t *turn, s Settlement) (Reply, error) {
	out, err := e.commit(ctx, t, s)
	if err != nil {
		return Reply{}, err
	}
	registered := t.token.has(flagRegistering)
	switch {
	case out.Code == CodeAccepted:
		if s.Factor != "" { // a one-time code stood in for the factor that was asked for
			t.event.Factor = s.Factor
		}
		e.announce(ctx, t, out)
		return e.accept(t, out, t.earned(out), registered), nil
	case out.Code == CodePrompt:
		return e.passed(ctx, t)
	case t.origin.Mode == ModeChallenge && out.AttemptsLeft > 0 && (out.Code == CodeOTPInvalid || out.Code == CodeOTPReplayed):
		t.left = out.AttemptsLeft
		t.event.Code = out.Code
		return e.repeat(ctx, t, t.toldIn(out.Code))
	case out.Stale:
		return t.reject(out.Code, out.Code, "the user's factors changed since the challenge began"), nil
	default:
		reply := t.reject(out.Code, t.toldIn(out.Code), t.event.Reason)
		if t.clock && t.origin.Mode == ModeChallenge {
			reply.Message += " " + messageClock
		}
		return reply, nil
	}
}

// passed goes on after an answer that was right and is not the last: to the registration that an
// invitation allows, or that an administrator requires.
func (e *Engine) passed(ctx context.Context, t *turn) (Reply, error) {
	if t.event.Factor == CredentialInvitation {
		t.token.flags |= flagInvited
		return e.offerRegistration(ctx, t)
	}
	t.token.flags |= flagRenewing
	t.renewed = true
	return e.registerFactor(ctx, t, t.event.Factor)
}

// ended refuses what comes too late to change anything. done means that reply is the end.
func (e *Engine) ended(t *turn) (reply Reply, done bool) {
	switch {
	case !t.ledger.Now().Before(t.token.expires):
		return t.reject(CodeStateExpired, CodeStateExpired, ""), true
	case t.opened.Closed, t.opened.Failures >= e.cfg.Limits.Attempts:
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge is closed"), true
	}
	return Reply{}, false
}

// askAgain repeats the prompt; nothing is counted.
func (e *Engine) askAgain(ctx context.Context, t *turn) (Reply, error) {
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	return e.repeat(ctx, t, CodePrompt)
}

// inVain asks again after an answer that could not be judged. Nothing is counted in the ledger, but a
// client that answers by itself must come to an end.
func (e *Engine) inVain(ctx context.Context, t *turn, why Code) (Reply, error) {
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	if t.vain >= maxVain {
		return t.reject(CodeAttemptsExhausted, CodeAttemptsExhausted, "too many answers that could not be judged"), nil
	}
	t.token.setVain(t.vain + 1)
	return e.repeat(ctx, t, why)
}

// passwordAgain asks again where the password of the login comes in place of an answer, as from a client that starts
// over and keeps the State, or answers by itself: it is no guess at a code, and nobody but the directory is to see it.
func (e *Engine) passwordAgain(ctx context.Context, t *turn) (Reply, error) {
	t.event.Reason = "the password came again, in place of an answer"
	return e.inVain(ctx, t, CodePrompt)
}

// repeat asks the token's step again under a fresh token.
func (e *Engine) repeat(ctx context.Context, t *turn, why Code) (Reply, error) {
	name := t.event.Factor
	s, sends := e.cfg.Factors[name].(Sender)
	switch step := t.token.step; {
	case t.opened.Closed && t.token.has(flagRegistering):
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge is closed, and its candidate forgotten"), nil
	case t.inDialogue():
		return e.showDialogue(t, why)
	case step == StepChooseFactor:
		return e.chooseFactor(t, why)
	case step == StepRegisterTOTP:
		return e.showCandidate(ctx, t, why)
	case step == StepRegisterAddress:
		return e.askAddress(t, why)
	case step == StepConfirmAddress && sends:
		to, err := s.ParseAddress(string(t.opened.Record))
		if err != nil || t.opened.Sequence != t.token.sequence {
			return e.askAddress(t, why)
		}
		return e.showAddress(t, s, to, why)
	case sends && t.token.has(flagRegistering):
		to, err := s.ParseAddress(string(t.opened.Record))
		if err != nil {
			return e.askAddress(t, why)
		}
		return e.askSent(t, s, to, why)
	case sends:
		to, err := e.registeredAddress(ctx, t, s)
		if err != nil {
			return Reply{}, err
		}
		return e.askSent(t, s, to, why)
	case e.cfg.Factors[name] == nil: // a one-time code
		return e.prompt(t, Prompt{Step: StepOTP}, why)
	}
	p, err := e.cfg.Factors[name].Challenge(ctx, t.user, t.enrolment.Credentials[name])
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	return e.prompt(t, p, why)
}

// prompt asks p, with what is true of every prompt of this turn.
func (e *Engine) prompt(t *turn, p Prompt, why Code) (Reply, error) {
	if p.AttemptsLeft = t.left; p.AttemptsLeft == 0 {
		p.AttemptsLeft = max(int(e.cfg.Limits.Attempts)-int(t.opened.Failures), 1)
	}
	if p.Choices = e.usable(t); p.Step == StepChooseFactor {
		p.Choices = e.choices(t) // all of them, so that their numbers stay
	}
	p.renewing, p.elsewhere = t.renewed, t.elsewhere
	p.registering, p.detail, p.clock = t.token.has(flagRegistering), t.detail, t.clock
	return e.challenge(t, t.token, p, why)
}

// cancel ends the login at the person's wish.
func (e *Engine) cancel(ctx context.Context, t *turn) (Reply, error) {
	if t.alone && t.token.step == StepChooseFactor {
		return Reply{}, alone()
	}
	err := e.timed(t, "ledger", func() (string, error) {
		return "", t.ledger.Cancel(ctx, Cancellation{
			Challenge: t.token.challenge, Client: t.origin.Client, UserID: t.user.ID, Handle: t.token.handle,
			Epoch: t.token.epoch, Expires: t.token.expires, Keep: e.cfg.Limits.Keep, Capacity: e.cfg.Limits.Capacity,
		})
	})
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	return t.reject(CodeStateInvalid, CodeStateInvalid, "cancelled by the user"), nil
}
