package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
)

// immediately is how long a challenge waits for a refusal of the mail server or the gateway. What
// fails later is told with the next reply.
const immediately = 300 * time.Millisecond

// noteWithin is how long the note that a code did not leave may take to commit.
const noteWithin = 5 * time.Second

// codesGood is how many of the newest codes of a challenge are good: mail is late at times.
const codesGood = 2

// askSender sends a code to the registered address and asks for it.
func (e *Engine) askSender(ctx context.Context, t *turn, s Sender, why Code) (Reply, error) {
	to, err := e.registeredAddress(ctx, t, s)
	if err != nil {
		return Reply{}, err
	}
	return e.openAndSend(ctx, t, s, to, Opening{Life: e.cfg.SentLife}, why)
}

// registeredAddress is the address in the user's record.
func (e *Engine) registeredAddress(ctx context.Context, t *turn, s Sender) (Address, error) {
	record, err := t.ledger.Record(ctx, t.enrolment, s.Name())
	if err != nil {
		return Address{}, ledgerError(err)
	}
	to, err := s.ParseAddress(string(record))
	if err != nil { // what was good once may be forbidden by now: it is still where the person is
		to = Address{Text: string(record)}
	}
	return to, nil
}

// openAndSend asks the ledger for a send, delivers the code when it is this call's to deliver, and
// asks for the code.
func (e *Engine) openAndSend(ctx context.Context, t *turn, s Sender, to Address, o Opening, why Code) (Reply, error) {
	o.Send = &Send{
		Act: newAct(), Destination: t.keys.AddressTag(s.Name(), mailbox(to.Text)), Country: to.Country, Limits: s.Limits(),
	}
	if reply, err, done := e.openChallenge(ctx, t, o); done {
		return reply, err
	}
	switch {
	case t.opened.Fresh && !t.token.has(flagDecoy):
		e.dispatch(ctx, t, s, to)
	case t.opened.Refusal == CodeRateLimited && len(t.opened.Sends) == 0 && len(e.choices(t)) < 2 && t.state == "" && !t.policy.ConcealPassword:
		return t.reject(CodeRateLimited, CodeRateLimited, "no more codes may be sent now"), nil
	case t.opened.Refusal != "" && !t.policy.ConcealPassword:
		why = t.opened.Refusal
	}
	if t.opened.Refusal != "" && t.token.step == StepConfirmAddress && len(t.opened.Sends) == 0 {
		return e.showAddress(t, s, to, why)
	}
	return e.askSent(t, s, to, why)
}

