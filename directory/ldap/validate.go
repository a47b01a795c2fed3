package ldap

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"sallyport/directory/internal/names"
)

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front. It reads no file and asks no server.
func (c Config) Validate() error {
	faults := append(c.checkServers(), c.checkAccount()...)
	faults = append(faults, c.checkTemplates()...)
	for _, a := range []struct{ key, name string }{
		{"id_attribute", c.IDAttribute}, {"user_attribute", c.UserAttribute}, {"mail_attribute", c.MailAttribute},
		{"phone_attribute", c.PhoneAttribute}, {"group_attribute", c.GroupAttribute},
	} {
		if strings.ContainsFunc(a.name, notInAttribute) {
			faults = append(faults, fmt.Errorf("%s: %q is not the name of an attribute", a.key, a.name))
		}
	}
	if _, err := names.NewDomains(c.Domains); err != nil {
		faults = append(faults, fmt.Errorf("domains: %w", err))
	}
	if c.MaxConnections < 0 || c.MaxConnections > 1024 {
		faults = append(faults, errors.New("max_connections: must be between 1 and 1024"))
	}
	return errors.Join(faults...)
}

func (c Config) checkServers() (faults []error) {
	if len(c.URLs) == 0 {
		faults = append(faults, errors.New(`urls: missing; name at least one server, such as "ldaps://dc1.example.com"`))
	}
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.User != nil || u.RawQuery != "":
			faults = append(faults, fmt.Errorf("urls: %q is not of the form ldaps://host:port", text))
		case u.Scheme == "ldaps" && c.StartTLS:
			faults = append(faults, fmt.Errorf("starttls: %s is encrypted from the start; use ldap:// with starttls", text))
		case u.Scheme == "ldap" && !c.StartTLS && !c.AllowCleartext && !isLoopback(u.Hostname()):
			faults = append(faults, fmt.Errorf("urls: %s would carry passwords in the clear; use ldaps://, or set starttls", text))
		case u.Scheme != "ldap" && u.Scheme != "ldaps":
			faults = append(faults, fmt.Errorf("urls: %s: the scheme must be ldaps or ldap", text))
		}
	}
	return faults
}

func (c Config) checkAccount() (faults []error) {
	if c.BaseDN == "" && !c.globalCatalog() {
		faults = append(faults, errors.New(`base_dn: missing; set where people are searched for, such as "dc=example,dc=com" (empty, for a whole forest, only where all urls name the port of a global catalog, 3268 or 3269)`))
	}
	for _, name := range []struct{ key, dn string }{{"base_dn", c.BaseDN}, {"group_base_dn", c.GroupBaseDN}} {
		if _, err := ldap.ParseDN(name.dn); err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is not a DN", name.key, name.dn))
		}
	}
	switch {
	case c.BindDN == "" && c.BindPassword != "":
		faults = append(faults, errors.New("bind_dn: missing, but bind_password is set"))
	case c.BindDN != "" && c.BindPassword == "":
		faults = append(faults, errors.New("bind_password: missing, but bind_dn is set; set bind_password_file"))
	case c.BindDN == "" && c.BindTemplate == "":
		faults = append(faults, errors.New("bind_dn: missing; set a service account that may search, or bind_template"))
	case strings.ContainsRune(c.BindPassword.Reveal(), 0):
		faults = append(faults, errors.New("bind_password: holds a NUL"))
	}
	return faults
}

// globalCatalog reports whether all servers are global catalogs of an Active Directory forest: there an empty base DN
// means all its trees.
func (c Config) globalCatalog() bool {
	for _, text := range c.URLs {
		if u, err := url.Parse(text); err != nil || u.Port() != "3268" && u.Port() != "3269" {
			return false
		}
	}
	return len(c.URLs) > 0
}

func (c Config) checkTemplates() (faults []error) {
	full := c.withDefaults()
	for _, f := range []struct {
		key, filter string
		allowed     []string
		needed      bool
		check       func(textTemplate) error
	}{
		{"search_filter", full.SearchFilter, []string{"username", "login"}, c.BindTemplate == "", checkSearchFilter},
		{"group_filter", full.GroupFilter, []string{"username", "login", "dn"}, full.GroupFilter != "", checkFilter},
	} {
		t, err := parseTemplate(f.filter, f.allowed...)
		if err == nil && f.needed && len(t.names()) == 0 {
			err = fmt.Errorf("%q holds none of {%s}: it would fit everyone", f.filter, strings.Join(f.allowed, "}, {"))
		}
		if err == nil && f.filter != "" {
			err = f.check(t)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.key, err))
		}
	}
	if c.BindTemplate != "" {
		t, err := parseTemplate(c.BindTemplate, "username", "login")
		if err == nil && len(t.names()) == 0 {
			err = fmt.Errorf("%q does not hold {username}: everyone would bind as the same", c.BindTemplate)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("bind_template: %w", err))
		}
	}
	return faults
}

func notInAttribute(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;", r)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
