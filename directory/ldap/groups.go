package ldap

import (
	"context"
	"slices"
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

// complete returns the account's user with the groups that need a search; what was found is
// remembered with the account. Without the groups there is no user: a policy may depend on them.
func (d *Directory) complete(ctx context.Context, a *account, user login.User) (login.User, error) {
	if d.groups == nil {
		user.Groups = slices.Clone(a.user.Groups) // the account is shared
		return user, nil
	}
	if known := a.groups.Load(); known != nil {
		user.Groups = slices.Clone(*known)
		return user, nil
	}
	found, err := ask(ctx, d, func(ctx context.Context, s *server, until time.Time) ([]string, error) {
		d.stats.searches.Add(1)
		var dns []string
		err := s.service.use(ctx, until, func(c *conn) (err error) {
			dns, err = d.searchGroups(c, a)
			return err
		})
		return dns, err
	})
	if err != nil {
		return login.User{}, err
	}
	groups := slices.Clone(a.user.Groups)
	for _, dn := range found {
		if len(groups) < maxGroups && !slices.Contains(groups, dn) {
			groups = append(groups, dn)
		}
	}
	a.groups.Store(&groups)
	user.Groups = slices.Clone(groups)
	return user, nil
}

func (d *Directory) searchGroups(c *conn, a *account) ([]string, error) {
	value := func(name string) string {
		if name == "dn" {
			return a.dn
		}
		return a.user.Name
	}
	var dns []string
	for _, filter := range d.groups.filters {
		found, err := c.search(ldap.NewSearchRequest(d.groups.baseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, maxGroups, d.seconds(),
			false, filter.filter(value), []string{"1.1"}, nil))
		if err != nil {
			return nil, searchError(d.groups.baseDN, err)
		}
		for _, e := range found {
			if dn := clean(e.DN); dn != "" {
				dns = append(dns, dn)
			}
		}
	}
	return dns, nil
}
