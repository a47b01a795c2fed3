package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"sallyport/cluster/faults"
	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/web/admin"
	"sallyport/web/status"
)

// logins is the engine in use, its directories and its factors. A reload puts others in their place between two
// requests; a request that has begun ends with what it began with.
type logins struct {
	log    *slog.Logger
	now    func() time.Time
	ledger login.Ledger
	// codeTime is the time by which codes are judged, as far as the clock can be trusted.
	codeTime func() (time.Time, error)
	audit    func(login.Event)
	// throttle and outbox outlive a reload: what was guessed stays counted, and what is on its way
	// arrives.
	throttle *login.Throttle
	outbox   *login.Outbox
	// replies outlives the process; nil keeps nothing.
	replies radius.ReplyMemory

	current atomic.Pointer[loginParts]
}

// loginParts belong together; they are not changed.
type loginParts struct {
	*login.Engine
	directories map[string]*openDirectory
	factors     map[string]*openFactor
	policies    map[string]login.Policy
}

var _ radius.Logins = (*logins)(nil)

// Begin begins a login with the engine in use.
func (l *logins) Begin(ctx context.Context, r login.Request) (login.Reply, error) {
	return l.current.Load().Begin(ctx, r)
}

// Continue continues a login with the engine in use: a State is good with any.
func (l *logins) Continue(ctx context.Context, a login.Answer) (login.Reply, error) {
	return l.current.Load().Continue(ctx, a)
}

// Vouch asks the engine in use.
func (l *logins) Vouch(state, client string) bool { return l.current.Load().Vouch(state, client) }

// Tell tells a person of a change with the engine in use.
func (l *logins) Tell(ctx context.Context, u login.User, before login.Enrolment, kind login.NoticeKind, factor, by string) {
	l.current.Load().Tell(ctx, u, before, kind, factor, by)
}

// prepare builds what cfg says. A directory or a factor whose table and files did not change stays,
// with its connections. On an error nothing that it opened stays open.
func (l *logins) prepare(cfg *config.Config) (*loginParts, error) {
	old := l.current.Load()
	if old == nil {
		old = &loginParts{}
	}
	p := &loginParts{
		directories: map[string]*openDirectory{}, factors: map[string]*openFactor{}, policies: cfg.LoginPolicies(),
	}
	if err := l.build(p, cfg, old); err != nil {
		return nil, errors.Join(err, p.closeAllBut(old))
	}
	return p, nil
}

func (l *logins) build(p *loginParts, cfg *config.Config, old *loginParts) error {
	for name, table := range cfg.Directories {
		d, err := openOrKeep(old.directories[name], name, table, l.log, l.now)
		if err != nil {
			return fmt.Errorf("directory %q: %w", name, err)
		}
		p.directories[name] = d
	}
	if err := l.buildFactors(p, cfg, old); err != nil {
		return err
	}
	var err error
	p.Engine, err = login.New(login.Config{
		Policies: p.policies, Directories: p.asked(), Factors: p.secondFactors(), Ledger: l.ledger,
		ChallengeLife: cfg.Login.ChallengeLife, RegistrationLife: cfg.Login.RegistrationLife,
		SentLife: cfg.Login.SentLife, DialogueLife: cfg.Login.DialogueLife,
		Limits: cfg.Limits(), Now: faults.Clock(l.now), CodeTime: l.codeTime, Audit: l.audit, Throttle: l.throttle, Outbox: l.outbox,
	})
	return err
}

// use puts parts in the place of those in use, and the bounds on passwords with them.
func (l *logins) use(p *loginParts, bounds config.Login) {
	l.throttle.Set(int(bounds.PasswordTries), bounds.PasswordTriesEvery)
	l.current.Store(p)
}

// asked returns the directories as the engine asks them.
func (p *loginParts) asked() map[string]login.Directory {
	asked := map[string]login.Directory{}
	for name, d := range p.directories {
		asked[name] = d.Directory
	}
	return asked
}

// secondFactors returns the factors as the engine asks them.
func (p *loginParts) secondFactors() map[string]login.Factor {
	asked := map[string]login.Factor{}
	for name, f := range p.factors {
		asked[name] = f.Factor
	}
	return asked
}

// closeAllBut closes the directories and factors that others does not use as well.
func (p *loginParts) closeAllBut(others *loginParts) error {
	var errs []error
	for name, d := range p.directories {
		if others.directories[name] != d {
			errs = append(errs, d.close())
		}
	}
	for name, f := range p.factors {
		if others.factors[name] != f {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(errs...)
}

// parts returns the directories and factors that report as parts of the status report. Factors do not
// decide whether the node is ready: without a mail server, a gateway or an RSA server it still logs
// people in with other factors, and the other nodes ask the same servers, so that a load balancer
// which took this one out would help nobody.
func (p *loginParts) parts() []status.Part {
	var parts []status.Part
	for _, name := range slices.Sorted(maps.Keys(p.directories)) {
		if part := p.directories[name].part(); part != nil {
			parts = append(parts, part)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.factors)) {
		if part := p.factors[name].part(); part != nil {
			parts = append(parts, status.Auxiliary(part))
		}
	}
	return parts
}

// finders returns the directories by name, as the administration asks them.
func (l *logins) finders() map[string]admin.Finder {
	finders := map[string]admin.Finder{}
	for name, d := range l.current.Load().directories {
		finders[name] = d
	}
	return finders
}

// ready says whether the directory of a policy can be asked.
func (l *logins) ready(ctx context.Context, policy string) error {
	parts := l.current.Load()
	p, ok := parts.policies[policy]
	if !ok {
		return fmt.Errorf("there is no policy %q", policy)
	}
	if part := parts.directories[p.Directory].part(); part != nil {
		return part.Ready(ctx)
	}
	return nil
}
