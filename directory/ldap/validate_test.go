package ldap_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/directory/ldap"
)

func TestFaultsOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*ldap.Config)
		want   []string
	}{
		{"none", func(c *ldap.Config) {}, nil},
		{"no servers", func(c *ldap.Config) { c.URLs = nil }, []string{"urls: missing"}},
		{"no URL", func(c *ldap.Config) { c.URLs = []string{"dc1", "ldaps://", "ldaps://u@dc1", "ldaps://dc1/dc=x"} }, []string{"urls:", "urls:", "urls:", "urls:"}},
		{"scheme", func(c *ldap.Config) { c.URLs = []string{"http://dc1"} }, []string{"urls: http://dc1: the scheme"}},
		{"cleartext", func(c *ldap.Config) { c.URLs = []string{"ldap://dc1"} }, []string{"urls: ldap://dc1 would carry passwords in the clear"}},
		{"cleartext on loopback", func(c *ldap.Config) { c.URLs = []string{"ldap://127.0.0.1", "ldap://[::1]:389", "ldap://localhost"} }, nil},
		{"cleartext allowed", func(c *ldap.Config) { c.URLs, c.AllowCleartext = []string{"ldap://dc1"}, true }, nil},
		{"starttls", func(c *ldap.Config) { c.URLs, c.StartTLS = []string{"ldap://dc1"}, true }, nil},
		{"starttls twice", func(c *ldap.Config) { c.StartTLS = true }, []string{"starttls:"}},
		{"base_dn", func(c *ldap.Config) { c.BaseDN = "" }, []string{"base_dn: missing"}},
		{"D6 a whole forest", func(c *ldap.Config) {
			c.BaseDN, c.URLs = "", []string{"ldaps://gc1:3269", "ldap://localhost:3268"}
		}, nil},
		{"D6 a whole forest, one server of which is no global catalog", func(c *ldap.Config) {
			c.BaseDN, c.URLs = "", []string{"ldaps://gc1:3269", "ldaps://dc1"}
		}, []string{"base_dn: missing"}},
		{"base_dn is no DN", func(c *ldap.Config) { c.BaseDN = "example" }, []string{"base_dn:"}},
		{"no account", func(c *ldap.Config) { c.BindDN, c.BindPassword = "", "" }, []string{"bind_dn: missing"}},
		{"template instead of an account", func(c *ldap.Config) { c.BindDN, c.BindPassword, c.BindTemplate = "", "", "{username}@x" }, nil},
		{"no password", func(c *ldap.Config) { c.BindPassword = "" }, []string{"bind_password: missing"}},
		{"password only", func(c *ldap.Config) { c.BindDN, c.BindTemplate = "", "{username}@x" }, []string{"bind_dn: missing"}},
		{"filter for everyone", func(c *ldap.Config) { c.SearchFilter = "(objectClass=*)" }, []string{"search_filter:"}},
		{"filter", func(c *ldap.Config) { c.SearchFilter = "(uid={username}" }, []string{"search_filter:"}},
		{"placeholder", func(c *ldap.Config) { c.SearchFilter = "(uid={user})" }, []string{"search_filter: unknown placeholder {user}"}},
		{"brace", func(c *ldap.Config) { c.SearchFilter = "(uid=username})" }, []string{"search_filter:"}},
		{"filters that can do without a name", func(c *ldap.Config) {
			c.SearchFilter = "(&(objectClass=user)(|(uid={username})(mail={login})(mail={username}@example.test))(!(description=left))(cn:caseExactMatch:=x))"
		}, nil},
		{"matching rule", func(c *ldap.Config) { c.SearchFilter = "(uid:caseExactMatch:={username})" }, []string{"search_filter: a placeholder must"}},
		{"not", func(c *ldap.Config) { c.SearchFilter = "(!(uid={username}))" }, []string{"search_filter: a placeholder must"}},
		{"deep in a not", func(c *ldap.Config) { c.SearchFilter = "(&(uid={username})(!(|(cn={username})(cn=x))))" }, []string{"search_filter: a placeholder must"}},
		{"pattern", func(c *ldap.Config) { c.SearchFilter = "(uid={username}*)" }, []string{"search_filter: a placeholder must"}},
		{"order", func(c *ldap.Config) { c.SearchFilter = "(uid>={username})" }, []string{"search_filter: a placeholder must"}},
		{"likeness", func(c *ldap.Config) { c.SearchFilter = "(uid~={username})" }, []string{"search_filter: a placeholder must"}},
		{"attribute", func(c *ldap.Config) { c.SearchFilter = "({username}=x)" }, []string{"search_filter:"}},
		{"matching rule for groups", func(c *ldap.Config) { c.GroupFilter = "(member:1.2.840.113556.1.4.1941:={dn})" }, nil},
		{"group filter", func(c *ldap.Config) { c.GroupFilter = "(objectClass=*)" }, []string{"group_filter:"}},
		{"template for everyone", func(c *ldap.Config) { c.BindTemplate = "uid=x" }, []string{"bind_template:"}},
		{"attributes", func(c *ldap.Config) { c.MailAttribute, c.IDAttribute = "mail)(", "a b" }, []string{"id_attribute:", "mail_attribute:"}},
		{"domains", func(c *ldap.Config) { c.Domains = []string{`A\B`} }, []string{"domains:"}},
		{"connections", func(c *ldap.Config) { c.MaxConnections = -1 }, []string{"max_connections:"}},
		{"all at once", func(c *ldap.Config) { *c = ldap.Config{} }, []string{"urls:", "base_dn:", "bind_dn:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("ldaps://dc1.example.test")
			c.change(&cfg)
			err := cfg.Validate()
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(c.want) {
				t.Fatalf("faults = %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("fault %d = %q, want %q", i, got[i], want)
				}
			}
		})
	}
}

func TestAFaultNeverShowsThePassword(t *testing.T) {
	cfg := config()
	cfg.BindPassword = "canary-password\x00"
	err := cfg.Validate()
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("Validate = %v", err)
	}
}

func TestACAFileMustBeReadable(t *testing.T) {
	for _, file := range []string{"testdata/none.pem", "validate_test.go"} {
		cfg := config("ldaps://dc1.example.test")
		cfg.CAFile = file
		if _, err := ldap.New("corp", cfg, slog.New(slog.DiscardHandler), time.Now); err == nil || !strings.HasPrefix(err.Error(), "ca_file:") {
			t.Errorf("New = %v", err)
		}
	}
}

func TestDurations(t *testing.T) {
	var d ldap.Duration
	if err := d.UnmarshalText([]byte("1m30s")); err != nil || d != ldap.Duration(90*time.Second) {
		t.Errorf("%v, %v", d, err)
	}
	if text, err := d.MarshalText(); err != nil || string(text) != "1m30s" {
		t.Errorf("%s, %v", text, err)
	}
	for _, text := range []string{"", "3", "-3s", "soon"} {
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, d)
		}
	}
}
