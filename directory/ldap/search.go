package ldap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

// unusable wraps an error that says nothing against the server's health: it answered, but with what
// cannot be used.
type unusable struct{ cause error }

// Error is the cause's text.
func (e unusable) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e unusable) Unwrap() error { return e.cause }

// key is the name under which a person's entry is remembered: all that the filter depends on.
func (d *Directory) key(who names.Name) string {
	if d.byLogin {
		return who.Login
	}
	return who.Username
}

// placeholders returns what the placeholders {username} and {login} stand for.
func placeholders(who names.Name) func(name string) string {
	return func(name string) string {
		if name == "login" {
			return who.Login
		}
		return who.Username
	}
}

// find returns the account that a name means, as read within the entry-cache time. What is cached may be of an account
// that was deleted and made anew since: see confirm.
func (d *Directory) find(ctx context.Context, who names.Name) (_ *account, cached bool, _ error) {
	if a := d.entries.name(d.key(who)); a != nil && !login.IsAnew(ctx) {
		d.stats.cached.Add(1)
		return a, true, nil
	}
	a, err := d.search(ctx, func(ctx context.Context, c *conn) (*account, error) {
		if d.bindAs == nil {
			return d.readOne(ctx, c, d.cfg.BaseDN, ldap.ScopeWholeSubtree, d.filter.filter(placeholders(who)))
		}
		as, err := d.bindAs.name(who)
		if err != nil {
			return nil, err
		}
		return d.readBound(ctx, c, who, as)
	})
	if err != nil {
		return nil, false, err
	}
	d.entries.put(d.key(who), a)
	return a, false, nil
}

// confirm makes sure, with the service account, that the entry of a cached account is still the one that was read: its
// DN may by now be another person's.
func (d *Directory) confirm(ctx context.Context, who names.Name, a *account, v *verdict) error {
	now, err := ask(ctx, d, func(ctx context.Context, s *server, until time.Time) (verdict, error) {
		d.stats.searches.Add(1)
		now := *v
		err := s.service.use(ctx, until, func(c *conn) error { return d.confirmAt(ctx, c, who, a, &now) })
		return now, err
	})
	if err == nil {
		*v = now
	}
	return err
}

// confirmAt reads the id of a cached account again. Where it is another's, v has that account; where the entry is gone
// or cannot be read, v is a refusal. The account is then forgotten.
func (d *Directory) confirmAt(ctx context.Context, c *conn, who names.Name, a *account, v *verdict) error {
	found, err := c.search(ldap.NewSearchRequest(a.dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, d.seconds(), false,
		"(objectClass=*)", d.idNames(), nil))
	if err != nil && unread(err) != nil {
		return searchError(a.dn, err)
	}
	if err == nil && len(found) == 1 {
		if id, err := d.idOf(found[0]); err == nil && d.name+":"+id == a.user.ID {
			return nil
		}
	}
	d.entries.drop(d.key(who), a)
	if v.account, err = d.readOne(ctx, c, a.dn, ldap.ScopeBaseObject, d.filter.filter(placeholders(who))); err != nil {
		v.account = nil
		if unread(err) != nil && !errors.Is(err, login.ErrNoUser) {
			return err
		}
		v.refusal = fmt.Errorf("%w: the entry that was read a while ago is gone", login.ErrNoUser)
		return nil
	}
	v.account.user.Server = v.server
	d.entries.put(d.key(who), v.account)
	return nil
}

// findByID returns the account with an id of this directory, if it still fits the search filter with
// any name.
func (d *Directory) findByID(ctx context.Context, id string) (*account, error) {
	byID, err := d.idFilter(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", login.ErrNoUser, err)
	}
	a, err := d.search(ctx, func(ctx context.Context, c *conn) (*account, error) {
		return d.readOne(ctx, c, d.cfg.BaseDN, ldap.ScopeWholeSubtree, "(&"+byID+d.filter.anyone()+")")
	})
	if err != nil {
		return nil, err
	}
	d.entries.put("", a)
	return a, nil
}

