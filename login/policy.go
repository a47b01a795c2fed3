package login

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Registration says how a first registration is allowed.
type Registration string

// The ways to a first registration. There is no default: a policy that lists a factor which people
// register themselves names one.
const (
	// RegistrationFirstLogin lets whoever knows the password register at the first login, as long as
	// the account never had a factor. After that a window or an invitation leads back.
	RegistrationFirstLogin Registration = "first-login"
	// RegistrationDirectory registers only the address or number that the directory holds.
	RegistrationDirectory Registration = "directory"
	// RegistrationInvited asks for a code that an administrator has issued.
	RegistrationInvited Registration = "invited"
	// RegistrationWindow lets people register while an administrator has opened the window for the
	// user or one of their groups.
	RegistrationWindow Registration = "window"
	// RegistrationClosed lets nobody register.
	RegistrationClosed Registration = "closed"
)

// Registrations lists the ways in the order of the documents.
func Registrations() []Registration {
	return []Registration{
		RegistrationFirstLogin, RegistrationDirectory, RegistrationInvited, RegistrationWindow, RegistrationClosed,
	}
}

// GroupSubject is how [Ledger].Window knows a group of a directory: by the directory's name, because
// two directories may have groups of one name. A group is named as [ParseGroupName] takes it; the spellings of one name
// are one subject.
func GroupSubject(directory, group string) string {
	name := prepare(group)
	if dn, isDN, err := groupDN(group); isDN && err == nil {
		name = dn.String()
	}
	return "group:" + directory + ":" + name
}

// groupSubjects are the subjects under which a window may be open for a group of the user, see [GroupName.Grants].
func groupSubjects(directory string, u User) (subjects []string) {
	groups := parseGroups(u.Membership())
	for _, g := range groups.all {
		if g.dn == nil {
			subjects = append(subjects, "group:"+directory+":"+g.text)
			continue
		}
		subjects = append(subjects, "group:"+directory+":"+g.dn.String())
		if groups.base == nil || g.dn.Below(*groups.base) {
			for _, value := range g.dn.first {
				subjects = append(subjects, "group:"+directory+":"+value)
			}
		}
	}
	return subjects
}

// Policy says which directory checks the password and which second factors count.
type Policy struct {
	Name      string
	Directory string
	// Factors lists the factors that a user may use, the preferred one first. It is never empty:
	// a policy without a second factor does not exist.
	Factors      []string
	Registration Registration
	// Groups are other rules for members of groups; the first that fits counts.
	Groups []GroupRule
	// Exemptions let listed users in without a second factor, each until its end.
	Exemptions []Exemption
	// ConcealPassword answers every password with a challenge, so that nobody learns whether it was
	// right. Nobody registers over RADIUS then.
	ConcealPassword bool
	// OneRSAMessage tells people one sentence for all failures of SecurID; the audit still has three.
	OneRSAMessage bool
}

// GroupRule is what a policy says of the members of some groups.
type GroupRule struct {
	// Groups are names or DNs, any of which makes a member; see [ParseGroupName].
	Groups []string
	// Deny refuses the members; the rest is then empty.
	Deny bool
	// Factors and Registration take the place of the policy's own; "" and none mean the same.
	Factors      []string
	Registration Registration
}

// Exemption is a listed exception to the second factor. It always ends.
type Exemption struct {
	// Rule names it in the audit.
	Rule string
	// Users are login names, Groups groups; whoever is one or in one is exempt.
	Users  []string
	Groups []string
	// Clients are the names of the clients where it holds; none means all.
	Clients []string
	Reason  string
	Until   time.Time
}

// rule is what a policy says of one user.
type rule struct {
	factors      []string
	registration Registration
}

// ruleOf is what the policy says of the members of g.
func (p Policy) ruleOf(g GroupRule) rule {
	r := rule{factors: g.Factors, registration: g.Registration}
	if len(r.factors) == 0 {
		r.factors = p.Factors
	}
	if r.registration == "" {
		r.registration = p.Registration
	}
	return r
}

// errUndecided means that a user's groups are not known well enough for the policy's rules.
var errUndecided = errors.New("the policy's group rules cannot be decided")

// ruleFor returns what the policy says of a user. The error, whose text is for the audit, is why it refuses them, or
// [errUndecided]: the first rule that fits counts, so where groups may be missing nothing counts behind a rule that
// does not fit.
func (p Policy) ruleFor(u User) (rule, error) {
	if len(p.Groups) == 0 {
		return rule{factors: p.Factors, registration: p.Registration}, nil
	}
	groups := parseGroups(u.Membership())
	for _, g := range p.Groups {
		base := groups.base
		if g.Deny {
			base = nil
		}
		switch {
		case groups.any(g.Groups, base) && g.Deny:
			return p.ruleOf(g), errors.New("the policy refuses a group of the user")
		case groups.any(g.Groups, base):
			return p.ruleOf(g), nil
		case groups.partial != "":
			return rule{}, fmt.Errorf("%w: %s", errUndecided, groups.partial)
		}
	}
	return rule{factors: p.Factors, registration: p.Registration}, nil
}

// any reports whether one of the names fits, as [GroupName.Grants] says where there is a base.
func (g parsedGroups) any(names []string, base *DN) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		n, err := ParseGroupName(name)
		return err == nil && n.fits(g, base)
	})
}

// exemption returns the listed exemption that lets the user in at this client now, if there is one.
func (p Policy) exemption(u User, client string, now time.Time) (Exemption, bool) {
	if len(p.Exemptions) == 0 {
		return Exemption{}, false
	}
	name, err := Normalize(u.Name)
	groups := parseGroups(u.Membership())
	for _, x := range p.Exemptions {
		if !now.Before(x.Until) || (len(x.Clients) > 0 && !slices.Contains(x.Clients, client)) {
			continue
		}
		listed := slices.ContainsFunc(x.Users, func(user string) bool {
			listed, bad := Normalize(user)
			// What RFC 8265 refuses is folded more freely, which is for counting and not for letting in.
			return err == nil && bad == nil && listed == name && (user == u.Name || nameRule(user) == nil && nameRule(u.Name) == nil)
		})
		if listed || groups.any(x.Groups, groups.base) {
			return x, true
		}
	}
	return Exemption{}, false
}

// checkGroups returns an error for the names of groups that cannot be read.
func (p Policy) checkGroups() error {
	var faults []error
	check := func(names []string) {
		for _, name := range names {
			_, err := ParseGroupName(name)
			faults = append(faults, err)
		}
	}
	for _, g := range p.Groups {
		check(g.Groups)
	}
	for _, x := range p.Exemptions {
		check(x.Groups)
	}
	return errors.Join(faults...)
}
