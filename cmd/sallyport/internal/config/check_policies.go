package config

import (
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"sallyport/directory"
	"sallyport/factors"
	"sallyport/factors/securid"
	"sallyport/login"
)

// directories builds each one, which reads its files and asks no server.
func (c *checker) directories() {
	for name, table := range c.Directories {
		path := join("directory", name)
		if !c.regular(path+".users_file", table.UsersFile) || !c.regular(path+".ca_file", table.CAFile) {
			continue
		}
		if err := table.Validate(); err != nil {
			c.part(path, err)
			continue
		}
		d, err := directory.New(name, table, directory.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			c.part(path, err)
			continue
		}
		if closer, ok := d.(io.Closer); ok {
			c.part(path, closer.Close())
		}
	}
}

// secondFactors builds each one, likewise.
func (c *checker) secondFactors() {
	if s := c.Factors.SecurID; s != nil {
		c.trivial("factors.securid.secret", s.Secret, "rsa", "securid")
	}
	deps := c.FactorDeps(slog.New(slog.DiscardHandler), time.Now)
	for _, k := range c.Factors.Kinds() {
		path := join("factors", k.Name)
		faults := k.Validate()
		for _, fault := range faults {
			c.part(path, fault)
		}
		if !k.Configured || len(faults) > 0 {
			continue
		}
		f, err := k.Build(deps)
		if err != nil {
			c.part(path, err)
			continue
		}
		if closer, ok := f.(io.Closer); ok {
			c.part(path, closer.Close())
		}
		for _, warning := range k.Warnings() {
			key, message, _ := strings.Cut(warning.Error(), ": ")
			c.warn(path+"."+key, "%s", message)
		}
	}
}

func (c *checker) policies() {
	if len(c.Policies) == 0 {
		c.fault("policy", "there is no [policy.NAME]: it says which directory and which second factors count")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		path := join("policy", name)
		c.policy(path, c.Policies[name])
		c.exemptions(path, name, c.Policies[name].Exempt)
	}
}

func (c *checker) policy(path string, p Policy) {
	switch _, known := c.Directories[p.Directory]; {
	case p.Directory == "":
		c.fault(path+".directory", "missing: name a [directory.NAME]")
	case !known:
		c.fault(path+".directory", "there is no [directory.%s]", p.Directory)
	}
	if len(p.Factors) == 0 {
		c.fault(path+".factors", `missing: name at least one second factor, such as ["totp"]`)
	}
	c.factorList(path+".factors", p.Factors)
	c.registration(path, p.Registration, p.Factors)
	c.tokens(path+".factors", p.everybody())
	for i, rule := range p.Group {
		c.groupRule(element(path+".group", i), p, rule)
	}
	if p.ConcealPassword {
		c.concealed(path+".conceal_password", p)
	}
}

// concealed checks what hides whether the password was right.
func (c *checker) concealed(key string, p Policy) {
	lists := map[string][]string{"factors": p.Factors}
	for i, r := range p.Group {
		lists[element("group", i)+".factors"] = r.Factors
	}
	for _, where := range slices.Sorted(maps.Keys(lists)) {
		if slices.Contains(lists[where], securid.Name) { // a wrong password is never forwarded
			c.fault(key, "the time of the RSA server's answer tells whether the password was right: take \"securid\" out of %s, or conceal_password", where)
		}
	}
	if d := c.Directories[p.Directory]; d.BindTemplate != "" && d.BindDN == "" {
		c.fault(key, "without a service account only a right password finds the entry, by which the factor is chosen: give bind_dn in [directory.%s], or take conceal_password out", p.Directory)
	}
	if slices.ContainsFunc(p.Rules(), Rule.Open) {
		c.warn(key, "nobody registers over RADIUS while it is concealed whether the password was right: say registration = \"closed\", and enrol people with \"sallyport user enrol\"")
	}
}

