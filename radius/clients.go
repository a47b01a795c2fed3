package radius

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sallyport/login"
)

// minSecret is the least length of a shared secret in octets: RFC 2865 §3 asks for 16.
const minSecret = 16

// Rule says whether a client's requests must carry Message-Authenticator. One that is present is
// verified under every rule.
type Rule uint8

// The rules.
const (
	// RuleAuto requires it of a client as soon as a login of that client has carried one, but where it was
	// seen without before. Packets that have Proxy-State but no Message-Authenticator are dropped
	// (CVE-2024-3596).
	RuleAuto Rule = iota
	// RuleRequired drops every request without it.
	RuleRequired
	// RuleOptional takes requests without it, as far as Client.ProxyStateLimit allows.
	RuleOptional
)

// Outage says what a client is told while a back end cannot be asked.
type Outage uint8

// What a client is told.
const (
	// OutageSilent sends nothing, so that the client tries its next server. RFC 2865 §4.1 asks for
	// an answer; a wrong one would end the login.
	OutageSilent Outage = iota
	// OutageReject sends an Access-Reject: for clients that know no other server.
	OutageReject
)

// Charset is the encoding in which a client sends names and passwords.
type Charset uint8

// The character sets.
const (
	// CharsetAuto takes text that is valid UTF-8 as that, and anything else as ISO 8859-1.
	CharsetAuto Charset = iota
	// CharsetUTF8 passes text on as it came.
	CharsetUTF8
	// CharsetLatin1 takes all text as ISO 8859-1.
	CharsetLatin1
)

// Prompts is the character set in which a client shows prompts.
type Prompts uint8

// The character sets of prompts.
const (
	// PromptsASCII replaces what is not ASCII, since many clients cannot show it.
	PromptsASCII Prompts = iota
	// PromptsUTF8 sends prompts as they are.
	PromptsUTF8
)

// Client is a RADIUS client (a NAS) or a network of them.
type Client struct {
	// Name is unique; it stands in logs, audit events and metrics.
	Name string
	// Addresses are the networks that the client's packets come from. When several clients have a
	// network that contains an address, the longest prefix wins.
	Addresses []netip.Prefix
	// Secret is the shared secret, at least 16 octets.
	Secret login.Secret
	// MessageAuthenticator is the rule for the client's requests.
	MessageAuthenticator Rule
	// ProxyStateLimit is how many Proxy-State attributes a request without Message-Authenticator
	// may carry under RuleOptional. Zero means none: an attacker needs them for CVE-2024-3596.
	ProxyStateLimit int
	// Policy names the login policy; it is passed on to [Logins].
	Policy string
	// UI says that the client reads the Sallyport attributes.
	UI bool
	// OnOutage says what the client is told while a back end cannot be asked.
	OnOutage Outage
	// Charset is the encoding of the client's names and passwords.
	Charset Charset
	// Prompts is the character set of the Reply-Messages. Under [login.ProfileUpstream] they are sent
	// as they are in any case.
	Prompts Prompts
	// Mode says how the client asks for a login.
	Mode login.Mode
	// AppendDigits is the length of the code that follows the password in login.ModeAppend. Zero means
	// that a comma stands between them.
	AppendDigits int
	// Language is the BCP 47 tag of what is sent to people of this client; "" means the default.
	Language string
	// Profile is how prompts are worded.
	Profile login.Profile
	// Replies give attributes with an Access-Accept: each rule that fits the user's groups, in order.
	// An attribute that two of them give is sent twice. All rules together give at most 3072 octets, since
	// somebody may be in every group.
	Replies []ReplyRule
}

