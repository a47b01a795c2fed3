package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// documentation are the networks that stand for others in documents (RFC 5737, RFC 3849, RFC 9637).
var documentation = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
}

var (
	// exampleName is a name of RFC 2606: of .example, or of example.com, .net or .org. In a DN it is dc=…,dc=example.
	exampleName = regexp.MustCompile(`(?i)(^|[^a-z0-9-])((([a-z0-9-]+\.)+example|([a-z0-9-]+\.)*example\.(com|net|org))\.?)($|[^a-z0-9.-])`)
	exampleDN   = regexp.MustCompile(`(?i)\bdc=example\b`)
	// exampleAccount is the account of the example of an SMS gateway, or whatever else is nothing but zeros or x.
	exampleAccount = regexp.MustCompile(`^(AC)?(0{8,}|[xX]{4,})$`)
	address        = regexp.MustCompile(`[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*`)
)

// placeholder returns the piece of a text that can only be an example's.
func placeholder(text string) (piece string, found bool) {
	if m := exampleName.FindStringSubmatch(text); m != nil {
		return m[2], true
	}
	if exampleDN.MatchString(text) || exampleAccount.MatchString(text) {
		return text, true
	}
	for _, candidate := range address.FindAllString(text, -1) {
		for _, form := range []string{candidate, strings.Trim(candidate, ".:"), candidate[:max(strings.LastIndexByte(candidate, ':'), 0)]} {
			ip, err := netip.ParseAddr(form)
			if err == nil && slices.ContainsFunc(documentation, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) }) {
				return form, true
			}
		}
	}
	return "", false
}

// placeholders returns a fault for each setting that still has an example's value. Nothing of that kind exists on any
// network, so it cannot be meant.
func (c *Config) placeholders(at func(string) place) (found Faults) {
	for key, s := range c.texts() {
		if s.secret {
			continue
		}
		text := s.text
		if s.hides != "" {
			text, _ = hidden(s.hides, text)
		}
		if piece, ok := placeholder(text); ok {
			found = append(found, at(key).fault(key, "%s is still the example's value: put your own here", piece))
		}
	}
	return found
}
