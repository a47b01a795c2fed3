package ldap

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// bind tries a password at a server.
func (d *Directory) bind(ctx context.Context, as, password string) (verdict, error) {
	return askInTurn(ctx, d, func(ctx context.Context, s *server, until time.Time) (verdict, error) {
		return d.bindAt(ctx, s, until, as, password, nil)
	})
}

// bindAt tries a password by a simple bind (RFC 4513 §5.1.3). When it is right, then runs on the same
// connection, as whoever was bound; it may be nil.
func (d *Directory) bindAt(ctx context.Context, s *server, until time.Time, as, password string, then func(*conn, *verdict) error) (verdict, error) {
	d.stats.binds.Add(1)
	v := verdict{server: s.url}
	err := s.users.use(ctx, until, func(c *conn) error {
		words, err := c.bind(as, password, true)
		v.refusal, err = judge(words, err)
		if err == nil && v.refusal == nil && then != nil {
			err = then(c, &v)
		}
		return withoutSecret(err, password)
	})
	return v, err
}

// refuseStranger binds as nobody, so that a name that nobody has takes as long as a wrong password,
// and returns why, unless the directory could not be asked.
func (d *Directory) refuseStranger(ctx context.Context, password string, why error) error {
	if err := login.MayTry(ctx, ""); err != nil {
		return err
	}
	if d.bindAs == nil { // as Authenticate asks for the groups of somebody
		if _, err := d.complete(ctx, &account{dn: d.nobody, user: login.User{Name: "nobody"}}, login.User{}); err != nil && login.RefusalCode(err) == "" {
			return err
		}
	}
	if _, err := d.bind(ctx, d.nobody, password); err != nil {
		return err
	}
	if d.bindAs == nil {
		return why
	}
	return d.asIfFound(ctx, why)
}

// conclude turns the verdict of a bind as the account into the answer of Authenticate.
func (d *Directory) conclude(ctx context.Context, who names.Name, a *account, v verdict) (login.User, error) {
	if v.account != nil { // read next to the bind, and so the one that was bound
		a = v.account
	}
	user := a.user
	user.Server = v.server
	if v.refusal != nil {
		// The entry may have moved, or been disabled: the next attempt reads it again.
		d.entries.drop(d.key(who), a)
		return user, d.refused(ctx, a, v.refusal)
	}
	if a.refusal != nil {
		d.entries.drop(d.key(who), a)
		// Who could bind is not locked any more: the flag was read before.
		if !errors.Is(a.refusal, login.ErrLocked) {
			return user, d.refused(ctx, a, a.refusal)
		}
	}
	user, err := d.complete(ctx, a, user)
	if err != nil && login.RefusalCode(err) == "" && unread(err) == nil {
		// An answer that comes for a right password only, such as silence, would confirm it.
		err = fmt.Errorf("%w: the groups cannot be searched for", login.ErrNotPermitted)
	}
	return user, err
}