// Validate reports every fault of the client, joined, each with its key of the configuration and a
// colon in front. It quotes no secret.
func (c Client) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		fault("name: missing: it stands in logs and metrics")
	}
	if len(c.Addresses) == 0 {
		fault("address: missing: name the address or network that the client's packets come from")
	}
	for _, p := range c.Addresses {
		if !p.IsValid() {
			fault("address: not a valid address")
		}
	}
	switch n := len(c.Secret.Reveal()); {
	case n == 0:
		fault("secret: missing: give secret_file, or secret")
	case n < minSecret:
		fault("secret: the shared secret has %d octets: use at least %d, better 24", n, minSecret)
	}
	if c.MessageAuthenticator > RuleOptional {
		fault("message_authenticator: unknown rule")
	}
	if c.OnOutage > OutageReject {
		fault("on_outage: unknown")
	}
	if c.Charset > CharsetLatin1 {
		fault("charset: unknown")
	}
	if c.Prompts > PromptsUTF8 {
		fault("prompts: unknown")
	}
	if c.Mode > login.ModeOTPOnly {
		fault("mode: unknown")
	}
	if c.AppendDigits < 0 || c.AppendDigits > 0 && c.Mode != login.ModeAppend {
		fault("append: only a client in append mode has a code after the password")
	}
	if c.Profile > login.ProfileUpstream {
		fault("profile: unknown")
	}
	most := 0
	for _, rule := range c.Replies {
		most += rule.size()
	}
	if most > maxReplies {
		fault("reply: the rules give %d octets to somebody in all their groups: at most %d fit into a reply", most, maxReplies)
	}
	return errors.Join(faults...)
}

// ParseNetwork reads an address or a network ("192.0.2.0/24") of a client. An address is the network
// of itself alone, and IPv4 in IPv6 form is IPv4, as in the packets' source addresses. A zone is refused:
// clients are found by their addresses, whatever interface the packets come by.
func ParseNetwork(text string) (netip.Prefix, error) {
	if at := strings.IndexByte(text, '%'); at >= 0 {
		plain := text[:at]
		if slash := strings.IndexByte(text, '/'); slash > at {
			plain += text[slash:]
		}
		return netip.Prefix{}, fmt.Errorf("%q has a zone, which cannot be told of a client: write %q, which is that address on every interface, and bind the server to one interface by listen", text, plain)
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = plainAddr(addr)
		return addr.Prefix(addr.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network", text)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits beyond its prefix length: %s is the network", text, p.Masked())
	case p.Addr().Is4In6() && p.Bits() < 96:
		return netip.Prefix{}, fmt.Errorf("%q is neither an IPv4 nor an IPv6 network: write IPv4 as 192.0.2.0/24", text)
	}
	return plainPrefix(p), nil
}

// client is a configured client with what is computed from it once.
type client struct {
	Client
	signer *signer
	counts *counts
}

// table finds clients by address. It is immutable.
type table struct {
	byPrefix map[netip.Prefix]*client
	// bits4 and bits6 are the prefix lengths in use, longest first.
	bits4, bits6 []int
}

// newTable checks the clients, for whom the Sallyport attributes are that vendor's, and reports all
// their faults at once. Counters outlive a table.
func newTable(clients []Client, tally *tally, vendor uint32) (*table, error) {
	var faults []error
	names := make(map[string]bool, len(clients))
	t := &table{byPrefix: make(map[netip.Prefix]*client)}
	for _, c := range clients {
		if err := c.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("client %q: %w", c.Name, err))
			continue
		}
		if names[c.Name] {
			faults = append(faults, fmt.Errorf("client %q is configured twice", c.Name))
		}
		names[c.Name] = true
		for _, rule := range c.Replies {
			if err := rule.clash(vendor); err != nil {
				faults = append(faults, fmt.Errorf("client %q: reply: %w", c.Name, err))
			}
		}
		faults = append(faults, t.add(&client{Client: c, signer: newSigner(c.Secret), counts: tally.of(c.Name)})...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *table) add(c *client) (faults []error) {
	for _, p := range c.Addresses {
		p = plainPrefix(p)
		if other := t.byPrefix[p]; other != nil {
			faults = append(faults, fmt.Errorf("clients %q and %q have the same address %s", other.Name, c.Name, p))
		}
		t.byPrefix[p] = c
		bits := &t.bits6
		if p.Addr().Is4() {
			bits = &t.bits4
		}
		if !slices.Contains(*bits, p.Bits()) {
			*bits = append(*bits, p.Bits())
			slices.SortFunc(*bits, func(a, b int) int { return b - a })
		}
	}
	return faults
}

// find returns the client that addr belongs to, nil when there is none. It allocates nothing.
func (t *table) find(addr netip.Addr) *client {
	bits := t.bits6
	if addr.Is4() {
		bits = t.bits4
	}
	for _, n := range bits {
		p, err := addr.Prefix(n)
		if err != nil {
			return nil
		}
		if c := t.byPrefix[p]; c != nil {
			return c
		}
	}
	return nil
}

// plainPrefix masks p and turns an IPv4-mapped network into the IPv4 network that it means.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// plainAddr is the form in which addresses are compared: no zone, IPv4 as IPv4.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
