package login

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
)

// lookEvery is how often this node's state is looked at for the outcome of an answer that is on its way.
const lookEvery = 25 * time.Millisecond

// concludeWithin is how long the outcome of a forwarded answer may take to commit.
const concludeWithin = 5 * time.Second

// inDialogue reports whether the answer is for a dialogue with the RSA server.
func (t *turn) inDialogue() bool { return t.token.has(flagDialogue) }

// answerPasscode hands an answer to the server that judges it. What cannot be a passcode is said at
// once and leaves no trace there; inside a dialogue anything may be an answer.
func (e *Engine) answerPasscode(ctx context.Context, t *turn) (Reply, error) {
	f, ok := e.cfg.Factors[t.event.Factor].(Forwarder)
	if !ok {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, "the factor does not forward answers"), nil
	}
	if !t.inDialogue() {
		if kind, tag, ok := t.standIn(t.answer); ok {
			return e.answerStandIn(ctx, t, kind, tag)
		}
		if !f.Acceptable(t.answer) && NormalizeCode(t.answer) != "" {
			if err := e.sure(ctx, t); err != nil {
				return Reply{}, err
			}
			if t.mayBeSpent(t.answer) {
				return e.answerStandIn(ctx, t, CredentialRecovery, Tag{})
			}
		}
	}
	if t.inDialogue() && !printable(t.answer) || !t.inDialogue() && !f.Acceptable(t.answer) {
		return e.inVain(ctx, t, CodePasscodeMalformed)
	}
	return e.forward(ctx, t, f, e.settlement(t, Finding{}))
}

// printable reports whether an answer can be one in a dialogue.
func printable(answer string) bool {
	const most = 64
	return len(answer) <= most && !strings.ContainsFunc(answer, func(r rune) bool { return !unicode.IsPrint(r) })
}

// forward claims an answer in the ledger, forwards it, and commits what became of it. Whoever comes
// with the same answer to the same prompt waits for that one outcome.
func (e *Engine) forward(ctx context.Context, t *turn, f Forwarder, s Settlement) (Reply, error) {
	t.forwarded = true
	if t.inDialogue() && t.opened.Sequence < t.token.sequence { // before the claim: it would end the dialogue
		return Reply{}, ledgerError(errors.New("the dialogue is not known here: it began on another node, without a quorum"))
	}
	s.Sequence = t.token.sequence
	e.answeredAlone(ctx, t, s)
	if t.alone && t.enrolment.Epoch != t.token.epoch {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the user's factors changed since the challenge began"), nil
	}
	slot, err := e.cfg.Outbox.reserve()
	if err != nil { // before the claim: a passcode that is claimed and never forwarded would be lost
		return Reply{}, &UnavailableError{Code: CodeRateLimited, Err: err}
	}
	defer func() { slot.release() }()
	claim := Claim{Act: newAct(), Within: f.Within() + concludeWithin}
	if !t.inDialogue() {
		passcode := f.Canonical(t.answer)
		claim.Passcode = t.keys.Tag(PurposePasscode, []byte(t.user.ID), []byte(passcode))
		if r, ok := f.(Reuser); ok {
			claim.Reusable = r.Reusable(t.answer)
		}
		if t.origin.Mode != ModeChallenge {
			s.Guess = t.guess(passcode)
		}
	}
	out, err := e.claim(ctx, t, s, claim, slot)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	if out.Claimed && slot.gone { // it waited first, for what is forgotten by now
		again, err := e.cfg.Outbox.reserve()
		if err != nil {
			return Reply{}, &UnavailableError{Code: CodeRateLimited, Err: err}
		}
		slot = again
	}
	if out.Claimed {
		if out, err = e.judged(ctx, t, f, s, claim, slot); err != nil {
			return Reply{}, err
		}
	}
	return e.concluded(ctx, t, out)
}

// claim asks for the right to forward, and waits while another has it. Waiting reads this node's state;
// only what it has found there, or when the time for it is over, is asked of the cluster.
func (e *Engine) claim(ctx context.Context, t *turn, s Settlement, c Claim, slot *slot) (out Outcome, err error) {
	err = e.timed(t, "ledger", func() (string, error) {
		out, _, err = t.ledger.Recorded(ctx, s)
		for err == nil {
			if out.Pending {
				slot.release() // who waits forwards nothing
				if err = e.awaitOutcome(ctx, t, s, c.Within); err != nil {
					break
				}
			}
			if out, err = t.ledger.Claim(ctx, s, c); !out.Pending {
				break
			}
		}
		return "", err
	})
	return out, err
}

