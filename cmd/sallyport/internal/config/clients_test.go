package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
	"sallyport/radius"
)

func TestClientsReachTheServerWhole(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml": strings.Replace(valid, "[directory.corp]", `mode = "append"
append = "digits"
append_digits = 8
language = "ar"
profile = "asa-sdi"
prompts = "utf-8"
[[client.reply]]
groups = "vpn-admins"
attributes = { "Acme-Role" = "admin", "Session-Timeout" = ["3600"] }
[radius]
dictionaries = "dictionary.acme"
[directory.corp]`, 1),
		"dictionary.acme": "VENDOR Acme 32472\nBEGIN-VENDOR Acme\nATTRIBUTE Acme-Role 1 string\nEND-VENDOR Acme\n",
	})
	c, err := config.Load(filepath.Join(dir, "sallyport.toml"), "")
	if err != nil {
		t.Fatal(err)
	}
	got := c.RadiusClients()[0]
	if got.Mode != login.ModeAppend || got.AppendDigits != 8 || got.Language != "ar" || got.Profile != login.ProfileASASDI ||
		got.Prompts != radius.PromptsUTF8 || len(got.Replies) != 1 {
		t.Errorf("got %+v", got)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

// The length of the code is that of digits alone: with a comma there is none.
func TestACommaNeedsNoLength(t *testing.T) {
	c, faults := parse(strings.Replace(valid, `name = "vpn"`, "name = \"vpn\"\nmode = \"append\"", 1))
	if faults != nil {
		t.Fatal(faults)
	}
	if got := c.RadiusClients()[0]; got.Mode != login.ModeAppend || got.AppendDigits != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestClientsOfOneAddress(t *testing.T) {
	second := "\n[[client]]\nname = \"other\"\nsecret = \"" + canary + "\"\npolicy = \"staff\"\naddress = "
	_, faults := parse(valid + second + `"192.0.2.7/32"`)
	if want := `test.toml:27:1: client[1].address: client "vpn" has 192.0.2.7/32 already`; len(faults) != 1 || faults[0] != want {
		t.Errorf("got %q, want %q", faults, want)
	}
	c, faults := parse(valid + second + "\"192.0.2.0/24\"\nmessage_authenticator = \"required\"")
	if faults != nil {
		t.Fatal(faults)
	}
	want := `test.toml:27:1: client[1].address: 192.0.2.0/24 and 192.0.2.7/32 of client "vpn" overlap: the longer prefix wins`
	if got := c.Warnings.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestS1AutoWithANetworkIsWarnedOf: until one address of it has signed, any of them may come without.
func TestS1AutoWithANetworkIsWarnedOf(t *testing.T) {
	for address, want := range map[string]string{
		`"192.0.2.0/24"`:                   `192.0.2.0/24`,
		`["192.0.2.1", "192.0.2.0/31"]`:    `192.0.2.0/31`,
		`"2001:db8::/127"`:                 `2001:db8::/127`,
		`"::ffff:192.0.2.0/120"`:           `192.0.2.0/24`,
		`"0.0.0.0/0"`:                      `0.0.0.0/0`,
		`"192.0.2.7/32"`:                   "",
		`["192.0.2.7", "2001:db8::1/128"]`: "",
		`"::ffff:192.0.2.7/128"`:           "",
		"\"192.0.2.0/24\"\nmessage_authenticator = \"required\"": "",
		"\"192.0.2.0/24\"\nmessage_authenticator = \"optional\"": "",
	} {
		c, faults := parse(strings.Replace(valid, `"192.0.2.7"`, address, 1))
		if faults != nil {
			t.Fatalf("%s: %v", address, faults)
		}
		var warned []string
		for _, w := range c.Warnings {
			if strings.Contains(w.String(), "client[0].address") && !strings.Contains(w.String(), "every address there is") {
				warned = append(warned, w.String())
			}
		}
		if want == "" && len(warned) > 0 || want != "" && (len(warned) != 1 || !strings.Contains(warned[0], ".address: "+want+" is a network") || !strings.Contains(warned[0], "required")) {
			t.Errorf("%s: warned of %q", address, warned)
		}
	}
}

func TestR13UserNamesOfReplies(t *testing.T) {
	for attributes, want := range map[string]string{
		`{ "User-Name" = "x" }`:                              "the same text for everybody",
		`{ "user-name" = "vpn-user" }`:                       "the same text for everybody",
		`{ "User-Name" = ["{username}", "x"] }`:              "the same text for everybody",
		`{ "User-Name" = ["{username}", "{username}"] }`:     "several times",
		`{ "User-Name" = "{username}" }`:                     "",
		`{ "User-Name" = "CORP\\{username}" }`:               "",
		`{ "Filter-Id" = "x", "Cisco-AVPair" = "y={name}" }`: "",
	} {
		attributes = strings.Replace(attributes, `"Cisco-AVPair"`, `"Class"`, 1)
		c, faults := parse(strings.Replace(valid, "[directory.corp]", "[[client.reply]]\nattributes = "+attributes+"\n[directory.corp]", 1))
		if faults != nil {
			t.Fatalf("%s: %v", attributes, faults)
		}
		if got := c.Warnings.Error(); (got == "") != (want == "") || !strings.Contains(got, want) || want != "" && !strings.Contains(got, "client[0].reply[0].attributes: ") {
			t.Errorf("%s: %q, want %q", attributes, got, want)
		}
	}
	_, faults := parse(strings.Replace(valid, "[directory.corp]", "[[client.reply]]\nattributes = { \"User-Name\" = \"{user}\" }\n[directory.corp]", 1))
	if len(faults) != 1 || !strings.Contains(faults[0], "only {username} is known") {
		t.Errorf("got %q", faults)
	}
}
