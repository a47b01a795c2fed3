package login

import (
	"context"
	"errors"
	"strings"
)

// beginRegistration begins a first registration where the policy allows one.
func (e *Engine) beginRegistration(ctx context.Context, t *turn) (Reply, error) {
	allowed, why, err := e.mayRegister(ctx, t)
	switch {
	case err != nil:
		return Reply{}, err
	case !allowed && t.mayBeInvited() && t.goodCodes(CredentialInvitation, t.ledger.Now()):
		return e.askCode(t, CredentialInvitation)
	case !allowed:
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, why), nil
	}
	return e.offerRegistration(ctx, t)
}

// offerRegistration begins with the only factor that the user may register, or lets them choose.
func (e *Engine) offerRegistration(ctx context.Context, t *turn) (Reply, error) {
	t.token.flags |= flagRegistering
	switch choices := e.choices(t); len(choices) {
	case 0:
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "the policy has no factor that the user could register"+e.addressFaults(t)), nil
	case 1:
		return e.registerFactor(ctx, t, choices[0])
	}
	if reply, err, done := e.openIfFirst(ctx, t, ""); done {
		return reply, err
	}
	return e.chooseFactor(t, CodePrompt)
}

// mayRegister says whether the policy lets this user register a factor now, and if not, why.
func (e *Engine) mayRegister(ctx context.Context, t *turn) (allowed bool, why string, err error) {
	if t.token.has(flagRenewing) {
		return true, "", nil
	}
	if t.policy.ConcealPassword {
		return false, "nobody registers over RADIUS while the policy conceals passwords", nil
	}
	if t.token.has(flagInvited) && t.mayBeInvited() {
		return true, "", nil
	}
	switch t.rule.registration {
	case RegistrationDirectory:
		return true, "", nil
	case RegistrationFirstLogin:
		if !t.hadFactor() {
			return true, "", nil
		}
		allowed, err = e.window(ctx, t, t.user.ID)
		return allowed, "the account had a factor before: open a window for it, or invite", err
	case RegistrationWindow:
		subjects := []string{t.user.ID}
		if !t.hadFactor() { // a window for many leads nobody round the factor that they have under another policy
			subjects = append(subjects, groupSubjects(t.policy.Directory, t.user)...)
		}
		allowed, err = e.window(ctx, t, subjects...)
		return allowed, "no registration window is open for the user or a group of theirs", err
	case RegistrationInvited:
		allowed, err = e.window(ctx, t, t.user.ID)
		return allowed, "the user has not been invited", err
	}
	return false, "no factor is registered and the policy does not let people register", nil
}

// mayBeInvited reports whether an invitation leads to a registration: in every way in which people
// register what they choose themselves.
func (t *turn) mayBeInvited() bool {
	switch t.rule.registration {
	case RegistrationFirstLogin, RegistrationInvited, RegistrationWindow:
		return !t.policy.ConcealPassword
	}
	return false
}

func (e *Engine) window(ctx context.Context, t *turn, subjects ...string) (bool, error) {
	open, err := t.ledger.Window(ctx, subjects)
	if err != nil {
		return false, ledgerError(err)
	}
	if !open {
		return false, e.sure(ctx, t)
	}
	return true, nil
}

// hadFactor reports whether the user ever registered a factor. A password alone then does not lead
// to another one: whoever removed it says how the user gets back.
func (t *turn) hadFactor() bool {
	for _, c := range t.enrolment.Credentials {
		if c.Version > 0 {
			return true
		}
	}
	return t.enrolment.LastFactor != "" // such as SecurID, which nobody registers here
}

// registerFactor shows a fresh candidate, or asks for the address of one.
func (e *Engine) registerFactor(ctx context.Context, t *turn, name string) (Reply, error) {
	t.event.Factor = name
	t.token.factor, t.token.version = t.keys.factorTag(name), t.enrolment.Credentials[name].Version
	t.token.flags |= flagRegistering
	switch f := e.cfg.Factors[name].(type) {
	case Registrar:
		record, err := f.NewRecord(ctx, t.user)
		if err != nil {
			return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
		}
		if reply, err, done := e.openChallenge(ctx, t, Opening{Record: record, Life: e.cfg.RegistrationLife}); done {
			return reply, err
		}
		return e.showCandidate(ctx, t, CodePrompt)
	case Sender:
		if t.fromDirectory() {
			to, err := f.ParseAddress(f.DirectoryAddress(t.user))
			if err != nil {
				return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "the policy registers the directory's address"+e.addressFaults(t)), nil
			}
			return e.openAndSend(ctx, t, f, to, Opening{Record: []byte(to.Text), Life: e.cfg.RegistrationLife}, CodePrompt)
		}
		if reply, err, done := e.openIfFirst(ctx, t, name); done {
			return reply, err
		}
		return e.askAddress(t, CodePrompt)
	}
	return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "people do not register this factor"), nil
}