// present completes an account for someone who asked without a password.
func (d *Directory) present(ctx context.Context, a *account) (login.User, error) {
	if a.refusal != nil {
		return a.user, d.refused(ctx, a, a.refusal)
	}
	return d.complete(ctx, a, a.user)
}

// refused returns why, having asked for the groups of an account that is refused where all must cost the same.
func (d *Directory) refused(ctx context.Context, a *account, why error) error {
	if !login.IsAnew(ctx) {
		return why
	}
	if _, err := d.complete(ctx, a, a.user); err != nil {
		return err
	}
	return why
}

// asIfFound is refused for somebody whom nobody knows.
func (d *Directory) asIfFound(ctx context.Context, why error) error {
	return d.refused(ctx, &account{dn: d.nobody}, why)
}

// search puts a question to a server with the service account. That nobody fits is an answer, not a
// reason to ask the next server.
func (d *Directory) search(ctx context.Context, question func(context.Context, *conn) (*account, error)) (*account, error) {
	found, err := ask(ctx, d, func(ctx context.Context, s *server, until time.Time) (verdict, error) {
		d.stats.searches.Add(1)
		v := verdict{server: s.url}
		err := s.service.use(ctx, until, func(c *conn) (err error) {
			v.account, err = question(ctx, c)
			return err
		})
		if errors.Is(err, login.ErrNoUser) {
			v.refusal, err = err, nil
		}
		if v.account != nil {
			v.account.user.Server = s.url
		}
		return v, err
	})
	if err != nil {
		return nil, err
	}
	if found.refusal != nil {
		return nil, found.refusal
	}
	return found.account, nil
}

// readBound reads the entry of whoever a name is bound as. A userPrincipalName goes before an account
// name, as in a bind, and must not lead to anyone else: both are searched for, without the search
// filter, which could hide one of them.
func (d *Directory) readBound(ctx context.Context, c *conn, who names.Name, as string) (*account, error) {
	dn := as
	if !d.bindAs.isDN {
		filter := "(|(userPrincipalName=" + ldap.EscapeFilter(as) + ")(sAMAccountName=" + ldap.EscapeFilter(who.Username) + "))"
		found, err := d.readOne(ctx, c, d.cfg.BaseDN, ldap.ScopeWholeSubtree, filter)
		if err != nil {
			return nil, err
		}
		dn = found.dn
	}
	return d.readOne(ctx, c, dn, ldap.ScopeBaseObject, d.filter.filter(placeholders(who)))
}

// readOne reads the one entry that fits a filter; none, or more than one, is [login.ErrNoUser].
func (d *Directory) readOne(ctx context.Context, c *conn, base string, scope int, filter string) (*account, error) {
	found, err := c.search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 2, d.seconds(), false, filter, d.wanted, nil))
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) || err == nil && len(found) > 1:
		d.log.WarnContext(ctx, "several entries fit one name", "filter", filter)
		return nil, login.ErrSeveral
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) && scope == ldap.ScopeBaseObject || err == nil && len(found) == 0:
		return nil, login.ErrNoUser
	case err != nil:
		return nil, searchError(base, err)
	}
	a, err := d.account(found[0])
	if err != nil {
		return nil, unusable{err}
	}
	if err := d.finish(c, found[0], a); err != nil {
		return nil, err
	}
	return a, nil
}

// searchError explains the result codes that are faults of the configuration.
func searchError(base string, err error) error {
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights):
		return fmt.Errorf("search: the service account cannot read %q: %w", base, err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultOperationsError):
		return fmt.Errorf("search: the server wants a bind first; set bind_dn: %w", err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultReferral):
		return fmt.Errorf("search: the server refers elsewhere, and referrals are not followed: %w", err)
	}
	return fmt.Errorf("search: %w", err)
}

// seconds is the time limit that servers are told (RFC 4511 §4.5.1.5), so that they stop as well.
func (d *Directory) seconds() int { return max(1, int(d.timeout.Seconds())) }
