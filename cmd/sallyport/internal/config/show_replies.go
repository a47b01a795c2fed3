package config

import (
	"maps"
	"slices"
	"strings"

	"sallyport/radius"
)

// maskedClients returns the clients as they may be shown: values of attributes that are hidden on the
// wire, such as Tunnel-Password, are masked.
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
		if c.hidden(name) {
			shown[name] = slices.Repeat([]string{mask}, len(values))
		}
	}
	return shown
}

// hidden reports whether an attribute is hidden on the wire, as the dictionaries have it. The errors of
// [radius.NewReplyRule] quote the values of all other attributes, so one that no attribute can hold is
// tried.
func (c *Config) hidden(name string) bool {
	tooLong := strings.Repeat("x", 1<<10)
	_, err := radius.NewReplyRule(c.dictionary, nil, map[string][]string{name: {tooLong}})
	return err == nil || !strings.Contains(err.Error(), tooLong)
}
