package login_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/login"
)

// directory is a login.Directory that scripts change as they go.
type directory struct {
	users map[string]*account
	// other are names of people besides their own, such as mail addresses.
	other map[string]string
	down  bool
}

type account struct {
	user     login.User
	password string
	refusal  error
}

var _ login.Directory = (*directory)(nil)

var errDown = errors.New("connection refused")

func refusals() map[string]error {
	return map[string]error{
		"fine": nil, "disabled": login.ErrDisabled, "locked": login.ErrLocked, "expired": login.ErrPasswordExpired,
		"must-change": login.ErrPasswordMustChange, "not-permitted": login.ErrNotPermitted,
	}
}

func (d *directory) Authenticate(ctx context.Context, username, password string) (login.User, error) {
	if password == "" {
		return login.User{}, login.ErrPassword
	}
	u, err := d.Find(ctx, username)
	if err != nil && login.RefusalCode(err) == "" {
		return u, err
	}
	if err := login.MayTry(ctx, u.ID); err != nil {
		return u, err
	}
	if u.ID == "" {
		return u, err
	}
	a := d.users[u.Name]
	if password != a.password {
		return u, login.ErrPassword
	}
	return u, a.refusal
}

func (d *directory) Find(_ context.Context, username string) (login.User, error) {
	if d.down {
		return login.User{}, errDown
	}
	name, err := login.Normalize(username)
	if err != nil {
		return login.User{}, login.ErrNoUser
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, `corp\`), "@corp.example")
	if of, ok := d.other[name]; ok {
		name = of
	}
	a := d.users[name]
	if a == nil {
		return login.User{}, login.ErrNoUser
	}
	return a.user, a.refusal
}

func (d *directory) Lookup(_ context.Context, id string) (login.User, error) {
	if d.down {
		return login.User{}, errDown
	}
	for _, a := range d.users {
		if a.user.ID == id {
			return a.user, a.refusal
		}
	}
	return login.User{}, login.ErrNoUser
}

func totpCode(key string, at time.Time) (string, error) {
	return totp.GenerateCode(strings.ReplaceAll(key, " ", ""), at)
}
