package ldap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// finish reads what an entry does not hold itself: the rest of a list of groups that the server cuts, the primary
// group, and whether a lock is over. The error is one of the connection, or says that the server is down.
func (d *Directory) finish(c *conn, e *ldap.Entry, a *account) error {
	if err := d.readRanges(c, e, a); err != nil {
		return err
	}
	if err := d.readPrimary(c, e, a); err != nil {
		return err
	}
	return d.judgeLock(c, e, a)
}

// partly notes why the groups of an account may not be all; the first reason stays.
func (a *account) partly(format string, args ...any) {
	if a.user.GroupsPartial == "" {
		a.user.GroupsPartial = fmt.Sprintf(format, args...)
	}
}

// addGroups adds the names of groups as the directory writes them. What cannot be shown, or is too much, is left out
// and makes the list partial.
func (a *account) addGroups(values []string) {
	for _, value := range values {
		name := clean(value)
		switch {
		case name == "" && strings.TrimSpace(value) == "":
		case name == "":
			a.partly("the name of a group is too long, or no text")
		case len(a.user.Groups) >= maxGroups:
			a.partly("more than %d groups", maxGroups)
			return
		default:
			a.user.Groups = append(a.user.Groups, name)
		}
	}
}

// unread is err where it says that the server cannot serve now; an answer, such as that there is no right to read, is
// nil: it would be the same next time.
func unread(err error) error {
	if err != nil && !saysDown(err) {
		return nil
	}
	return err
}

// readRanges reads a list of groups to its end, where the server gave a range of it ([MS-ADTS] §3.1.1.3.1.3.3:
// "memberOf;range=0-1499", the last one ending in "*").
func (d *Directory) readRanges(c *conn, e *ldap.Entry, a *account) error {
	next, ranged := rangeOf(e, d.cfg.GroupAttribute, a)
	for ranged && next > 0 && len(a.user.Groups) < maxGroups {
		attribute := fmt.Sprintf("%s;range=%d-*", d.cfg.GroupAttribute, next)
		found, err := c.search(ldap.NewSearchRequest(e.DN, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, d.seconds(), false,
			"(objectClass=*)", []string{attribute}, nil))
		switch {
		case unread(err) != nil:
			return searchError(e.DN, err)
		case err != nil || len(found) != 1:
			a.partly("the directory gives %s in ranges, and not the one from %d", d.cfg.GroupAttribute, next)
			return nil
		}
		before := next
		if next, ranged = rangeOf(found[0], d.cfg.GroupAttribute, a); !ranged || next > 0 && next <= before {
			a.partly("the directory gives %s in ranges, and none that follows on %d", d.cfg.GroupAttribute, before)
			return nil
		}
	}
	if next > 0 {
		a.partly("more than %d groups", maxGroups)
	}
	return nil
}

// rangeOf adds the values of a range of an attribute, and returns where the next one begins; 0 after the last.
func rangeOf(e *ldap.Entry, attribute string, a *account) (next int, ranged bool) {
	for _, one := range e.Attributes {
		name, options, _ := strings.Cut(one.Name, ";")
		for option := range strings.SplitSeq(options, ";") {
			span, ok := strings.CutPrefix(strings.ToLower(option), "range=")
			if !ok || !strings.EqualFold(name, attribute) {
				continue
			}
			a.addGroups(one.Values)
			_, last, _ := strings.Cut(span, "-")
			if last == "*" {
				return 0, true
			}
			n, err := strconv.Atoi(last)
			if err != nil || n < 0 {
				a.partly("the range %q of %s cannot be read", span, attribute)
				return 0, true
			}
			return n + 1, true
		}
	}
	return 0, false
}

// primaries remembers the DNs of primary groups by their SIDs: most people of a domain have the same. It is safe for
// concurrent use.
type primaries struct {
	mu    sync.Mutex
	known map[string]primary
}

type primary struct {
	dn   string
	read time.Time
}

// maxPrimaries bounds the remembered primary groups.
const maxPrimaries = 256

func (p *primaries) get(sid string, now time.Time, life time.Duration) (dn string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.known[sid]
	return one.dn, ok && now.Sub(one.read) < life
}

func (p *primaries) put(sid, dn string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPrimaries {
		p.known = map[string]primary{}
	}
	p.known[sid] = primary{dn, now}
}

// readPrimary adds Active Directory's primary group, which memberOf leaves out ([MS-ADTS] §3.1.1.4.5.21 and [MS-SAMR]
// §3.1.1.8.8): its SID is the domain's, with primaryGroupID at its end.
func (d *Directory) readPrimary(c *conn, e *ldap.Entry, a *account) error {
	id := e.GetEqualFoldAttributeValue("primaryGroupID")
	if id == "" {
		return nil
	}
	rid, err := strconv.ParseUint(id, 10, 32)
	sid, ok := groupSID([]byte(e.GetEqualFoldAttributeValue("objectSid")), uint32(rid))
	if err != nil || !ok {
		a.partly("the primary group %q is not known: objectSid cannot be read", id)
		return nil
	}
	now, life := d.now(), time.Duration(*d.cfg.EntryCache)
	dn, known := d.primaries.get(string(sid), now, life)
	if !known {
		found, err := c.search(ldap.NewSearchRequest(d.domainOf(e.DN), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, d.seconds(), false,
			"(objectSid="+octets(sid)+")", []string{"1.1"}, nil))
		switch {
		case unread(err) != nil:
			return searchError(d.domainOf(e.DN), err)
		case err != nil || len(found) != 1 || clean(found[0].DN) == "":
			a.partly("the primary group %s cannot be read", id)
			return nil
		}
		dn = clean(found[0].DN)
		d.primaries.put(string(sid), dn, now)
	}
	a.primary = dn
	a.addGroups([]string{dn})
	return nil
}

