package login

import (
	"context"
	"slices"
)

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

// usable are the choices that lead somewhere now, the factor that is asked for included: a factor that is
// locked, or that needs a quorum while there is none, is no other method. Where only one is left there is no
// choice.
func (e *Engine) usable(t *turn) []string {
	names, now := e.choices(t), t.ledger.Now()
	usable := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		locked := !t.token.has(flagRegistering) && t.enrolment.Credentials[name].LockedAt(now)
		return name != t.event.Factor && (locked || t.alone && !e.forwards(name))
	})
	if len(usable) < 2 {
		return nil
	}
	return usable
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
	if e.usable(t) == nil {
		return e.askAgain(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	return e.chooseFactor(t, CodePrompt)
}
