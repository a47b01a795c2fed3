package config

import (
	"cmp"
	"slices"

	"sallyport/factors/securid"
	"sallyport/login"
)

// Rule is what a policy says of the members of some groups, or of everybody else where Groups is
// empty. What a group's table leaves to the policy is filled in.
type Rule struct {
	Groups, Factors []string
	Registration    string
}

// Rules returns the rule for everybody, and then those of groups that are not refused.
func (p Policy) Rules() []Rule {
	rules := []Rule{p.everybody()}
	for _, g := range p.Group {
		if !g.Deny {
			rules = append(rules, p.members(g))
		}
	}
	return rules
}

func (p Policy) everybody() Rule { return Rule{Factors: p.Factors, Registration: p.Registration} }

// members is the rule for the members of g.
func (p Policy) members(g GroupRule) Rule {
	r := Rule{Groups: g.Groups, Factors: g.Factors, Registration: cmp.Or(g.Registration, p.Registration)}
	if len(r.Factors) == 0 {
		r.Factors = p.Factors
	}
	return r
}

// Forwards reports whether the policy leads anybody to a server that judges passcodes. Such a login goes
// on without a quorum, unless the policy conceals whether passwords are right.
func (p Policy) Forwards() bool {
	return !p.ConcealPassword && slices.ContainsFunc(p.Rules(), Rule.Forwards)
}

// Open reports whether people register, in whatever way, under this rule.
func (r Rule) Open() bool {
	return r.Registration != "" && r.Registration != string(login.RegistrationClosed)
}

// Forwards reports whether whoever holds no factor is asked for a passcode. A login then never leads
// to a registration.
func (r Rule) Forwards() bool { return slices.Contains(r.Factors, securid.Name) }
