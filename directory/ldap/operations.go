package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

// startTLSOID is StartTLS (RFC 4511 §4.14).
const startTLSOID = "1.3.6.1.4.1.1466.20037"

// bind makes a simple bind (RFC 4513 §5.1.3) and asks for the password policy's words with it, if
// policy is set. The error is an *ldap.Error for a bind that was refused.
func (c *conn) bind(name, password string, policy bool) (policyWords, error) {
	if password == "" {
		return policyWords{}, errors.New("a bind without a password would be anonymous (RFC 4513 §5.1.2)")
	}
	e := c.request()
	op := e.open(tagBindRequest)
	e.integer(tagInteger, 3)
	e.text(tagOctetString, name)
	e.text(tagSimple, password)
	e.close(op)
	if policy {
		// Servers that do not know the control ignore it.
		controls := e.open(tagControls)
		control := e.open(tagSequence)
		e.text(tagOctetString, ldap.ControlTypeBeheraPasswordPolicy)
		e.close(control)
		e.close(controls)
	}
	a, err := c.exchange(tagBindResponse)
	if err != nil {
		return policyWords{}, err
	}
	words, err := readPolicy(a.controls)
	if err != nil {
		return policyWords{}, err
	}
	return words, a.result()
}

// startTLS asks the server to encrypt, and does so.
func (c *conn) startTLS(ctx context.Context, config *tls.Config) error {
	e := c.request()
	op := e.open(tagExtendedRequest)
	e.text(tagRequestName, startTLSOID)
	e.close(op)
	a, err := c.exchange(tagExtendedResponse)
	if err == nil {
		err = a.result()
	}
	if err != nil {
		return err
	}
	if c.in.Buffered() > 0 {
		// Whoever put it there wants it taken for what the server says under encryption.
		return errors.New("the server says more than its answer before it encrypts")
	}
	return c.wire.encrypt(ctx, config)
}

// exchange sends the request and reads the one answer that it has.
func (c *conn) exchange(tag byte) (answer, error) {
	if err := c.send(); err != nil {
		return answer{}, err
	}
	a, err := c.receive()
	if err == nil && a.tag != tag {
		err = errMalformed
	}
	return a, err
}

// search returns the entries that are found. References to other servers are not followed. The error
// is an *ldap.Error when the server could not do it, or not wholly.
func (c *conn) search(r *ldap.SearchRequest) ([]*ldap.Entry, error) {
	entries, _, err := c.searchPage(r, 0, "")
	return entries, err
}

// pageSize is how many entries a page of a search has: what slapd gives by default, and half of what Active Directory
// does.
const pageSize = 500

// errTooMany means that a search was ended because more was found than serves.
var errTooMany = unusable{fmt.Errorf("more than %d entries", maxGroups)}

// searchAll is search in pages (RFC 2696), so that the limit of one page bounds nothing. Servers that know no pages
// answer in one. The error is errTooMany when there are more than maxGroups.
func (c *conn) searchAll(r *ldap.SearchRequest) (all []*ldap.Entry, err error) {
	for cookie := ""; ; {
		var page []*ldap.Entry
		if page, cookie, err = c.searchPage(r, pageSize, cookie); err != nil {
			return all, err
		}
		if all = append(all, page...); len(all) > maxGroups {
			return all, errTooMany
		}
		if cookie == "" {
			return all, nil
		}
	}
}

// searchPage searches for one page, the first without a cookie; all in one where size is 0. There are more pages while
// the returned cookie is not empty.
func (c *conn) searchPage(r *ldap.SearchRequest, size int, cookie string) (entries []*ldap.Entry, next string, err error) {
	filter, err := ldap.CompileFilter(r.Filter)
	if err != nil {
		return nil, "", err
	}
	e := c.request()
	op := e.open(tagSearchRequest)
	e.text(tagOctetString, r.BaseDN)
	e.integer(tagEnumerated, r.Scope)
	e.integer(tagEnumerated, r.DerefAliases)
	e.integer(tagInteger, r.SizeLimit)
	e.integer(tagInteger, r.TimeLimit)
	e.boolean(r.TypesOnly)
	e.b = append(e.b, filter.Bytes()...)
	attributes := e.open(tagSequence)
	for _, name := range r.Attributes {
		e.text(tagOctetString, name)
	}
	e.close(attributes)
	e.close(op)
	if size > 0 {
		controls := e.open(tagControls)
		control := e.open(tagSequence)
		e.text(tagOctetString, ldap.ControlTypePaging)
		value := e.open(tagOctetString)
		page := e.open(tagSequence)
		e.integer(tagInteger, size)
		e.text(tagOctetString, cookie)
		e.close(page)
		e.close(value)
		e.close(control)
		e.close(controls)
	}
	if err := c.send(); err != nil {
		return nil, "", err
	}
	c.wire.nextAnswer()
	for {
		a, err := c.receive()
		if err != nil {
			return nil, "", err
		}
		switch a.tag {
		case tagSearchResultEntry:
			entry, err := readEntry(string(a.body))
			if err != nil {
				return nil, "", err
			}
			entries = append(entries, entry)
		case tagSearchResultDone:
			if size > 0 {
				if next, err = readCookie(a.controls); err != nil {
					return nil, "", err
				}
			}
			return entries, next, a.result()
		case tagSearchResultReference:
		default:
			return nil, "", errMalformed
		}
	}
}

// readCookie finds the cookie of the next page in the list of controls of an answer; "" where there is none.
func readCookie(controls []byte) (cookie string, err error) {
	for len(controls) > 0 {
		var control []byte
		if control, controls, err = expect(controls, tagSequence); err != nil {
			return "", err
		}
		name, rest, err := expect(control, tagOctetString)
		if err != nil {
			return "", err
		}
		if string(name) != ldap.ControlTypePaging {
			continue
		}
		if len(rest) > 0 && rest[0] == tagBoolean {
			if _, _, rest, err = element(rest); err != nil {
				return "", err
			}
		}
		value, _, err := expect(rest, tagOctetString)
		if err != nil {
			return "", err
		}
		page, _, err := expect(value, tagSequence)
		if err != nil {
			return "", err
		}
		if _, page, err = expect(page, tagInteger); err != nil {
			return "", err
		}
		text, _, err := expect(page, tagOctetString)
		return string(text), err
	}
	return "", nil
}

// readEntry reads a SearchResultEntry (RFC 4511 §4.5.2). The texts of the entry are parts of body; it
// has no octets beside them (EntryAttribute.ByteValues).
func readEntry(body string) (*ldap.Entry, error) {
	dn, rest, err := expect(body, tagOctetString)
	if err != nil {
		return nil, err
	}
	list, _, err := expect(rest, tagSequence)
	if err != nil {
		return nil, err
	}
	entry := &ldap.Entry{DN: dn}
	for list != "" {
		var attribute string
		if attribute, list, err = expect(list, tagSequence); err != nil {
			return nil, err
		}
		a, err := readAttribute(attribute)
		if err != nil {
			return nil, err
		}
		entry.Attributes = append(entry.Attributes, a)
	}
	return entry, nil
}

func readAttribute(attribute string) (*ldap.EntryAttribute, error) {
	name, rest, err := expect(attribute, tagOctetString)
	if err != nil {
		return nil, err
	}
	_, set, _, err := element(rest)
	if err != nil {
		return nil, err
	}
	a := &ldap.EntryAttribute{Name: name}
	for set != "" {
		var value string
		if value, set, err = expect(set, tagOctetString); err != nil {
			return nil, err
		}
		a.Values = append(a.Values, value)
	}
	return a, nil
}
