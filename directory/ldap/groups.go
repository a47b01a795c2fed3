package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// inChain is the matching rule that follows membership through groups ([MS-ADTS] §3.1.1.3.4.4.3).
const inChain = "(member:1.2.840.113556.1.4.1941:={dn})"

// groupSearch finds the groups that do not stand in the person's entry. It is immutable.
type groupSearch struct {
	filters []textTemplate
	baseDN  string
}

// newGroupSearch returns nil when the entry's own list is all that is wanted.
func newGroupSearch(cfg Config) (*groupSearch, error) {
	g := &groupSearch{baseDN: cfg.GroupBaseDN}
	texts := []string{cfg.GroupFilter}
	if cfg.NestedGroups {
		texts = append(texts, inChain)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		t, err := parseTemplate(text, "username", "login", "dn")
		if err != nil {
			return nil, err
		}
		g.filters = append(g.filters, t)
	}
	if len(g.filters) == 0 {
		return nil, nil
	}
	return g, nil
}

// HasGroup reports whether the directory has a group that a rule may name so: an entry with that DN, or one with that
// common name below group_base_dn. The error means that the directory could not be asked.
func (d *Directory) HasGroup(ctx context.Context, name string) (bool, error) {
	group, err := login.ParseGroupName(name)
	if err != nil {
		return false, err
	}
	dn, _ := login.ParseDN(name)
	base, scope, filter := dn.String(), ldap.ScopeBaseObject, "(objectClass=*)"
	if group.Bare() {
		base, scope, filter = d.cfg.GroupBaseDN, ldap.ScopeWholeSubtree, "(cn="+ldap.EscapeFilter(name)+")"
	}
	return ask(ctx, d, func(ctx context.Context, s *server, until time.Time) (found bool, err error) {
		err = s.service.use(ctx, until, func(c *conn) error {
			entries, err := c.search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 1, d.seconds(), false, filter, []string{"1.1"}, nil))
			switch {
			case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax):
				return nil
			case err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
				return searchError(base, err)
			}
			found = err != nil || len(entries) > 0
			return nil
		})
		return found, err
	})
}

// membership is what is known of an account's groups once all were searched for.
type membership struct {
	groups  []string
	partial string
}

// complete returns the account's user with the groups that need a search; what was found is
// remembered with the account. Without the groups there is no user: a policy may depend on them.
// Where a limit of the servers bites, the account is refused: the next time would end the same.
func (d *Directory) complete(ctx context.Context, a *account, user login.User) (login.User, error) {
	if d.groups == nil {
		user.Groups = slices.Clone(a.user.Groups) // the account is shared
		return user, nil
	}
	known := a.groups.Load()
	if known == nil {
		found, err := ask(ctx, d, func(ctx context.Context, s *server, until time.Time) (found foundGroups, err error) {
			d.stats.searches.Add(1)
			err = s.service.use(ctx, until, func(c *conn) (err error) {
				found, err = d.searchGroups(c, a)
				return err
			})
			return found, err
		})
		if ldap.IsErrorWithCode(err, ldap.LDAPResultTimeLimitExceeded) { // at each server
			found.limit, err = "timeLimitExceeded", nil
		}
		if err != nil {
			return login.User{}, err
		}
		if found.limit != "" {
			user.Groups = nil
			return user, fmt.Errorf("%w: the groups cannot be searched for: %s", login.ErrNotPermitted, found.limit)
		}
		all := &account{}
		all.addGroups(a.user.Groups)
		seen := make(map[string]bool, len(all.user.Groups)+len(found.dns))
		for _, dn := range all.user.Groups {
			seen[dn] = true
		}
		for _, dn := range found.dns {
			if !seen[dn] {
				seen[dn] = true
				all.addGroups([]string{dn})
			}
		}
		known = &membership{all.user.Groups, cmp.Or(a.user.GroupsPartial, all.user.GroupsPartial)}
		a.groups.Store(known)
	}
	user.Groups, user.GroupsPartial = slices.Clone(known.groups), known.partial
	return user, nil
}

// foundGroups is what a search for groups found, or the limit of the server that ended it.
type foundGroups struct {
	dns   []string
	limit string
}

// searchGroups finds the groups of a person, and those that hold the primary group through others.
func (d *Directory) searchGroups(c *conn, a *account) (groups foundGroups, err error) {
	value := func(name string) string {
		if name == "dn" {
			return a.dn
		}
		return a.user.Name
	}
	filters := make([]string, 0, len(d.groups.filters)+1)
	for _, filter := range d.groups.filters {
		filters = append(filters, filter.filter(value))
	}
	if d.cfg.NestedGroups && a.primary != "" {
		filters = append(filters, strings.ReplaceAll(inChain, "{dn}", ldap.EscapeFilter(a.primary)))
	}
	for _, filter := range filters {
		found, err := c.searchAll(ldap.NewSearchRequest(d.groups.baseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, d.seconds(),
			false, filter, []string{"1.1"}, nil))
		for _, e := range found {
			groups.dns = append(groups.dns, e.DN)
		}
		switch {
		case errors.Is(err, errTooMany): // complete finds that they are too many
		case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
			return foundGroups{limit: "sizeLimitExceeded"}, nil
		case ldap.IsErrorWithCode(err, ldap.LDAPResultAdminLimitExceeded):
			return foundGroups{limit: "adminLimitExceeded"}, nil
		case err != nil:
			return foundGroups{}, searchError(d.groups.baseDN, err)
		}
	}
	return groups, nil
}
