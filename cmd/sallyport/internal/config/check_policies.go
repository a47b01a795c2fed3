package config

import (
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"sallyport/directory"
	"sallyport/login"
)

// directories builds each one, which reads its files and asks no server.
func (c *checker) directories() {
	for name, table := range c.Directories {
		path := join("directory", name)
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

func (c *checker) secondFactors() {
	for _, err := range c.Factors.Validate() {
		c.part("factors", err)
	}
}

func (c *checker) policies() {
	if len(c.Policies) == 0 {
		c.fault("policy", "there is no [policy.NAME]: it says which directory and which second factors count")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		c.policy(join("policy", name), c.Policies[name])
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
	for i, f := range p.Factors {
		c.factor(path+".factors", f, p.Factors[:i])
	}
	c.registration(path+".registration", p.Registration)
}

func (c *checker) factor(key, name string, before []string) {
	switch {
	case slices.Contains(before, name):
		c.fault(key, "%q stands here twice", name)
	case slices.Contains([]string{"email", "sms", "securid"}, name):
		c.fault(key, "%q is not in this version of Sallyport", name)
	case name != "totp":
		c.fault(key, "there is no factor %q", name)
	case c.Factors.TOTP == nil:
		c.fault(key, "%q is not configured: add [factors.%s]", name, name)
	}
}

// registration insists that a policy says how people register: a default would decide, without a
// word, who may claim an account that has no second factor yet.
func (c *checker) registration(key, value string) {
	known := []string{string(login.RegistrationFirstLogin), string(login.RegistrationClosed)}
	switch {
	case slices.Contains(known, value):
	case value == "":
		c.fault(key, `missing: "first-login" lets whoever knows the password register at the first login, "closed" lets nobody`)
	case slices.Contains([]string{"directory", "invited", "window"}, value):
		c.fault(key, "%q is not in this version of Sallyport: use %s", value, alternatives(known))
	default:
		c.fault(key, "must be %s", alternatives(known))
	}
}