// awaitOutcome returns when this node's state holds an outcome, and after within at the latest.
func (e *Engine) awaitOutcome(ctx context.Context, t *turn, s Settlement, within time.Duration) error {
	look, over := time.NewTicker(lookEvery), time.NewTimer(within)
	defer look.Stop()
	defer over.Stop()
	for {
		select {
		case <-look.C:
		case <-over.C:
			return nil
		case <-ctx.Done():
			return errors.New("another node forwards this answer, and its outcome is not known yet")
		}
		if out, found, err := t.ledger.Recorded(ctx, s); err != nil || found && !out.Pending {
			return err
		}
	}
}

// judged forwards a claimed answer and commits its outcome. Both go on when the request's time is up:
// the answer is used up, and its retransmission is to find the outcome.
func (e *Engine) judged(ctx context.Context, t *turn, f Forwarder, s Settlement, c Claim, slot *slot) (Outcome, error) {
	type end struct {
		forwarded Forwarded
		out       Outcome
		took      time.Duration
		err       error
	}
	forwarding := Forwarding{
		Username: t.user.Name, Answer: Secret(t.answer), CallingStationID: t.origin.CallingStationID, Client: t.origin.Client,
	}
	if t.inDialogue() {
		d, err := decodeDialogue(t.opened.Record)
		if err != nil {
			return Outcome{}, ledgerError(err)
		}
		forwarding.Dialogue = d
		if d.TakesEmpty() && strings.EqualFold(t.answer, EmptyWord) {
			forwarding.Answer = ""
		}
	}
	done, ledger := make(chan end, 1), t.ledger
	slot.run(f.Within()+concludeWithin, func(ctx context.Context) {
		began := e.cfg.Now()
		within, cancel := context.WithTimeout(ctx, f.Within())
		forwarded := f.Forward(within, forwarding)
		cancel()
		took := e.cfg.Now().Sub(began)
		out, err := e.conclude(ctx, ledger, s, c, forwarded)
		done <- end{forwarded, out, took, err}
	})
	select {
	case end := <-done:
		t.event.Backends = append(t.event.Backends, Backend{
			Name: f.Name(), Server: end.forwarded.Server, Took: end.took, Failed: end.forwarded.Result >= ForwardMisconfigured,
		})
		t.event.Reason = end.forwarded.Reason
		if end.err != nil {
			return Outcome{}, ledgerError(end.err)
		}
		return end.out, nil
	case <-ctx.Done():
		return Outcome{}, &UnavailableError{Code: CodeSecurIDUnavailable, Err: errors.New("the RSA server has not answered in time; its answer will be kept for a retransmission")}
	}
}

// conclude commits what became of a forwarded answer, in the ledger where it was claimed.
func (e *Engine) conclude(ctx context.Context, ledger Ledger, s Settlement, c Claim, f Forwarded) (Outcome, error) {
	end := Conclusion{Act: c.Act, Release: !f.Consumed}
	switch f.Result {
	case ForwardAccepted:
		end.Code, end.Grant = CodeAccepted, encodeAttributes(f.Attributes)
	case ForwardChallenged:
		end.Code, end.Dialogue = CodePrompt, encodeDialogue(f.Dialogue)
		s.Expires = ledger.Now().Add(e.cfg.DialogueLife)
	case ForwardMisconfigured:
		end.Code = CodeSecurIDMisconfig
	case ForwardUnavailable:
		end.Code = CodeSecurIDUnavailable
	default:
		end.Code = CodeSecurIDRejected
	}
	return ledger.Conclude(ctx, s, end)
}

