package config

import (
	"net/netip"
	"slices"

	"golang.org/x/text/language"

	"sallyport/radius"
)

// wiseSecret is the length of a shared secret, in octets, from which on guessing it is hopeless. What
// is refused is for the part itself to say.
const wiseSecret = 24

// network is a client's network and where it stands.
type network struct {
	netip.Prefix
	client, key string
}

func (c *checker) clients() {
	if len(c.Clients) == 0 {
		c.warn("client", "there is no [[client]]: nobody can ask this server")
	}
	c.replies()
	names := map[string]bool{}
	var networks []network
	for i, client := range c.Clients {
		path := element("client", i)
		if client.Name != "" && names[client.Name] {
			c.fault(path+".name", "another client has this name")
		}
		names[client.Name] = true
		networks = c.networks(path, client, networks)
		c.client(path, client)
	}
}

func (c *checker) client(path string, client Client) {
	c.part(path, client.radius().Validate())
	if n := len(client.Secret.Reveal()); 0 < n && n < wiseSecret {
		c.warn(path+".secret", "the shared secret has %d octets: %d or more resist guessing", n, wiseSecret)
	}
	c.trivial(path+".secret", client.Secret, client.Name)
	c.oneOf(path+".message_authenticator", client.MessageAuthenticator, "auto", "required", "optional")
	c.oneOf(path+".on_outage", client.OnOutage, "silent", "reject")
	c.oneOf(path+".charset", client.Charset, "auto", "utf-8", "latin-1")
	c.oneOf(path+".prompts", client.Prompts, "ascii", "utf-8")
	c.oneOf(path+".profile", client.Profile, "plain", "asa-sdi", "upstream")
	c.mode(path, client)
	c.language(path+".language", client.Language)
	switch _, known := c.Policies[client.Policy]; {
	case client.Policy == "":
		c.fault(path+".policy", "missing: name a [policy.NAME]")
	case !known:
		c.fault(path+".policy", "there is no [policy.%s]", client.Policy)
	}
	if client.ProxyStateLimit > 0 && client.MessageAuthenticator != "optional" {
		c.fault(path+".proxy_state_limit", `has a meaning only with message_authenticator = "optional"`)
	}
}

// networks checks one client's addresses against those of the clients before it.
func (c *checker) networks(path string, client Client, before []network) []network {
	key := path + ".address"
	known := len(before)
	for _, text := range client.Address {
		prefix, err := radius.ParseNetwork(text)
		if err != nil {
			c.fault(key, "%v", err)
			continue
		}
		c.size(key, prefix)
		if client.MessageAuthenticator == "auto" && !prefix.IsSingleIP() {
			c.warn(key, `%s is a network, and until one of its addresses has signed a login any of them is taken without Message-Authenticator: name the addresses, or set message_authenticator = "required"`, prefix)
		}
		n := network{prefix, client.Name, key}
		c.compare(n, before)
		before = append(before, n)
	}
	if len(client.Address) > 0 && len(before) == known {
		c.refused[key] = true // all are wrong: that there is none need not be said too
	}
	return before
}

// compare looks for networks that say the same, or that the longer prefix takes from the shorter.
func (c *checker) compare(n network, before []network) {
	i := slices.IndexFunc(before, func(b network) bool { return b.Prefix == n.Prefix })
	if i >= 0 {
		c.fault(n.key, "client %q has %s already", before[i].client, n.Prefix)
		return
	}
	for _, b := range before {
		if b.client != n.client && b.Overlaps(n.Prefix) {
			c.warn(n.key, "%s and %s of client %q overlap: the longer prefix wins", n.Prefix, b.Prefix, b.client)
		}
	}
}

func (c *checker) mode(path string, client Client) {
	c.oneOf(path+".mode", client.Mode, "challenge", "append", "otp-only")
	c.oneOf(path+".append", client.Append, "comma", "digits")
	if client.AppendDigits < 6 || client.AppendDigits > 8 {
		c.fault(path+".append_digits", "must be 6 to 8: the length of the code behind the password")
	}
	if client.Append == "digits" && client.Mode != "append" {
		c.fault(path+".append", `has a meaning only with mode = "append"`)
	}
	if client.AppendDigits != 6 && client.Append != "digits" {
		c.fault(path+".append_digits", `has a meaning only with append = "digits"`)
	}
}

// language checks that a text is a language tag (BCP 47); which languages there are is the factors'.
func (c *checker) language(key, tag string) {
	if _, err := language.Parse(tag); tag != "" && err != nil {
		c.fault(key, `is not a language tag, such as "en" or "ar"`)
	}
}

// replies makes the rules of reply attributes with what the dictionaries know.
func (c *checker) replies() {
	if c.dictionary == nil {
		return // it could not be read
	}
	for i := range c.Clients {
		client := &c.Clients[i]
		for j, r := range client.Reply {
			path := element(element("client", i)+".reply", j)
			groups := r.Groups
			if !c.groupNames(path+".groups", c.Policies[client.Policy], groups, true) {
				groups = nil // their faults were told
			}
			rule, err := radius.NewReplyRule(c.dictionary, groups, r.Attributes)
			c.part(path+".attributes", err)
			switch {
			case rule.FixedUserName():
				c.warn(path+".attributes", "User-Name is the same text for everybody, and the client takes it for the person's name: say \"{username}\" for the name as the directory spells it")
			case rule.UserNames() > 1:
				c.warn(path+".attributes", "gives User-Name several times, and a reply has one at most (RFC 2865 section 5.44)")
			}
			client.replies = append(client.replies, rule)
		}
	}
}
