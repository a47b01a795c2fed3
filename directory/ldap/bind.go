package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

// verdict is what a server said of a password: right when refusal is nil.
type verdict struct {
	refusal error
	server  string
	// account is set when the entry was read next to the bind.
	account *account
}

// bind tries a password by a simple bind (RFC 4513 §5.1.3).
func (d *Directory) bind(ctx context.Context, s *server, as, password string) (verdict, error) {
	d.stats.binds.Add(1)
	v := verdict{server: s.url}
	err := s.users.use(ctx, func(l *ldap.Conn) error {
		result, err := l.SimpleBind(bindRequest(as, password))
		v.refusal, err = judge(result, err)
		return withoutSecret(err, password)
	})
	return v, err
}

// bindRequest asks for the password policy's words as well; servers that do not know it ignore it.
func bindRequest(as, password string) *ldap.SimpleBindRequest {
	return ldap.NewSimpleBindRequest(as, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()})
}

// refuseStranger binds as nobody, so that a name that nobody has takes as long as a wrong password,
// and returns why, unless the directory could not be asked.
func (d *Directory) refuseStranger(ctx context.Context, password string, why error) error {
	_, err := ask(ctx, d, func(ctx context.Context, s *server) (verdict, error) { return d.bind(ctx, s, d.nobody, password) })
	if err != nil {
		return err
	}
	return why
}

// conclude turns the verdict of a bind as the account into the answer of Authenticate.
func (d *Directory) conclude(ctx context.Context, who names.Name, a *account, v verdict) (login.User, error) {
	user := a.user
	user.Server = v.server
	if v.refusal != nil {
		// The entry may have moved, or been disabled: the next attempt reads it again.
		d.entries.drop(d.key(who), a)
		return user, v.refusal
	}
	if a.refusal != nil {
		d.entries.drop(d.key(who), a)
		// Who could bind is not locked any more: the flag was read before.
		if !errors.Is(a.refusal, login.ErrLocked) {
			return user, a.refusal
		}
	}
	return d.complete(ctx, a, user)
}

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
	values := map[string]string{"username": who.Username, "login": who.Login}
	if b.isDN {
		return b.expand(func(name string) string { return ldap.EscapeDN(values[name]) }), nil
	}
	if strings.ContainsAny(who.Username, `"/\[]:;|=,+*?<>@`) {
		return "", fmt.Errorf("%w: not an account name", login.ErrNoUser)
	}
	return b.expand(func(name string) string { return values[name] }), nil
}

// authenticateDirect binds first and reads the entry of whoever that is.
func (d *Directory) authenticateDirect(ctx context.Context, who names.Name, password string) (login.User, error) {
	as, err := d.bindAs.name(who)
	if err != nil {
		return login.User{}, d.refuseStranger(ctx, password, err)
	}
	known := d.entries.name(d.key(who))
	v, err := ask(ctx, d, func(ctx context.Context, s *server) (verdict, error) {
		v, err := d.bind(ctx, s, as, password)
		if err != nil || v.refusal != nil || known != nil {
			return v, err
		}
		v.account, err = d.readOwn(ctx, s, who, as, password)
		return v, err
	})
	if err != nil {
		return login.User{}, err
	}
	if v.account != nil {
		known = v.account
		d.entries.put(d.key(who), known)
	}
	if known == nil {
		return login.User{Server: v.server}, v.refusal
	}
	return d.conclude(ctx, who, known, v)
}

// readOwn reads the entry of a user whose password is right: with the service account where there is
// one, else as the user.
func (d *Directory) readOwn(ctx context.Context, s *server, who names.Name, as, password string) (*account, error) {
	connections, prepare := s.service, func(*ldap.Conn) error { return nil }
	if d.cfg.BindDN == "" {
		// Another login may have used the connection of the bind since: this one binds again.
		connections = s.users
		prepare = func(l *ldap.Conn) error {
			_, err := l.SimpleBind(bindRequest(as, password))
			return err
		}
	}
	var a *account
	err := connections.use(ctx, func(l *ldap.Conn) error {
		err := prepare(l)
		if err != nil {
			return err
		}
		a, err = d.readBound(ctx, l, who, as)
		return err
	})
	if errors.Is(err, login.ErrNoUser) {
		err = unusable{fmt.Errorf("the password of %q is right, but their entry cannot be read, is not the only one, or does not fit search_filter", as)}
	}
	return a, err
}