// mailbox is the address as sends to it are counted: whatever its case, and whatever stands behind a
// plus in it, most mail servers put it into one box.
func mailbox(address string) string {
	local, domain, ok := strings.Cut(strings.ToLower(address), "@")
	if !ok {
		return address
	}
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// openChallenge stores what the challenge needs, and takes over what is known of it. done means that
// reply and err are the end of this request.
func (e *Engine) openChallenge(ctx context.Context, t *turn, o Opening) (reply Reply, err error, done bool) {
	o.ID, o.UserID, o.Name, o.Handle = t.token.challenge, t.user.ID, t.user.Name, t.token.handle
	o.Client, o.Factor, o.Epoch, o.Sequence = t.origin.Client, t.event.Factor, t.token.epoch, t.token.sequence
	o.Key, o.Rejoin, o.RejoinWithin = t.key, t.rejoin, RejoinWithin
	if t.token.has(flagRegistering) && !t.fromDirectory() && t.origin.station() == "" {
		// The password alone does not tell whose registration it is, and its candidate is shown: each has its own.
		o.Rejoin = Tag{}
	}
	o.Decoy = t.token.has(flagDecoy)
	o.Keep, o.Capacity = e.cfg.Limits.Keep, e.cfg.Limits.Capacity
	if t.alone {
		return Reply{}, alone(), true
	}
	err = e.timed(t, "ledger", func() (string, error) {
		var err error
		t.opened, err = t.ledger.Open(ctx, o)
		return "", err
	})
	switch {
	case t.policy.ConcealPassword && errors.Is(err, ErrFull):
		t.opened, t.event.Reason = Opened{ID: o.ID, Sequence: o.Sequence}, err.Error()
	case err != nil:
		return Reply{}, ledgerError(err), true
	case t.opened.Stale:
		if t.state == "" { // the epoch was read here, in this turn
			if err := e.sure(ctx, t); err != nil {
				return Reply{}, err, true
			}
		}
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the user's factors changed, or another address was given since"), nil, true
	case t.opened.Closed:
		return t.reject(CodeStateInvalid, CodeStateInvalid, "the challenge is closed"), nil, true
	}
	t.event.Trace = traceOf(t.opened.ID)
	t.token.challenge, t.token.sequence = t.opened.ID, t.opened.Sequence
	t.endBy(t.ledger.Now().Add(o.Life)) // nothing is stored where nothing was sent
	return Reply{}, nil, false
}

// dispatch hands the newest code to its factor. It waits a moment for an immediate refusal and never
// for the delivery.
func (e *Engine) dispatch(ctx context.Context, t *turn, s Sender, to Address) {
	sent := &t.opened.Sends[len(t.opened.Sends)-1]
	key := t.keys.CodeKey(t.opened.ID)
	code, err := s.Code(key[:], sent.Number)
	m := Message{
		To: to, Code: Secret(code), User: t.user.Name, Language: t.origin.Language,
		Life: e.cfg.SentLife, Trace: t.event.Trace,
	}
	failure := SendFailure{
		Challenge: t.opened.ID, Client: t.origin.Client, UserID: t.user.ID, Factor: s.Name(), Number: sent.Number,
	}
	result := make(chan error, 1)
	e.cfg.Outbox.deliver(Delivery{Factor: s.Name(), Trace: m.Trace, UserID: t.user.ID}, e.cfg.SentLife,
		func(ctx context.Context) (string, error) {
			if err != nil {
				return "", err
			}
			return s.Send(ctx, m)
		},
		func(err error) {
			if err != nil {
				e.noteFailure(failure)
			}
			result <- err
		})
	if t.policy.ConcealPassword {
		return // a decoy sends nothing that could be waited for
	}
	timer := time.NewTimer(immediately)
	defer timer.Stop()
	select {
	case err := <-result:
		sent.Failed = err != nil
	case <-timer.C:
	case <-ctx.Done():
	}
}

// noteFailure lets the user send again at once. When it cannot be committed, they wait a minute.
func (e *Engine) noteFailure(f SendFailure) {
	ctx, cancel := context.WithTimeout(context.Background(), noteWithin)
	defer cancel()
	_ = e.cfg.Ledger.SendFailed(ctx, f)
}

// askSent asks for the code that was sent to this address.
func (e *Engine) askSent(t *turn, s Sender, to Address, why Code) (Reply, error) {
	p := Prompt{Step: StepOTP, Echo: true, MaskedAddress: e.masked(t, s, to)}
	between, now := s.Limits().Between, t.ledger.Now()
	t.elsewhere = len(t.opened.Sends) == 0 && !t.policy.ConcealPassword
	switch last, ok := t.lastSend(); {
	case t.policy.ConcealPassword:
		p.ResendAfter = between // as nothing is known of a decoy
	case !t.opened.SendAt.IsZero():
		p.ResendAfter = max(t.opened.SendAt.Sub(now), 0)
	case ok && last.Failed:
		if why == CodePrompt || why == CodeOTPInvalid {
			why = CodeSendFailed
		}
	case ok:
		p.ResendAfter = max(last.At.Add(between).Sub(now), 0)
	}
	return e.prompt(t, p, why)
}

// lastSend is the newest code of this challenge that was sent for the factor that is asked for.
func (t *turn) lastSend() (Sent, bool) {
	for i := len(t.opened.Sends) - 1; i >= 0; i-- {
		if t.opened.Sends[i].Factor == t.event.Factor {
			return t.opened.Sends[i], true
		}
	}
	return Sent{}, false
}

// resend sends another code where one is sent, and asks again where none is.
func (e *Engine) resend(ctx context.Context, t *turn) (Reply, error) {
	s, ok := e.cfg.Factors[t.event.Factor].(Sender)
	if !ok {
		return e.askAgain(ctx, t)
	}
	if t.token.has(flagRegistering) {
		return e.sendToCandidate(ctx, t)
	}
	if reply, done := e.ended(t); done {
		return reply, nil
	}
	return e.askSender(ctx, t, s, CodePrompt)
}

// verifySent looks for an answer among the codes of this challenge. Where passwords are concealed, a
// second first request does not rejoin the first: the code that this one sent is good there too.
func (e *Engine) verifySent(ctx context.Context, t *turn, s Sender, c Credential) (Finding, error) {
	f, err := matchSent(s, t.keys, t.opened, t.answer)
	if err != nil || f.Number > 0 || !t.policy.ConcealPassword {
		return f, err
	}
	return e.verifyNewest(ctx, t, s, c)
}

// verifyNewest looks for an answer among the codes of the newest challenge in which one was sent to the
// registered address.
func (e *Engine) verifyNewest(ctx context.Context, t *turn, s Sender, c Credential) (Finding, error) {
	if c.Challenge == (ChallengeID{}) {
		return Finding{}, nil
	}
	o, found, err := t.ledger.Opened(ctx, c.Challenge)
	if err != nil || !found || !t.awaits(o, s.Name()) || !t.ledger.Now().Before(o.Expires) {
		return Finding{}, err
	}
	return matchSent(s, t.keys, o, t.answer)
}

// matchSent compares an answer with the newest codes of a challenge. All are compared, so that the
// time does not tell which was meant.
func matchSent(s Sender, keys *KeyRing, o Opened, answer string) (Finding, error) {
	code, key := FoldDigits(answer), keys.CodeKey(o.ID)
	var found Finding
	for i, seen := len(o.Sends)-1, 0; i >= 0 && seen < codesGood; i-- {
		if o.Sends[i].Factor != s.Name() {
			continue
		}
		seen++
		want, err := s.Code(key[:], o.Sends[i].Number)
		if err != nil {
			return Finding{}, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = Finding{Number: o.Sends[i].Number}
		}
	}
	return found, nil
}

// newAct names one request to send, or to forward.
func newAct() (act Tag) {
	rand.Read(act[:]) // never fails (crypto/rand)
	return act
}
