package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"sallyport/radius"
)

// maskedClients returns the clients as they may be shown: values of attributes that are hidden on the
// wire, such as Tunnel-Password, or that say of themselves that they are secrets, are masked.
func (c *Config) maskedClients() []Client {
	clients := slices.Clone(c.Clients)
	for i := range clients {
		replies := slices.Clone(clients[i].Reply)
		for j := range replies {
			replies[j].Attributes = c.maskedAttributes(replies[j].Attributes)
		}
		clients[i].Reply = replies
	}
	return clients
}

func (c *Config) maskedAttributes(attributes map[string][]string) map[string][]string {
	shown := maps.Clone(attributes)
	for name, values := range attributes {
		shown[name] = slices.Clone(values)
		for i, value := range values {
			if c.masked(name, value) {
				shown[name][i] = mask
			}
		}
	}
	return shown
}

// secretive are the words by which an attribute, or a value of the form name=value as in Cisco-AVPair, says
// that it is a secret.
var secretive = regexp.MustCompile(`(?i)(password|passwd|pwd|secret|psk|passphrase|(^|[-_ :])key([-_ :]|$)|[-_]pw$|token|credential)`)

// masked reports whether a value of an attribute is a secret, as far as can be told.
func (c *Config) masked(name, value string) bool {
	before, _, pair := strings.Cut(value, "=")
	return secretive.MatchString(name) || pair && secretive.MatchString(before) || c.hidden(name)
}

// hidden reports whether an attribute is hidden on the wire, as the dictionaries have it. The errors of
// [radius.NewReplyRule] quote the values of all other attributes, so one that no attribute can hold is
// tried.
func (c *Config) hidden(name string) bool {
	tooLong := strings.Repeat("x", 1<<10)
	_, err := radius.NewReplyRule(c.dictionary, nil, map[string][]string{name: {tooLong}})
	return err == nil || !strings.Contains(err.Error(), tooLong)
}
