package directory_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"sallyport/directory"
	"sallyport/directory/ldap"
	"sallyport/directory/local"
)

func decode(t *testing.T, text string) directory.Config {
	t.Helper()
	var file struct {
		Directory map[string]directory.Config `toml:"directory"`
	}
	if err := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Directory["corp"]
}

func TestNewBuildsTheTypeOfTheTable(t *testing.T) {
	hash, err := local.Hash("wonderland-1")
	if err != nil {
		t.Fatal(err)
	}
	deps := directory.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now}
	d, err := directory.New("corp", decode(t, `
[directory.corp]
type = "ldap"
urls = ["ldaps://dc1.corp.example", "ldaps://dc2.corp.example"]
base_dn = "dc=corp,dc=example"
bind_dn = "cn=sallyport,ou=services,dc=corp,dc=example"
bind_password = "secret"
search_filter = "(sAMAccountName={username})"
nested_groups = true
timeout = "2s"
entry_cache = "0s"
domains = ["CORP", "corp.example"]
`), deps)
	if _, ok := d.(*ldap.Directory); !ok || err != nil {
		t.Errorf("ldap: %T, %v", d, err)
	}
	d, err = directory.New("corp", decode(t, `
[directory.corp]
type = "local"
domains = ["CORP"]
[[directory.corp.users]]
id = "1"
name = "alice"
password_hash = "`+hash+`"
`), deps)
	if _, ok := d.(*local.Directory); !ok || err != nil {
		t.Errorf("local: %T, %v", d, err)
	}
	if user, err := d.Authenticate(t.Context(), `CORP\Alice`, "wonderland-1"); err != nil || user.ID != "corp:1" {
		t.Errorf("Authenticate = %+v, %v", user, err)
	}
}

func TestKeysOfTheOtherTypeAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`type = "local"
users_file = "x"
domains = ["CORP"]
starttls = true
bind_password_file = "y"
max_connections = 3
entry_cache = "0s"`: `starttls: only for type = "ldap"
bind_password_file: only for type = "ldap"
max_connections: only for type = "ldap"
entry_cache: only for type = "ldap"`,
		`type = "ldap"
urls = ["ldaps://dc1.corp.example"]
base_dn = "dc=corp,dc=example"
bind_template = "{username}@corp.example"
domains = ["CORP"]
users_file = "x"
[[directory.corp.users]]
id = "1"`: `users_file: only for type = "local"
users: only for type = "local"`,
	} {
		cfg := decode(t, "[directory.corp]\n"+text)
		if cfg.BindPasswordFile != "" {
			cfg.BindPassword = "what the file holds"
		}
		if err := cfg.Validate(); err == nil || err.Error() != want {
			t.Errorf("%s\nValidate = %v\nwant %s", text, err, want)
		}
	}
}

func TestFaultsNameTheirKey(t *testing.T) {
	for text, want := range map[string]string{
		"": "type: missing", "type = \"ad\"": "type: unknown", "type = \"local\"": "users_file: missing", "type = \"ldap\"": "urls: missing",
		"type = \"local\"\nusers_file = \"x\"\nurls = [\"ldaps://a\"]": "urls: only for", "type = \"ldap\"\nusers_file = \"x\"": "users_file: only for",
	} {
		cfg := decode(t, "[directory.corp]\n"+text)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: Validate = %v, want %s", text, err, want)
		}
		if d, err := directory.New("corp", cfg, directory.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now}); err == nil || d != nil {
			t.Errorf("%q: New = %v, %v", text, d, err)
		}
	}
	for _, name := range []string{"", "a:b", "a b"} {
		if _, err := directory.New(name, directory.Config{Type: "local"}, directory.Deps{}); err == nil || !strings.Contains(err.Error(), "not a name") {
			t.Errorf("New(%q) = %v", name, err)
		}
	}
}