// addressFaults says for the administrator why the directory's addresses cannot be used, where only they may be
// registered. No value is quoted.
func (e *Engine) addressFaults(t *turn) (faults string) {
	if !t.fromDirectory() {
		return ""
	}
	for _, name := range t.rule.factors {
		s, ok := e.cfg.Factors[name].(Sender)
		if !ok {
			continue
		}
		text := s.DirectoryAddress(t.user)
		if text == "" {
			faults += "; " + name + ": the directory holds no address"
		} else if _, err := s.ParseAddress(text); err != nil {
			faults += "; " + name + ": the directory's address " + maskedValue(text) + ": " + err.Error()
		}
	}
	return faults
}

// maskedValue shows the ends of a value that is no address, and so has no masked form of its own.
func maskedValue(text string) string {
	r := []rune(plain(text))
	if len(r) < 6 {
		return "***"
	}
	return string(r[:1]) + "***" + string(r[len(r)-2:])
}

// fromDirectory reports whether only the directory's address may be registered.
func (t *turn) fromDirectory() bool {
	return t.rule.registration == RegistrationDirectory
}

// stillRegisters asks the policy again before each step of a registration: since the step before it may
// have been reloaded, and the user may be in other groups or have another address in the directory. done
// means that the registration has ended here.
func (e *Engine) stillRegisters(ctx context.Context, t *turn) (reply Reply, err error, done bool) {
	if t.opened.Closed || t.enrolment.Epoch > t.token.epoch {
		return Reply{}, nil, false // what is left is the verdict that the ledger recorded
	}
	allowed, _, err := e.mayRegister(ctx, t)
	switch {
	case err != nil:
		return Reply{}, err, true
	case !allowed:
		return t.reject(CodeNotPermitted, CodeNotPermitted, "the policy does not let people register any more"), nil, true
	case t.fromDirectory() && !e.fitsDirectory(t):
		return t.reject(CodeNotPermitted, CodeNotPermitted, "the policy registers the directory's address, and this is not it"), nil, true
	}
	return Reply{}, nil, false
}

// fitsDirectory reports whether what is being registered may be where only the directory's address may:
// that address as it is now, or what an administrator has the user register anew.
func (e *Engine) fitsDirectory(t *turn) bool {
	switch f := e.cfg.Factors[t.event.Factor].(type) {
	case Sender:
		to, err := f.ParseAddress(f.DirectoryAddress(t.user))
		return err == nil && string(t.opened.Record) == to.Text
	case Registrar:
		return t.token.has(flagRenewing)
	}
	return true // nothing is chosen yet
}

// openIfFirst stores the challenge of a first registration at its first prompt: the user may not be
// stored yet, and a repeated first request is to find it.
func (e *Engine) openIfFirst(ctx context.Context, t *turn, factor string) (reply Reply, err error, done bool) {
	if t.state != "" && t.opened.UserID != "" {
		t.endBy(t.opened.Expires)
		return Reply{}, nil, false
	}
	t.event.Factor = factor
	return e.openChallenge(ctx, t, Opening{Life: e.cfg.RegistrationLife})
}

// showCandidate shows the candidate of a factor that is proven by a code.
func (e *Engine) showCandidate(ctx context.Context, t *turn, why Code) (Reply, error) {
	f, ok := e.cfg.Factors[t.event.Factor].(Registrar)
	if !ok {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "people do not register this factor"), nil
	}
	p, err := f.Registration(ctx, t.user, t.opened.Record)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	return e.prompt(t, p, why)
}

// askAddress asks where codes are to be sent.
func (e *Engine) askAddress(t *turn, why Code) (Reply, error) {
	return e.prompt(t, Prompt{Step: StepRegisterAddress, Echo: true}, why)
}

// showAddress asks whether the address is right.
func (e *Engine) showAddress(t *turn, s Sender, to Address, why Code) (Reply, error) {
	p := Prompt{Step: StepConfirmAddress, Echo: true, MaskedAddress: to.Display, unsure: to.Unsure}
	if !t.opened.SendAt.IsZero() {
		p.ResendAfter = max(t.opened.SendAt.Sub(t.ledger.Now()), 0)
	}
	return e.prompt(t, p, why)
}