// concluded turns the ledger's word on a forwarded answer into the reply.
func (e *Engine) concluded(ctx context.Context, t *turn, out Outcome) (Reply, error) {
	t.event.Repeated = out.Repeated
	if err := e.lost(ctx, t, out); err != nil {
		return Reply{}, err
	}
	switch {
	case out.Code == CodeAccepted:
		return e.accept(t, out, t.earned(out), false), nil
	case out.Code == CodePrompt && t.origin.Mode != ModeChallenge:
		return t.reject(CodeSecurIDRejected, CodeSecurIDRejected, "the RSA server asks for more, which this client cannot show"), nil
	case out.Code == CodePrompt:
		return e.nextOfDialogue(ctx, t, out)
	case out.AttemptsLeft > 0 && t.origin.Mode == ModeChallenge && (out.Code == CodeSecurIDRejected || out.Code == CodeOTPReplayed):
		t.left = out.AttemptsLeft
		t.token.flags &^= flagDialogue
		return e.askFactor(ctx, t, t.event.Factor, e.toldOf(t, out.Code))
	}
	return t.reject(out.Code, e.toldOf(t, out.Code), t.event.Reason), nil
}

// toldOf is the code that a person is told for a failure of SecurID.
func (e *Engine) toldOf(t *turn, c Code) Code {
	if t.policy.OneRSAMessage && (c == CodeSecurIDMisconfig || c == CodeSecurIDUnavailable) {
		return CodeSecurIDRejected
	}
	return c
}

// nextOfDialogue asks what the RSA server asks.
func (e *Engine) nextOfDialogue(ctx context.Context, t *turn, out Outcome) (Reply, error) {
	found, err := e.readDialogue(ctx, t, out.Sequence)
	if err != nil {
		return Reply{}, err
	}
	if !found || t.opened.Closed || t.opened.Sequence != out.Sequence {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the dialogue has gone on"), nil
	}
	t.token.flags |= flagDialogue
	t.token.sequence, t.token.expires = t.opened.Sequence, t.opened.Expires
	t.left = out.AttemptsLeft
	return e.showDialogue(t, CodePrompt)
}

// readDialogue reads a challenge whose dialogue has just gone on to a sequence. The commit that says so
// may have come here before what it committed.
func (e *Engine) readDialogue(ctx context.Context, t *turn, sequence uint8) (found bool, err error) {
	read := func() error {
		if t.opened, found, err = t.ledger.Opened(ctx, t.token.challenge); err != nil {
			return ledgerError(err)
		}
		return nil
	}
	if err := read(); err != nil || found && t.opened.Sequence >= sequence || t.alone {
		return found, err
	}
	if err := e.catchUp(ctx, t); err != nil {
		return false, err
	}
	err = read()
	return found, err
}

// showDialogue asks the question of the dialogue that the challenge holds.
func (e *Engine) showDialogue(t *turn, why Code) (Reply, error) {
	d, err := decodeDialogue(t.opened.Record)
	if err != nil || t.opened.Sequence != t.token.sequence {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the dialogue has gone on"), nil
	}
	return e.prompt(t, Prompt{Step: d.Step, Echo: d.Echo, Text: d.Text, empty: d.TakesEmpty()}, why)
}

// mayBeEmpty reports whether an empty answer is one for the RSA server: where the prompt asks for it, and
// where the dialogue has gone on since, perhaps by an empty one.
func (t *turn) mayBeEmpty() bool {
	if t.opened.Closed || t.opened.Sequence != t.token.sequence {
		return true
	}
	d, err := decodeDialogue(t.opened.Record)
	return err == nil && d.TakesEmpty()
}

// storedDialogue is a dialogue as the ledger keeps it, sealed.
type storedDialogue struct {
	Server string `json:"s"`
	State  []byte `json:"t"`
	Step   Step   `json:"p"`
	Text   []byte `json:"x"` // octets, because they may be no UTF-8
	Echo   bool   `json:"e,omitempty"`
	Empty  bool   `json:"n,omitempty"`
}

func encodeDialogue(d *Dialogue) []byte {
	if d == nil {
		return nil
	}
	b, err := json.Marshal(storedDialogue{d.Server, d.State, d.Step, []byte(d.Text.Reveal()), d.Echo, d.Empty})
	if err != nil {
		return nil // texts and octets always encode
	}
	return b
}

func decodeDialogue(b []byte) (*Dialogue, error) {
	var s storedDialogue
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, errors.New("the dialogue cannot be read")
	}
	switch s.Step {
	case StepNewPIN, StepConfirmPIN, StepNextTokencode:
	default:
		s.Step = StepPasscode
	}
	return &Dialogue{Server: s.Server, State: s.State, Step: s.Step, Text: Secret(s.Text), Echo: s.Echo, Empty: s.Empty}, nil
}