// groupSID returns the SID of a group in the domain of a person's SID ([MS-DTYP] §2.4.2.2).
func groupSID(person []byte, rid uint32) ([]byte, bool) {
	if len(person) < 12 || person[0] != 1 || len(person) != 8+4*int(person[1]) {
		return nil, false
	}
	sid := append([]byte(nil), person[:len(person)-4]...)
	return binary.LittleEndian.AppendUint32(sid, rid), true
}

// domainOf returns the DN of the domain of an entry, the parts dc= at its end; where it has none, where people are
// searched for.
func (d *Directory) domainOf(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return d.cfg.BaseDN
	}
	at := len(parsed.RDNs)
	for at > 0 && strings.EqualFold(parsed.RDNs[at-1].Attributes[0].Type, "dc") {
		at--
	}
	if at == len(parsed.RDNs) {
		return d.cfg.BaseDN
	}
	return (&ldap.DN{RDNs: parsed.RDNs[at:]}).String()
}

// permanent is the pwdAccountLockedTime of an account that only an administrator unlocks
// (draft-behera-ldap-password-policy-10 §5.3.3).
const permanent = "000001010000Z"

// judgeLock takes a lock from an account whose time is over: servers leave the attribute there until the next right
// password (slapd) or for good (lockoutTime). What cannot be read keeps the lock.
func (d *Directory) judgeLock(c *conn, e *ldap.Entry, a *account) error {
	var since time.Time
	var read func(*conn, *ldap.Entry) (time.Duration, error)
	switch at := e.GetEqualFoldAttributeValue("pwdAccountLockedTime"); {
	case !isLock(a.refusal):
		return nil
	case at != "":
		var ok bool
		if since, ok = generalizedTime(at); !ok || at == permanent {
			return nil
		}
		read = d.policyLockout
	case e.GetEqualFoldAttributeValue("msDS-User-Account-Control-Computed") != "":
		return nil // it says whether the account is locked now
	default:
		since = filetimeOf(number(e.GetEqualFoldAttributeValue("lockoutTime")))
		read = d.domainLockout
	}
	span, err := read(c, e)
	if unread(err) != nil {
		return searchError(e.DN, err)
	}
	if err == nil && span > 0 && !a.read.Before(since.Add(span)) {
		a.refusal = nil
	}
	return nil
}

// errForever means that a lock does not end by itself, or that nobody knows when.
var errForever = unusable{errors.New("the lock has no end")}

// policyLockout reads pwdLockoutDuration of the policy that is named in the entry, or, since a default policy is named
// in no entry, of those in the directory: where they differ, the longest.
func (d *Directory) policyLockout(c *conn, e *ldap.Entry) (time.Duration, error) {
	base, scope := d.domainOf(e.DN), ldap.ScopeWholeSubtree
	if policy := e.GetEqualFoldAttributeValue("pwdPolicySubentry"); policy != "" {
		base, scope = policy, ldap.ScopeBaseObject
	}
	found, err := c.searchAll(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, d.seconds(), false,
		"(|(objectClass=pwdPolicy)(objectClass=sunPwdPolicy))", []string{"pwdLockout", "pwdLockoutDuration"}, nil))
	if err != nil {
		return 0, err
	}
	var longest time.Duration
	for _, policy := range found {
		seconds := number(policy.GetEqualFoldAttributeValue("pwdLockoutDuration"))
		switch {
		case strings.EqualFold(policy.GetEqualFoldAttributeValue("pwdLockout"), "FALSE"):
			seconds = 1 // the server locks nobody
		case seconds <= 0 || seconds > int64(maxLockout/time.Second): // until an administrator unlocks
			return 0, errForever
		}
		longest = max(longest, time.Duration(seconds)*time.Second)
	}
	return longest, nil
}

// maxLockout bounds what is taken for a time; more is no end.
const maxLockout = 100 * 365 * 24 * time.Hour

// domainLockout reads the duration of a lockout of the password settings object that applies to the entry, else of the
// domain ([MS-ADTS] §3.1.1.4.5.17, [MS-SAMR] §3.1.1.1.5): in units of 100 ns, negative.
func (d *Directory) domainLockout(c *conn, e *ldap.Entry) (time.Duration, error) {
	base, attribute := d.domainOf(e.DN), "lockoutDuration"
	if settings := e.GetEqualFoldAttributeValue("msDS-ResultantPSO"); settings != "" {
		base, attribute = settings, "msDS-LockoutDuration"
	}
	found, err := c.search(ldap.NewSearchRequest(base, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, d.seconds(), false,
		"(objectClass=*)", []string{attribute}, nil))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	n := number(found[0].GetEqualFoldAttributeValue(attribute))
	if n >= 0 || n < -int64(maxLockout/100) {
		return 0, errForever
	}
	return time.Duration(-n) * 100, nil
}

// generalizedTime reads a time of RFC 4517 section 3.3.13.
func generalizedTime(text string) (time.Time, bool) {
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return t, true
		}
	}
	return time.Time{}, false
}
