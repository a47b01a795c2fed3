package ldap

import (
	"fmt"
	"time"

	"sallyport/login"
)

// Config is a [directory.NAME] table of type "ldap". The zero value of a key means its default.
type Config struct {
	// URLs are the servers, in the order of preference: ldaps://host[:636] or ldap://host[:389].
	URLs []string `toml:"urls" hides:"url"`
	// StartTLS encrypts ldap:// connections before anything else is sent. A server that does not
	// offer it is not used.
	StartTLS bool `toml:"starttls"`
	// AllowCleartext permits ldap:// without StartTLS to hosts that are not loopback addresses.
	AllowCleartext bool `toml:"allow_cleartext"`
	// CAFile holds the PEM certificates of the authorities to trust; empty means the system's.
	CAFile string `toml:"ca_file"`
	// ServerName is the name that the servers' certificates must bear; empty means the URL's host.
	ServerName string `toml:"server_name"`

	// BaseDN is where people and groups are searched for. It may be empty, for all trees of a forest, where all
	// URLs name a global catalog's port.
	BaseDN string `toml:"base_dn"`
	// BindDN and BindPassword are the service account that searches. With a BindTemplate they may
	// be absent; then an entry read at the bind serves for ten minutes, on this node only, and its
	// flags cannot be read again.
	BindDN           string       `toml:"bind_dn"`
	BindPassword     login.Secret `toml:"bind_password"`
	BindPasswordFile string       `toml:"bind_password_file"`
	// SearchFilter finds a person's entry. {username} is the name without its domain, {login} all
	// that was typed; both are escaped, and stand only in comparisons such as (uid={username}).
	// Empty means (uid={username}).
	SearchFilter string `toml:"search_filter"`
	// BindTemplate makes the name to bind as out of the username, without a search: a DN such as
	// uid={username},ou=people,dc=example,dc=test, or Active Directory's {username}@example.test.
	BindTemplate string `toml:"bind_template"`
	// Domains are the domains that mean this directory: with EXAMPLE and example.test, the names
	// EXAMPLE\alice and alice@example.test mean alice, and other domains nobody. Without Domains a
	// name is taken whole.
	Domains []string `toml:"domains"`

	// IDAttribute holds the immutable id, a single value of up to 255 octets. Empty or "auto" means objectGUID, entryUUID or nsUniqueId,
	// whichever the entry has.
	IDAttribute string `toml:"id_attribute"`
	// UserAttribute is the login name as the directory spells it; empty means sAMAccountName or uid.
	UserAttribute string `toml:"user_attribute"`
	// MailAttribute and PhoneAttribute say how to reach the person; empty means mail and mobile.
	MailAttribute  string `toml:"mail_attribute"`
	PhoneAttribute string `toml:"phone_attribute"`
	// GroupAttribute lists the groups in the person's entry; empty means memberOf.
	GroupAttribute string `toml:"group_attribute"`
	// GroupFilter finds further groups under GroupBaseDN (empty: BaseDN), such as (member={dn}) or
	// (memberUid={username}). Empty means that none are searched for.
	GroupFilter string `toml:"group_filter"`
	GroupBaseDN string `toml:"group_base_dn"`
	// NestedGroups searches for the groups that hold the person through other groups, by the
	// matching rule 1.2.840.113556.1.4.1941, which Active Directory and Samba know.
	NestedGroups bool `toml:"nested_groups"`

	// Timeout bounds one question to one server, connecting included; 0 means 3 s.
	Timeout Duration `toml:"timeout"`
	// MaxConnections bounds the connections to one server that check passwords; a sixth of that,
	// and at least five, search. 0 means 64.
	MaxConnections int `toml:"max_connections"`
	// EntryCache is how long a person's entry may be used again; nil means 60 s, 0 means never.
	EntryCache *Duration `toml:"entry_cache"`
}

// Duration is a time span written as "3s" or "500ms".
type Duration time.Duration

// UnmarshalText reads a span; negative ones are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	if err != nil || span < 0 {
		return fmt.Errorf("%q is not a time span such as \"3s\" or \"500ms\"", text)
	}
	*d = Duration(span)
	return nil
}

// MarshalText writes the span as it is read.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// The defaults of the keys, and what else is bounded.
const (
	defaultTimeout        = 3 * time.Second
	defaultMaxConnections = 64
	defaultEntryCache     = time.Minute
	// directMemory is how long an entry serves that can only be read with its owner's password.
	directMemory = 10 * time.Minute
	// maxEntries bounds the remembered entries: about 1 KiB each, more with many groups.
	maxEntries = 65_536
	// maxGroups bounds the groups of one person that are asked for and kept.
	maxGroups = 10_000
)

// Effective returns the table with the defaults in the place of what it leaves out, as it could be
// written. What stays empty is taken from elsewhere, as its comment says.
func (c Config) Effective() Config {
	c = c.withDefaults()
	if c.IDAttribute == "" {
		c.IDAttribute = "auto"
	}
	return c
}

// withDefaults returns the configuration with every key set.
func (c Config) withDefaults() Config {
	set := func(value *string, fallback string) {
		if *value == "" {
			*value = fallback
		}
	}
	set(&c.SearchFilter, c.defaultFilter())
	set(&c.MailAttribute, "mail")
	set(&c.PhoneAttribute, "mobile")
	set(&c.GroupAttribute, "memberOf")
	set(&c.GroupBaseDN, c.BaseDN)
	if c.IDAttribute == "auto" {
		c.IDAttribute = ""
	}
	if c.Timeout == 0 {
		c.Timeout = Duration(defaultTimeout)
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultMaxConnections
	}
	if c.EntryCache == nil {
		minute := Duration(defaultEntryCache)
		c.EntryCache = &minute
	}
	return c
}

// defaultFilter is the search filter where none is configured: with a bind template the entry is
// already known by what was bound as.
func (c Config) defaultFilter() string {
	if c.BindTemplate != "" {
		return "(objectClass=*)"
	}
	return "(uid={username})"
}
