package login

import (
	"context"
	"errors"
	"time"
)

// Without a quorum nothing can be committed, so that no answer is used up and nothing that needs single
// use is accepted. An RSA server uses up passcodes by itself: where the ledger allows it, a login whose
// policy leads to one goes on, on this node alone, by the last known state. Whatever else would have to
// be concluded is left unanswered.

// errAlone is why a request is left unanswered.
var errAlone = errors.New("there is no quorum, and only what an RSA server judges goes on without one")

func alone() error { return &UnavailableError{Code: CodeClusterUnavailable, Err: errAlone} }

// solitude is the newest ledger of this node alone, and until when its dialogues may last.
type solitude struct {
	ledger Ledger
	until  time.Time
}

// goAlone lets a turn go on without a quorum, where the policy knows a factor that another server
// judges. why is what the ledger said.
func (e *Engine) goAlone(ctx context.Context, t *turn, why error) error {
	if !errors.Is(why, ErrUnavailable) || t.policy.ConcealPassword || !e.forwardsFor(t.policy) {
		return ledgerError(why)
	}
	solo, ok := e.cfg.Ledger.Solo()
	if !ok {
		return ledgerError(why)
	}
	keys, err := solo.Keys(ctx)
	if err != nil {
		return ledgerError(err)
	}
	t.keys = keys
	t.stayAlone(solo)
	e.solitude.Store(&solitude{solo, solo.Now().Add(e.cfg.DialogueLife + e.cfg.Limits.Keep)})
	return nil
}

func (t *turn) stayAlone(solo Ledger) {
	t.ledger, t.alone = solo, true
	t.event.WithoutQuorum = true
}

// forwardsFor reports whether a policy leads anyone to a server that judges answers.
func (e *Engine) forwardsFor(p Policy) bool {
	rules := []rule{{factors: p.Factors}}
	for _, g := range p.Groups {
		rules = append(rules, p.ruleOf(g))
	}
	for _, r := range rules {
		for _, name := range r.factors {
			if e.forwards(name) {
				return true
			}
		}
	}
	return false
}

func (e *Engine) forwards(factor string) bool {
	_, ok := e.cfg.Factors[factor].(Forwarder)
	return ok
}

// mayGoOnAlone reports whether an answer can lead to the RSA server.
func (t *turn) mayGoOnAlone(action Action) bool {
	switch t.token.step {
	case StepPasscode, StepNewPIN, StepConfirmPIN, StepNextTokencode:
		return true
	case StepChooseFactor:
		return !t.token.has(flagRegistering)
	}
	return action == ActionUseFactor && !t.token.has(flagRegistering|flagRenewing)
}

// aloneBefore returns the ledger of this node alone when there is a quorum again.
func (e *Engine) aloneBefore(t *turn) (Ledger, bool) {
	s := e.solitude.Load()
	if s == nil || t.alone || !t.ledger.Now().Before(s.until) {
		return nil, false
	}
	return s.ledger, true
}

// dialogueAlone goes on with a dialogue that this node began alone and the cluster does not know. What
// the cluster knows of the user counts all the same.
func (e *Engine) dialogueAlone(ctx context.Context, t *turn) error {
	solo, ok := e.aloneBefore(t)
	if !ok || !t.inDialogue() {
		return nil
	}
	o, found, err := solo.Opened(ctx, t.token.challenge)
	if err == nil && found && o.Sequence >= t.token.sequence {
		t.opened = o
		t.stayAlone(solo)
	}
	return nil // else it is not known here, which is found out where it matters
}

// answeredAlone makes an answer that this node forwarded alone find its outcome there: with the quorum
// back, it must not be forwarded again.
func (e *Engine) answeredAlone(ctx context.Context, t *turn, s Settlement) {
	if solo, ok := e.aloneBefore(t); ok {
		if _, found, err := solo.Recorded(ctx, s); err == nil && found {
			t.stayAlone(solo)
		}
	}
}
