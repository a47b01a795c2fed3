package ldap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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

// idAttributes hold immutable ids, in the order in which they are believed.
var idAttributes = [...]string{"objectGUID", "entryUUID", "nsUniqueId"}

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
		Groups: cleanAll(e.GetEqualFoldAttributeValues(d.cfg.GroupAttribute)),
	}
	return a, nil
}

func (d *Directory) idOf(e *ldap.Entry) (string, error) {
	candidates := idAttributes[:]
	if d.cfg.IDAttribute != "" {
		candidates = []string{d.cfg.IDAttribute}
	}
	for _, attribute := range candidates {
		raw := e.GetEqualFoldRawAttributeValue(attribute)
		switch {
		case len(raw) == 0:
		case strings.EqualFold(attribute, "objectGUID"):
			if len(raw) == 16 {
				return guidText(raw), nil
			}
		case clean(string(raw)) != "":
			return idText(attribute, string(raw)), nil
		default:
			return hex.EncodeToString(raw), nil
		}
	}
	return "", fmt.Errorf("entry %q has no readable %s; set id_attribute, or let the service account read it", e.DN, strings.Join(candidates, ", "))
}

// idText folds the ids that are UUIDs, which servers may spell in either case.
func idText(attribute, value string) string {
	if strings.EqualFold(attribute, "entryUUID") || strings.EqualFold(attribute, "nsUniqueId") {
		return strings.ToLower(value)
	}
	return value
}

func (d *Directory) nameOf(e *ldap.Entry) string {
	for _, attribute := range []string{d.cfg.UserAttribute, "sAMAccountName", "uid"} {
		if name := clean(e.GetEqualFoldAttributeValue(attribute)); attribute != "" && name != "" {
			return name
		}
	}
	return clean(e.DN)
}

// idFilter finds the entry of an id that idOf made.
func (d *Directory) idFilter(id string) (string, error) {
	if attribute := d.cfg.IDAttribute; attribute != "" {
		if !strings.EqualFold(attribute, "objectGUID") {
			return "(" + attribute + "=" + ldap.EscapeFilter(id) + ")", nil
		}
		return guidFilter(attribute, id)
	}
	guid, err := guidFilter("objectGUID", id)
	if err != nil {
		return "(nsUniqueId=" + ldap.EscapeFilter(id) + ")", nil
	}
	return "(|(entryUUID=" + ldap.EscapeFilter(id) + ")" + guid + ")", nil
}

// guidText writes an objectGUID as Active Directory's own tools do: the first three groups are
// little-endian ([MS-DTYP] §2.3.4).
func guidText(raw []byte) string {
	g := slices.Clone(raw)
	slices.Reverse(g[0:4])
	slices.Reverse(g[4:6])
	slices.Reverse(g[6:8])
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[0:4], g[4:6], g[6:8], g[8:10], g[10:16])
}

// guidFilter is the filter for the text that guidText made.
func guidFilter(attribute, text string) (string, error) {
	g, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(g) != 16 || len(text) != 36 {
		return "", errors.New("not a GUID")
	}
	slices.Reverse(g[0:4])
	slices.Reverse(g[4:6])
	slices.Reverse(g[6:8])
	var b strings.Builder
	for _, octet := range g {
		fmt.Fprintf(&b, `\%02x`, octet)
	}
	return "(" + attribute + "=" + b.String() + ")", nil
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
