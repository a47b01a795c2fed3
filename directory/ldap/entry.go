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
	// primary is the DN of the primary group, "" where there is none.
	primary string
	// groups are user.Groups and those that needed a search of their own, once it was made.
	groups atomic.Pointer[membership]
}

// attributes lists what is read of an entry.
func (d *Directory) attributes() []string {
	names := []string{d.cfg.MailAttribute, d.cfg.PhoneAttribute, d.cfg.GroupAttribute}
	names = append(names, d.idNames()...)
	if d.cfg.UserAttribute != "" {
		names = append(names, d.cfg.UserAttribute)
	} else {
		names = append(names, "sAMAccountName", "uid")
	}
	names = append(names, "primaryGroupID", "objectSid", "pwdPolicySubentry", "msDS-ResultantPSO")
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
		ID:        d.name + ":" + id,
		Name:      d.nameOf(e),
		GroupBase: d.groupBase,
	}
	a.addGroups(e.GetEqualFoldAttributeValues(d.cfg.GroupAttribute))
	a.user.Mail, a.user.OtherMail = firstAndOthers(mailAddresses(cleanAll(e.GetEqualFoldAttributeValues(d.cfg.MailAttribute))))
	a.user.Phone, a.user.OtherPhone = firstAndOthers(cleanAll(e.GetEqualFoldAttributeValues(d.cfg.PhoneAttribute)))
	return a, nil
}

// mailAddresses takes off what Exchange's proxyAddresses put before an address, and puts the primary one, whose
// "SMTP:" is in capitals, first ([MS-ADA3] proxyAddresses). Addresses of other kinds ("X500:", "sip:") are left out.
func mailAddresses(values []string) []string {
	var primary, others []string
	for _, value := range values {
		switch kind, address, ok := strings.Cut(value, ":"); {
		case !ok || strings.Contains(kind, "@"):
			others = append(others, value)
		case kind == "SMTP":
			primary = append(primary, address)
		case strings.EqualFold(kind, "smtp"), strings.EqualFold(kind, "mailto"):
			others = append(others, address)
		}
	}
	return append(primary, others...)
}

// maxAddresses bounds what an entry can make a login look through.
const maxAddresses = 16

func firstAndOthers(values []string) (string, []string) {
	if len(values) == 0 {
		return "", nil
	}
	return values[0], values[1:min(len(values), maxAddresses)]
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

// cleanAll returns the values that are safe to show and to send.
func cleanAll(values []string) []string {
	var kept []string
	for _, value := range values {
		if value = clean(value); value != "" {
			kept = append(kept, value)
		}
	}
	return kept
}
