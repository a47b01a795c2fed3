package login

import (
	"slices"
	"strings"
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
// two directories may have groups of one name. A group may be named as [InGroup] takes it.
func GroupSubject(directory, group string) string {
	return "group:" + directory + ":" + strings.ToLower(group)
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
	// Groups are names or DNs, any of which makes a member; see [InGroup].
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

// ruleFor returns what the policy says of a user with these groups; ok is false when it refuses them.
func (p Policy) ruleFor(groups []string) (r rule, ok bool) {
	for _, g := range p.Groups {
		if inAny(groups, g.Groups) {
			return p.ruleOf(g), !g.Deny
		}
	}
	return rule{factors: p.Factors, registration: p.Registration}, true
}

func inAny(groups, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return InGroup(groups, name) })
}

// exemption returns the listed exemption that lets the user in at this client now, if there is one.
func (p Policy) exemption(u User, client string, now time.Time) (Exemption, bool) {
	name, err := Normalize(u.Name)
	for _, x := range p.Exemptions {
		if !now.Before(x.Until) || (len(x.Clients) > 0 && !slices.Contains(x.Clients, client)) {
			continue
		}
		listed := slices.ContainsFunc(x.Users, func(user string) bool {
			listed, bad := Normalize(user)
			// What RFC 8265 refuses is folded more freely, which is for counting and not for letting in.
			return err == nil && bad == nil && listed == name && (user == u.Name || nameRule(user) == nil && nameRule(u.Name) == nil)
		})
		if listed || inAny(u.Groups, x.Groups) {
			return x, true
		}
	}
	return Exemption{}, false
}
