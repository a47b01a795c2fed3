package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
	"sallyport/web/admin"
)

// policies looks at what the configuration allows, rather than at servers.
func (d doctor) policies(ctx context.Context) {
	for _, w := range d.cfg.Warnings {
		d.warn("configuration", w.String(), "")
	}
	for _, p := range d.cfg.Placeholders {
		d.warn("configuration", p.String(), "")
	}
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Policies)) {
		d.policy("policy."+name, d.cfg.Policies[name])
	}
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Directories)) {
		table := d.cfg.Directories[name]
		if table.Type == "ldap" && !lasting(table.IDAttribute) {
			d.warn("directory."+name, fmt.Sprintf("people are known by %s: who gets another one loses the second factor, and who gets an old one inherits it", table.IDAttribute),
				"Remove id_attribute where the server has objectGUID, entryUUID or nsUniqueId.")
		}
	}
	d.messageAuthenticators(ctx)
}

func (d doctor) policy(subject string, p config.Policy) {
	everybody := p.Rules()[0]
	switch open := openToThieves(p); {
	case len(open) > 0:
		d.warn(subject, "a stolen password is enough to register a thief's telephone (registration = \"first-login\" for "+strings.Join(open, ", ")+")",
			"Good for a first try, as in the example. Before people are told, choose \"invited\" (\"sallyport user invite\" makes the code), \"directory\" or \"window\"; who has registered stays registered.")
	case everybody.Registration == "":
		d.ok(subject, "nothing is registered here")
	case everybody.Open() && everybody.Forwards():
		d.ok(subject, "nobody is led to a registration, but asked for a passcode: \"securid\" is in factors")
	default:
		d.ok(subject, "registration is %q", everybody.Registration)
	}
	for _, x := range p.Exempt {
		d.warn(subject, fmt.Sprintf("%s: no second factor for %s until %s, because: %s", x.Rule, who(x), x.Until.Format("2006-01-02"), x.Reason), "")
	}
}

// openToThieves names those for whom a password is enough to register.
func openToThieves(p config.Policy) (groups []string) {
	for _, r := range p.Rules() {
		switch {
		case r.Registration != string(login.RegistrationFirstLogin) || r.Forwards():
		case len(r.Groups) == 0:
			return []string{"everybody"}
		default:
			groups = append(groups, r.Groups...)
		}
	}
	return groups
}

func who(x config.Exemption) string {
	names := slices.Clone(x.Users)
	for _, g := range x.Groups {
		names = append(names, "group "+g)
	}
	return strings.Join(names, ", ")
}

// lasting reports whether an attribute names a person for good.
func lasting(attribute string) bool {
	return slices.ContainsFunc([]string{"", "auto", "objectGUID", "entryUUID", "nsUniqueId", "ipaUniqueID"}, func(known string) bool {
		return strings.EqualFold(known, attribute)
	})
}

// messageAuthenticators recommends to require what a client is known to send (CVE-2024-3596). What the
// daemon has learned it alone can tell.
func (d doctor) messageAuthenticators(ctx context.Context) {
	list, err := d.clients(ctx)
	if err != nil {
		d.warn("client", "what the clients send is not known: "+err.Error(), "Start the daemon, or run this as a user who may ask it.")
	}
	for _, c := range d.cfg.Clients {
		subject := "client " + c.Name
		i := slices.IndexFunc(list.Clients, func(known admin.Client) bool { return known.Name == c.Name })
		switch {
		case c.MessageAuthenticator == "required":
			d.ok(subject, "requests must carry Message-Authenticator")
		case c.MessageAuthenticator == "optional":
			d.warn(subject, "requests need not carry Message-Authenticator (CVE-2024-3596)", "Update the client, and set message_authenticator = \"required\".")
		case i >= 0 && signing(list.Clients[i]) > 0:
			d.warn(subject, fmt.Sprintf("sends Message-Authenticator from %d of its addresses", signing(list.Clients[i])),
				"Set message_authenticator = \"required\" when it always does.")
			if without := len(list.Clients[i].Learned) - signing(list.Clients[i]); without > 0 {
				d.warn(subject, fmt.Sprintf("and from %d without it, which is tolerated as long as it goes on: somebody may pretend to be one of these", without),
					"Have them send it, or give them a [[client]] of their own; \"sallyport client list --json\" names them.")
			}
		default:
			d.ok(subject, "Message-Authenticator is required of the client as soon as a login has carried one")
		}
	}
}

// signing is from how many addresses a client is known to send Message-Authenticator.
func signing(c admin.Client) (n int) {
	for _, l := range c.Learned {
		if !l.Unsigned {
			n++
		}
	}
	return n
}
