package state

import (
	"slices"

	"sallyport/login"
)

// Bounds of a credential of one-time codes, also for whoever makes commands.
const (
	MaxCodes = 32
	MaxNote  = 512
)

// OneTimeCode is a code that stands in for a factor; see [login.OneTimeCode]. Until is in nanoseconds
// since 1970; 0 means never.
type OneTimeCode struct {
	Tag   login.Tag
	Uses  uint32
	Until int64
}

func (c *OneTimeCode) wire(w *wire) {
	w.fixed(1, c.Tag[:])
	number(w, 2, &c.Uses)
	w.int(3, &c.Until)
}

// goodAt is [login.OneTimeCode.GoodAt].
func (c *OneTimeCode) goodAt(now int64) bool {
	return c.Uses > 0 && (c.Until == 0 || now < c.Until)
}

// code returns the index of a code that may be used now, or -1.
func (c *Credential) code(code login.Tag, now int64) int {
	return slices.IndexFunc(c.Codes, func(o OneTimeCode) bool { return o.Tag == code && o.goodAt(now) })
}

// use takes a use of the code with this index, which is gone with its last one, and returns how many
// are left.
func (c *Credential) use(i int) uint32 {
	c.Codes[i].Uses--
	left := c.Codes[i].Uses
	if left == 0 {
		c.Codes = slices.Delete(c.Codes, i, i+1)
	}
	return left
}

// version is that of the credential for factor; 0 for a user who is not stored.
func (u *User) version(factor string) uint32 {
	if u != nil {
		if i, ok := u.find(factor); ok {
			return u.Credentials[i].Version
		}
	}
	return 0
}

// invited reports whether the user has this invitation. It may be called on nil.
func (u *User) invited(code login.Tag, now int64) bool {
	cred := u.Credential(login.CredentialInvitation)
	return cred.code(code, now) >= 0
}

// useInvitation takes a use of the invitation, where one is needed: it was found before.
func (u *User) useInvitation(code login.Tag, now int64) {
	if code == (login.Tag{}) {
		return
	}
	cred := u.Credential(login.CredentialInvitation)
	cred.use(cred.code(code, now))
	u.put(cred)
}

// apply puts codes in place of those that the credential held. The user's epoch stays: pending
// challenges go on.
func (c *Grant) apply(t *txn) Result { return t.once(c.Act, func() Result { return c.grant(t) }) }

func (c *Grant) grant(t *txn) Result {
	if !c.valid() {
		return Result{Status: Ignored}
	}
	user := t.user(c.UserID)
	if user == nil {
		user = t.newUser(c.UserID, c.Name, c.Handle)
	}
	if c.Name != "" {
		user.Name = c.Name
	}
	cred := user.Credential(c.Factor)
	cred.unlock()
	cred.Codes, cred.Note = c.Codes, c.Note
	user.put(cred)
	t.putUser(user)
	return Result{Status: Done}
}

func (c *Grant) valid() bool {
	kinds := []string{login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation}
	return c.UserID != "" && slices.Contains(kinds, c.Factor) && len(c.Codes) <= MaxCodes && len(c.Note) <= MaxNote &&
		!slices.ContainsFunc(c.Codes, func(o OneTimeCode) bool { return o.Tag == (login.Tag{}) || o.Uses == 0 })
}

// apply makes a registered user register the factor anew at the next login.
func (c *Renew) apply(t *txn) Result {
	return t.once(c.Act, func() Result { return c.renew(t) })
}

func (c *Renew) renew(t *txn) Result {
	user := t.user(c.UserID)
	cred := user.Credential(c.Factor)
	if len(cred.Record) == 0 {
		return Result{Status: Unknown}
	}
	cred.Renew = true
	user.put(cred)
	t.putUser(user)
	return Result{Status: Done}
}
