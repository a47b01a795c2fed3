package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

// bindTemplate makes the name to bind as. It is immutable.
type bindTemplate struct {
	textTemplate
	// isDN says that the name is a DN; otherwise it is one of Active Directory's, such as a
	// userPrincipalName ([MS-ADTS] §5.1.1.1.1).
	isDN bool
}

func newBindTemplate(text string) (*bindTemplate, error) {
	if text == "" {
		return nil, nil
	}
	t, err := parseTemplate(text, "username", "login")
	if err != nil {
		return nil, err
	}
	sample := t.expand(func(string) string { return "x" })
	dn, err := ldap.ParseDN(sample)
	return &bindTemplate{textTemplate: t, isDN: err == nil && len(dn.RDNs) > 0}, nil
}

// name returns what to bind as. A name that is not a DN cannot be escaped: characters that an
// account name cannot have (sAMAccountName, [MS-SAMR] §3.1.1.6) are refused.
func (b *bindTemplate) name(who names.Name) (string, error) {
	value := placeholders(who)
	if b.isDN {
		return b.expand(func(name string) string { return ldap.EscapeDN(value(name)) }), nil
	}
	if strings.ContainsAny(who.Username, `"/\[]:;|=,+*?<>@`) {
		return "", fmt.Errorf("%w: not an account name", login.ErrNoUser)
	}
	return b.expand(value), nil
}

// authenticateDirect binds first and reads the entry of whoever that is. While an entry is remembered
// the bind is made as that very entry: the template's name may mean someone else by now.
func (d *Directory) authenticateDirect(ctx context.Context, who names.Name, password string) (login.User, error) {
	as, err := d.bindAs.name(who)
	if err != nil {
		return login.User{}, d.refuseStranger(ctx, password, err)
	}
	if known := d.entries.name(d.key(who)); known != nil && !login.IsAnew(ctx) {
		if err := login.MayTry(ctx, known.user.ID); err != nil {
			return known.user, err
		}
		v, err := askInTurn(ctx, d, func(ctx context.Context, s *server, until time.Time) (verdict, error) {
			if d.cfg.BindDN != "" {
				return d.bindAt(ctx, s, until, known.dn, password, nil)
			}
			return d.bindAt(ctx, s, until, known.dn, password, func(c *conn, v *verdict) error { return d.confirmAt(ctx, c, who, known, v) })
		})
		if err == nil && v.refusal == nil && d.cfg.BindDN != "" {
			err = d.confirm(ctx, who, known, &v)
		}
		if err != nil {
			return login.User{}, err
		}
		return d.conclude(ctx, who, known, v)
	}
	if err := login.MayTry(ctx, ""); err != nil {
		return login.User{}, err
	}
	v, err := askInTurn(ctx, d, func(ctx context.Context, s *server, until time.Time) (verdict, error) {
		return d.bindAndRead(ctx, s, until, who, as, password)
	})
	if err != nil {
		return login.User{}, err
	}
	if v.account == nil {
		if login.IsAnew(ctx) { // a right password reads the entry and its groups
			if _, _, err := d.find(ctx, who); err != nil && login.RefusalCode(err) == "" {
				return login.User{}, err
			}
			return login.User{Server: v.server}, d.asIfFound(ctx, v.refusal)
		}
		return login.User{Server: v.server}, v.refusal
	}
	d.entries.put(d.key(who), v.account)
	return d.conclude(ctx, who, v.account, v)
}

// bindAndRead tries a password and reads the entry when it is right: with the service account where
// there is one, else as the user.
func (d *Directory) bindAndRead(ctx context.Context, s *server, until time.Time, who names.Name, as, password string) (verdict, error) {
	read := func(c *conn, v *verdict) error { return d.readPermitted(ctx, c, v, who, as, password) }
	if d.cfg.BindDN == "" {
		return d.bindAt(ctx, s, until, as, password, read)
	}
	v, err := d.bindAt(ctx, s, until, as, password, nil)
	if err != nil || v.refusal != nil {
		return v, err
	}
	err = s.service.use(ctx, until, func(c *conn) error { return withoutSecret(read(c, &v), password) })
	return v, err
}

// readPermitted reads the entry of someone whose password is right. An entry that cannot be read, is
// not the only one, or does not fit the search filter is refused: an answer that comes for a right
// password only, such as silence, would confirm it.
func (d *Directory) readPermitted(ctx context.Context, c *conn, v *verdict, who names.Name, as, password string) error {
	a, err := d.readBound(ctx, c, who, as)
	if errors.Is(err, login.ErrNoUser) || ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights) {
		d.log.InfoContext(ctx, "someone could bind, but their entry cannot be read, is not the only one, or does not fit search_filter",
			"as", as, "error", withoutSecret(err, password))
		v.refusal = fmt.Errorf("%w: no readable entry fits search_filter", login.ErrNotPermitted)
		return nil
	}
	v.account = a
	return err
}
