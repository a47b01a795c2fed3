package login

import "context"

// choices lists the factors between which the user may choose now. Whoever holds one chooses among
// those that they hold: a password alone must not lead round a factor by registering another.
func (e *Engine) choices(t *turn) []string {
	switch {
	case t.token.has(flagDecoy), t.policy.ConcealPassword, t.token.has(flagRenewing), t.inDialogue():
		return nil
	case !t.token.has(flagRegistering):
		return e.held(t)
	}
	var names []string
	for _, name := range t.rule.factors {
		switch f := e.cfg.Factors[name].(type) {
		case Registrar:
			if !t.fromDirectory() {
				names = append(names, name)
			}
		case Sender:
			if _, err := f.ParseAddress(f.DirectoryAddress(t.user)); err == nil || !t.fromDirectory() {
				names = append(names, name)
			}
		}
	}
	return names
}

// chooseFactor asks which factor the person wants to use, or to register.
func (e *Engine) chooseFactor(t *turn, why Code) (Reply, error) {
	t.event.Factor = ""
	t.token.factor, t.token.version = [4]byte{}, 0
	return e.prompt(t, Prompt{Step: StepChooseFactor, Echo: true}, why)
}

// useFactor goes on with the factor that the person names.
func (e *Engine) useFactor(ctx context.Context, t *turn) (Reply, error) {
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	name, ok := pick(e.choices(t), t.answer)
	switch {
	case !ok && t.token.step == StepChooseFactor:
		return e.inVain(ctx, t, CodePrompt)
	case !ok:
		return e.back(ctx, t)
	case t.token.has(flagRegistering):
		return e.registerFactor(ctx, t, name)
	case t.enrolment.Credentials[name].LockedAt(t.ledger.Now()):
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
		return e.chooseFactor(t, CodeAccountLocked)
	}
	return e.askFactor(ctx, t, name, CodePrompt)
}

// back offers the choice of factors where there is one.
func (e *Engine) back(ctx context.Context, t *turn) (Reply, error) {
	if len(e.choices(t)) < 2 {
		return e.askAgain(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	return e.chooseFactor(t, CodePrompt)
}
