package config

import (
	"slices"
	"time"
)

// longExemption is how far ahead an exemption may end without a warning: what was let in once should
// be looked at again.
const longExemption = 366 * 24 * time.Hour

// exemptions checks those of a policy.
func (c *checker) exemptions(path, policy string, list []Exemption) {
	for i, e := range list {
		one := element(path+".exempt", i)
		c.exemption(one, e, list[:i])
		c.groupNames(one+".groups", c.Policies[policy], e.Groups, true)
		for _, client := range c.Clients {
			if client.Policy == policy && client.Mode == "otp-only" && (len(e.Clients) == 0 || slices.Contains(e.Clients, client.Name)) {
				c.fault(one+".clients", "client %q has mode = \"otp-only\", so this would let in whoever sends the name: name the clients that check a password", client.Name)
			}
		}
	}
}

// exemption checks a listed exception to the second factor against those before it.
func (c *checker) exemption(path string, e Exemption, before []Exemption) {
	switch {
	case e.Rule == "":
		c.fault(path+".rule", "missing: give it a name; it stands in the audit")
	case slices.ContainsFunc(before, func(b Exemption) bool { return b.Rule == e.Rule }):
		c.fault(path+".rule", "another exemption has this name")
	}
	if len(e.Users)+len(e.Groups) == 0 {
		c.fault(path, "exempts nobody: name users or groups")
	}
	for _, name := range e.Clients {
		if !slices.ContainsFunc(c.Clients, func(client Client) bool { return client.Name == name }) {
			c.fault(path+".clients", "there is no [[client]] with the name %q", name)
		}
	}
	if e.Reason == "" {
		c.fault(path+".reason", "missing: say why no second factor is asked for")
	}
	switch {
	case e.Until.IsZero():
		c.fault(path+".until", "missing: say when it ends, such as 2027-01-31")
	case e.Until.Before(c.now):
		c.warn(path+".until", "has ended: remove the exemption, or renew it")
	case e.Until.Sub(c.now) > longExemption:
		c.warn(path+".until", "is more than a year ahead: exemptions are to be looked at again")
	}
}
