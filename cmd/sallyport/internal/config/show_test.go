package config_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestShowMasksSecretsAndCanBeReadBack(t *testing.T) {
	c, faults := parse(valid)
	if faults != nil {
		t.Fatal(faults)
	}
	var toml, json strings.Builder
	if err := errors.Join(c.WriteTOML(&toml), c.WriteJSON(&json)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{toml.String(), json.String()} {
		if strings.Contains(text, "canary") || !strings.Contains(text, "*****") || !strings.Contains(text, "2m0s") {
			t.Errorf("shown is\n%s", text)
		}
	}
	// The masks are no secrets; nothing else may be wrong with what is shown.
	_, faults = parse(toml.String())
	for _, fault := range faults {
		if !regexp.MustCompile(`(secret|master_key|users): `).MatchString(fault) {
			t.Error(fault)
		}
	}
}

// What is shown is in effect, also where a part has the default, or where nothing was set on purpose.
func TestShowTellsTheDefaultsOfTheParts(t *testing.T) {
	show := func(text string) string {
		t.Helper()
		c, faults := parse(text)
		if faults != nil {
			t.Fatal(faults)
		}
		var shown strings.Builder
		if err := c.WriteTOML(&shown); err != nil {
			t.Fatal(err)
		}
		return shown.String()
	}
	ldap := regexp.MustCompile(`(?m)^type = "local"\nusers = .*$`).ReplaceAllString(valid,
		"type = \"ldap\"\nurls = [\"ldaps://dc1.corp.example\"]\nbase_dn = \"dc=corp,dc=example\"\nbind_dn = \"cn=sallyport\"\nbind_password = \""+canary+"\"")
	shown := show(strings.Replace(ldap, `issuer = "Corp"`, "", 1))
	for _, want := range []string{
		`search_filter = '(uid={username})'`, `timeout = '3s'`, `max_connections = 64`, `entry_cache = '1m0s'`, `id_attribute = 'auto'`,
		`mail_attribute = 'mail'`, `phone_attribute = 'mobile'`, `group_attribute = 'memberOf'`, `group_base_dn = 'dc=corp,dc=example'`,
		`starttls = false`, `issuer = 'Sallyport'`, `proxy_state_limit = 0`, `listen = '127.0.0.1:9812'`,
	} {
		if !strings.Contains(shown, want+"\n") {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
	shown = show(strings.Replace(ldap, `type = "ldap"`, "type = \"ldap\"\nentry_cache = \"0s\"", 1) + "[status]\nlisten = \"\"\n")
	for _, want := range []string{`entry_cache = '0s'`, "[status]\nlisten = ''"} {
		if !strings.Contains(shown, want+"\n") {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
	if shown = show(valid); strings.Contains(shown, "search_filter") || strings.Contains(shown, "starttls") {
		t.Errorf("a local directory is shown with keys of LDAP:\n%s", shown)
	}
}

// Attributes that are hidden on the wire are not shown either; which ones are, the dictionary says.
func TestShowMasksRepliesThatAreHiddenOnTheWire(t *testing.T) {
	c, faults := parse(valid + "[[client.reply]]\n[client.reply.attributes]\n" +
		"\"tunnel-password:1\" = [\"" + canary + "\", \"other-" + canary + "\"]\nFilter-Id = \"staff\"\nSession-Timeout = \"3600\"\n")
	if faults != nil {
		t.Fatal(faults)
	}
	var toml, json strings.Builder
	if err := errors.Join(c.WriteTOML(&toml), c.WriteJSON(&json)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{toml.String(), json.String()} {
		if strings.Contains(text, canary) || !strings.Contains(text, "staff") || !strings.Contains(text, "3600") {
			t.Errorf("shown is\n%s", text)
		}
	}
	if got := c.Clients[0].Reply[0].Attributes["tunnel-password:1"]; len(got) != 2 || got[0] != canary {
		t.Errorf("showing changed the configuration: %q", got)
	}
}