// groupRule checks what is in effect for the group's members.
func (c *checker) groupRule(path string, p Policy, r GroupRule) {
	if len(r.Groups) == 0 {
		c.fault(path+".groups", `missing: name the groups that the rule is for, such as ["vpn-admins"]`)
	}
	c.groupNames(path+".groups", p, r.Groups, !r.Deny)
	if r.Deny {
		if len(r.Factors) > 0 || r.Registration != "" {
			c.fault(path+".deny", "refuses the members: remove factors and registration, or deny")
		}
		return
	}
	if len(r.Factors) == 0 && r.Registration == "" {
		c.fault(path, "says nothing: give deny, factors or registration")
		return
	}
	c.factorList(path+".factors", r.Factors)
	if r.Registration == "" && p.Registration == "" && len(r.Factors) == 0 {
		return // said of the policy already
	}
	members := p.members(r)
	if r.Registration != "" || c.registered(members.Factors) { // tokens alone may inherit any way
		c.registration(path, members.Registration, members.Factors)
	}
	if len(r.Factors) > 0 || !p.everybody().Open() { // else it was said of the policy
		c.tokens(path+".factors", members)
	}
}

// groupNames checks how groups are named, and reports whether they can be read. A bare name that gives something is
// warned of where a group of that name may stand anywhere in the directory.
func (c *checker) groupNames(key string, p Policy, names []string, gives bool) (ok bool) {
	ok = true
	d := c.Directories[p.Directory]
	for _, name := range names {
		group, err := login.ParseGroupName(name)
		switch {
		case err != nil:
			c.fault(key, "%s", err)
			ok = false
		case gives && group.Bare() && d.Type == "ldap" && everywhere(d):
			c.warn(key, "%q is a group of that name wherever it stands in the directory, and whoever may create groups anywhere can make one: give the group's DN, or set group_base_dn in [directory.%s] to where only administrators create groups", name, p.Directory)
		}
	}
	return ok
}

// everywhere reports whether the directory's groups may stand wherever people do.
func everywhere(d directory.Config) bool {
	base, err1 := login.ParseDN(d.BaseDN)
	groups, err2 := login.ParseDN(d.GroupBaseDN)
	return d.GroupBaseDN == "" || err1 == nil && err2 == nil && base.Equal(groups)
}

// registered reports whether people register one of these factors.
func (c *checker) registered(names []string) bool {
	return slices.ContainsFunc(c.Factors.Kinds(), func(k factors.Kind) bool {
		return k.Registered && slices.Contains(names, k.Name)
	})
}

// tokens warns of a registration that nobody is led to.
func (c *checker) tokens(key string, r Rule) {
	if c.registered(r.Factors) && r.Open() && r.Forwards() {
		c.warn(key, `"securid" stands beside factors that people register: whoever holds none of them is asked for a passcode, and never led to a registration. Give those who have tokens a [[policy.NAME.group]] of their own with factors = ["securid"], or say registration = "closed" and enrol the others`)
	}
}

func (c *checker) factorList(key string, names []string) {
	kinds := c.Factors.Kinds()
	for i, name := range names {
		k := slices.IndexFunc(kinds, func(k factors.Kind) bool { return k.Name == name })
		switch {
		case slices.Contains(names[:i], name):
			c.fault(key, "%q stands here twice", name)
		case k < 0:
			c.fault(key, "there is no factor %q: use %s", name, alternatives(kindNames(kinds)))
		case !kinds[k].Configured:
			c.fault(key, "%q is not configured: add [factors.%s]", name, name)
		}
	}
}

func kindNames(kinds []factors.Kind) []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

// registration insists that a policy says how people register: a default would decide, without a
// word, who may claim an account that has no second factor yet.
func (c *checker) registration(path, value string, names []string) {
	key := path + ".registration"
	var ways []string
	for _, r := range login.Registrations() {
		ways = append(ways, string(r))
	}
	addressed := slices.ContainsFunc(c.Factors.Kinds(), func(k factors.Kind) bool {
		return k.Addressed && slices.Contains(names, k.Name)
	})
	switch {
	case value == "" && c.registered(names):
		c.fault(key, "missing: say how people first register, %s; \"first-login\" lets whoever knows the password, \"closed\" nobody", alternatives(ways))
	case value == "":
	case !slices.Contains(ways, value):
		c.fault(key, "must be %s", alternatives(ways))
	case value == string(login.RegistrationDirectory) && !addressed:
		c.fault(key, `"directory" registers the mail address or telephone number that the directory holds: add "email" or "sms" to factors, or choose another way`)
	}
}
