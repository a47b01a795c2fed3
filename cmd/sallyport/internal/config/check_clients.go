package config

import (
	"net/netip"
	"slices"
	"strings"
)

// Lengths of shared secrets in octets. RFC 2865 §3 asks for 16.
const (
	minSecret  = 16
	wiseSecret = 24
)

// network is a client's network and where it stands.
type network struct {
	netip.Prefix
	client, key string
}

func (c *checker) clients() {
	if len(c.Clients) == 0 {
		c.warn("client", "there is no [[client]]: nobody can ask this server")
	}
	names := map[string]bool{}
	var networks []network
	for i, client := range c.Clients {
		path := element("client", i)
		switch {
		case client.Name == "":
			c.fault(path+".name", "missing: the name stands in logs and metrics")
		case names[client.Name]:
			c.fault(path+".name", "another client has this name")
		}
		names[client.Name] = true
		c.client(path, client)
		networks = c.networks(path, client, networks)
	}
}

func (c *checker) client(path string, client Client) {
	c.sharedSecret(path, client)
	c.oneOf(path+".message_authenticator", client.MessageAuthenticator, "auto", "required", "optional")
	c.oneOf(path+".on_outage", client.OnOutage, "silent", "reject")
	c.oneOf(path+".charset", client.Charset, "auto", "utf-8", "latin-1")
	switch client.Mode {
	case "challenge":
	case "append", "otp-only":
		c.fault(path+".mode", `"append" and "otp-only" are not in this version of Sallyport; leave the key out`)
	default:
		c.fault(path+".mode", `must be "challenge"`)
	}
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

func (c *checker) sharedSecret(path string, client Client) {
	key := path + ".secret"
	if client.SecretFile != "" {
		key = path + ".secret_file"
	}
	switch n := len(client.Secret.Reveal()); {
	case n == 0:
		c.fault(key, "missing: give secret_file, or secret")
	case n < minSecret:
		c.fault(key, "the shared secret has %d octets: use at least %d, better %d", n, minSecret, wiseSecret)
	case n < wiseSecret:
		c.warn(key, "the shared secret has %d octets: %d or more resist guessing", n, wiseSecret)
	}
}

// networks checks one client's addresses against those of the clients before it.
func (c *checker) networks(path string, client Client, before []network) []network {
	key := path + ".address"
	if len(client.Address) == 0 {
		c.fault(key, "missing: name the address or network that the client's packets come from")
	}
	for _, text := range client.Address {
		prefix, err := parseNetwork(text)
		if err != nil {
			c.fault(key, "%q is not an IP address or network", text)
			continue
		}
		if prefix != prefix.Masked() {
			c.fault(key, "%q has bits beyond its prefix length: %s is the network", text, prefix.Masked())
			continue
		}
		n := network{prefix, client.Name, key}
		c.compare(n, before)
		before = append(before, n)
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

// parseNetwork reads an address as the network of that address alone. An IPv4 address in IPv6 form
// means the IPv4 address.
func parseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	addr = addr.Unmap().WithZone("")
	return addr.Prefix(addr.BitLen())
}
