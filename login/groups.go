package login

import (
	"errors"
	"fmt"
	"strings"
)

// Membership is what a directory says of the groups of a person.
type Membership struct {
	// Names are the names of the groups, DNs for LDAP.
	Names []string
	// Base is the DN below which the directory's groups stand; "" where it is not configured. See [GroupName.Grants].
	Base string
	// Partial says why Names may lack groups, or hold what cannot be read; "" where they are all. It holds no secret.
	Partial string
}

// GroupName is how a rule names a group, ready to be compared: by a DN, or by the value of the DN's first part alone,
// the bare name. The zero value names no group.
type GroupName struct {
	dn   *DN
	bare []string
}

// ParseGroupName reads the name of a group in a rule. What begins like a DN, with an attribute type and an equals sign,
// must be one; anything else is a bare name.
func ParseGroupName(text string) (GroupName, error) {
	if strings.TrimSpace(text) == "" {
		return GroupName{}, errors.New("a group without a name")
	}
	dn, isDN, err := groupDN(text)
	switch {
	case err != nil:
		return GroupName{}, fmt.Errorf("%w; in a DN a comma in a name is written \\,", err)
	case isDN:
		return GroupName{dn: &dn, bare: []string{prepare(text)}}, nil
	}
	n := GroupName{bare: []string{prepare(text)}}
	if strings.Contains(text, `\`) { // somebody copied the name out of a DN
		if dn, err := ParseDN("cn=" + text); err == nil && len(dn.rdns) == 1 && len(dn.first) == 1 {
			n.bare = append(n.bare, dn.first[0])
		}
	}
	return n, nil
}

// Bare reports whether the group is named by the value of its DN's first part alone.
func (n GroupName) Bare() bool { return n.dn == nil && len(n.bare) > 0 }

// Denies reports whether the name fits one of the groups, wherever that stands: what refuses people must not be
// avoided by moving a group.
func (n GroupName) Denies(m Membership) bool { return n.fits(parseGroups(m), nil) }

// Grants reports whether the name fits one of the groups. A bare name does so only below the directory's base, where
// there is one: whoever may create groups in another place could else take what the rule gives.
func (n GroupName) Grants(m Membership) bool {
	groups := parseGroups(m)
	return n.fits(groups, groups.base)
}

func (n GroupName) fits(groups parsedGroups, base *DN) bool {
	for _, g := range groups.all {
		switch {
		case n.dn != nil && g.dn != nil:
			if n.dn.Equal(*g.dn) {
				return true
			}
		case g.dn == nil: // not a DN, so a directory without them: the names are all there is
			for _, bare := range n.bare {
				if bare == g.text {
					return true
				}
			}
		case base != nil && !g.dn.Below(*base):
		default:
			for _, value := range g.dn.first {
				for _, bare := range n.bare {
					if bare == value {
						return true
					}
				}
			}
		}
	}
	return false
}

// parsedGroup is one group of a person: a DN, or a text in the form in which names compare.
type parsedGroup struct {
	dn   *DN
	text string
}

// parsedGroups are the groups of a person, parsed once for all rules of a policy.
type parsedGroups struct {
	all  []parsedGroup
	base *DN
	// partial says why a rule that does not fit may fit all the same.
	partial string
}

func parseGroups(m Membership) parsedGroups {
	p := parsedGroups{all: make([]parsedGroup, 0, len(m.Names)), partial: m.Partial}
	for _, name := range m.Names {
		dn, isDN, err := groupDN(name)
		switch {
		case err != nil:
			p.all = append(p.all, parsedGroup{text: prepare(name)})
			if p.partial == "" {
				p.partial = fmt.Sprintf("the directory names the group %q, which cannot be read", name)
			}
		case isDN:
			p.all = append(p.all, parsedGroup{dn: &dn})
		default:
			p.all = append(p.all, parsedGroup{text: prepare(name)})
		}
	}
	if m.Base != "" {
		// A base that cannot be read is a fault of the configuration: below it stands nothing.
		base, err := ParseDN(m.Base)
		if err != nil {
			base = DN{rdns: []string{""}}
		}
		p.base = &base
	}
	return p
}

// groupDN parses what begins like a DN.
func groupDN(text string) (dn DN, isDN bool, err error) {
	before, _, found := strings.Cut(text, "=")
	if _, _, err := attributeType(text); !found || err != nil || strings.ContainsAny(before, `,+;\`) {
		return DN{}, false, nil
	}
	dn, err = ParseDN(text)
	return dn, err == nil, err
}
