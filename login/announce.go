package login

import (
	"context"
	"time"
)

// tellWithin is how long a notice is tried to be delivered.
const tellWithin = 10 * time.Minute

// announce tells the person at their addresses what an accepted answer changed.
func (e *Engine) announce(ctx context.Context, t *turn, out Outcome) {
	switch {
	case out.Repeated:
	case t.token.has(flagRegistering):
		kind := NoticeRegistered
		if t.enrolment.Credentials[t.event.Factor].Registered() {
			kind = NoticeReplaced
		}
		e.tell(ctx, t.user, t.enrolment, kind, t.event.Factor, "", t.origin.Language, t.event.Trace)
	case t.event.Factor == CredentialRecovery:
		e.tell(ctx, t.user, t.enrolment, NoticeRecoveryUsed, "", "", t.origin.Language, t.event.Trace)
	}
}

// Tell tells a person, at every address that was registered before a change and at the one that the
// directory holds, what an administrator changed. It does not wait for the delivery.
func (e *Engine) Tell(ctx context.Context, u User, before Enrolment, kind NoticeKind, factor, by string) {
	e.tell(ctx, u, before, kind, factor, by, "", "")
}

func (e *Engine) tell(ctx context.Context, u User, before Enrolment, kind NoticeKind, factor, by, language, trace string) {
	for name, f := range e.cfg.Factors {
		s, ok := f.(Sender)
		if !ok {
			continue
		}
		for _, to := range e.addresses(ctx, s, u, before) {
			n := Notice{To: to, Kind: kind, User: u.Name, Language: language, Factor: factor, By: by, At: e.cfg.Now()}
			e.cfg.Outbox.deliver(Delivery{Factor: name, Notice: kind, Trace: trace, UserID: before.UserID}, tellWithin,
				func(ctx context.Context) (string, error) { return s.Tell(ctx, n) }, func(error) {})
		}
	}
}

// addresses are where a sender reaches a person: the registered address, and the mail address that
// the directory holds. A telephone number of the directory gets no notices: each costs money, and
// nobody has confirmed it.
func (e *Engine) addresses(ctx context.Context, s Sender, u User, before Enrolment) []Address {
	var texts []string
	if record, err := e.cfg.Ledger.Record(ctx, before, s.Name()); err == nil && len(record) > 0 {
		texts = append(texts, string(record))
	}
	if mail := s.DirectoryAddress(User{Mail: u.Mail, OtherMail: u.OtherMail}); mail != "" {
		texts = append(texts, mail)
	}
	var all []Address
	for _, text := range texts {
		to, err := s.ParseAddress(text)
		if err == nil && (len(all) == 0 || all[0].Text != to.Text) {
			all = append(all, to)
		}
	}
	return all
}
