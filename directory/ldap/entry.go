package ldap

import (
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// account is what a directory's entry says of a person. It is safe for concurrent use.
type account struct {
	user login.User
	dn   string
	// refusal is one of login's Err values when the entry's flags forbid the login, else nil.
	refusal error
	// read is when the entry was read.
	read time.Time
	// groups are user.Groups and those that needed a search of their own, once it was made.
	groups atomic.Pointer[[]string]
}

// attributes lists what is read of an entry.
func (d *Directory) attributes() []string {
	names := []string{d.cfg.MailAttribute, d.cfg.PhoneAttribute, d.cfg.GroupAttribute}
	if d.cfg.IDAttribute != "" {
		names = append(names, d.cfg.IDAttribute)
	} else {
		names = append(names, idAttributes[:]...)
	}
	if d.cfg.UserAttribute != "" {
		names = append(names, d.cfg.UserAttribute)
	} else {
		names = append(names, "sAMAccountName", "uid")
	}
	return append(names, flagAttributes[:]...)
}

// account reads an entry. The error means that the entry cannot be used: nothing names it for good.
func (d *Directory) account(e *ldap.Entry) (*account, error) {
	id, err := d.idOf(e)
	if err != nil {
		return nil, err
	}
	now := d.now()
	a := &account{dn: e.DN, read: now, refusal: flagRefusal(e, now)}
	a.user = login.User{
		ID:     d.name + ":" + id,
		Name:   d.nameOf(e),
		Mail:   clean(e.GetEqualFoldAttributeValue(d.cfg.MailAttribute)),
		Phone:  clean(e.GetEqualFoldAttributeValue(d.cfg.PhoneAttribute)),
		Groups: cleanAll(e.GetEqualFoldAttributeValues(d.cfg.GroupAttribute)), GroupBase: d.groupBase,
	}
	return a, nil
}

func (d *Directory) nameOf(e *ldap.Entry) string {
	for _, attribute := range []string{d.cfg.UserAttribute, "sAMAccountName", "uid"} {
		if name := clean(e.GetEqualFoldAttributeValue(attribute)); attribute != "" && name != "" {
			return name
		}
	}
	return clean(e.DN)
}

// clean returns a value that is safe to show and to send, or "": entries are not to be trusted.
func clean(value string) string {
	if len(value) > 1024 || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return ""
	}
	return strings.TrimSpace(value)
}

func cleanAll(values []string) []string {
	var kept []string
	for _, value := range values {
		if value = clean(value); value != "" && len(kept) < maxGroups {
			kept = append(kept, value)
		}
	}
	return kept
}