// answerAddress keeps the address as the candidate, and asks whether it is right.
func (e *Engine) answerAddress(ctx context.Context, t *turn) (Reply, error) {
	s, ok := e.cfg.Factors[t.event.Factor].(Sender)
	if !ok || t.fromDirectory() {
		return e.askAgain(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	to, err := s.ParseAddress(t.answer)
	if err != nil {
		t.detail = addressDetail(err)
		t.event.Reason = t.detail
		return e.inVain(ctx, t, CodeAddressInvalid)
	}
	o := Opening{Record: []byte(to.Text), Life: e.cfg.RegistrationLife}
	if reply, err, done := e.openChallenge(ctx, t, o); done {
		return reply, err
	}
	return e.showAddress(t, s, to, CodePrompt)
}

// addressDetail is why an address cannot be used, where it is short enough to be told.
func addressDetail(err error) string {
	const most = 80
	why := strings.TrimPrefix(err.Error(), ErrAddress.Error()+": ")
	if len(why) > most || strings.ContainsFunc(why, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return why
}

// confirmAddress sends a code when the person says that the address is right; another address in
// place of a yes is taken as the correction that it is.
func (e *Engine) confirmAddress(ctx context.Context, t *turn) (Reply, error) {
	switch strings.ToLower(t.answer) {
	case "y", "yes", "ok", "1":
		return e.sendToCandidate(ctx, t)
	}
	if s, ok := e.cfg.Factors[t.event.Factor].(Sender); ok {
		if _, err := s.ParseAddress(t.answer); err == nil {
			return e.answerAddress(ctx, t)
		}
	}
	return e.inVain(ctx, t, CodePrompt)
}

// sendToCandidate sends a code to the address that is being registered.
func (e *Engine) sendToCandidate(ctx context.Context, t *turn) (Reply, error) {
	s, ok := e.cfg.Factors[t.event.Factor].(Sender)
	if !ok {
		return e.askAgain(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	if len(t.opened.Record) == 0 {
		return e.askAddress(t, CodePrompt)
	}
	to, err := s.ParseAddress(string(t.opened.Record))
	if err != nil {
		return e.askAddress(t, CodeAddressInvalid)
	}
	return e.openAndSend(ctx, t, s, to, Opening{Life: e.cfg.SentLife}, CodePrompt)
}

// editAddress goes back from a code to the address, while one is being registered.
func (e *Engine) editAddress(ctx context.Context, t *turn) (Reply, error) {
	_, sends := e.cfg.Factors[t.event.Factor].(Sender)
	if !sends || !t.token.has(flagRegistering) || t.fromDirectory() {
		return e.back(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	return e.askAddress(t, CodePrompt)
}

// answerCandidate judges the first code against the candidate; only a right one registers it.
func (e *Engine) answerCandidate(ctx context.Context, t *turn) (Reply, error) {
	if t.opened.Closed || t.enrolment.Epoch > t.token.epoch {
		// The candidate is gone, or void; what is left is the verdict that the ledger recorded.
		return e.settle(ctx, t, e.settlement(t, Finding{}))
	}
	if t.opened.Sequence != t.token.sequence || len(t.opened.Record) == 0 {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		return t.reject(CodeStateInvalid, CodeStateInvalid, "another candidate took the place of this one"), nil
	}
	finding, err := e.verifyCandidate(ctx, t)
	if unavailable := (*UnavailableError)(nil); errors.As(err, &unavailable) {
		return Reply{}, err
	}
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	if finding.Number == 0 {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
	}
	s := e.settlement(t, finding)
	s.Register, s.Sequence = t.opened.Record, t.token.sequence
	_, s.Count = e.cfg.Factors[t.event.Factor].(Sender)
	if t.token.has(flagInvited) {
		s.Invitation, _ = t.anyCode(CredentialInvitation, t.ledger.Now())
		if s.Invitation == (Tag{}) {
			if err := e.sure(ctx, t); err != nil {
				return Reply{}, err
			}
			return t.reject(CodeNotPermitted, CodeNotPermitted, "the invitation was used up or has ended"), nil
		}
	}
	return e.settle(ctx, t, s)
}

func (e *Engine) verifyCandidate(ctx context.Context, t *turn) (Finding, error) {
	f := e.cfg.Factors[t.event.Factor]
	if s, ok := f.(Sender); ok {
		return matchSent(s, t.keys, t.opened, t.answer)
	}
	now, err := e.cfg.CodeTime()
	if err != nil {
		return Finding{}, ledgerError(err)
	}
	return f.Verify(ctx, now, t.user, Credential{Factor: t.event.Factor, Record: t.opened.Record}, t.answer)
}
