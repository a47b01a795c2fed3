package config

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sallyport/login"
)

// shownSettings are the texts of a configuration in which no secret stands, as far as the rules of each say. A new
// setting is added here, or its field gets the type [login.Secret] or the tag hides.
var shownSettings = strings.Fields(`
node.name node.data_dir node.master_key_file cluster.listen cluster.advertise cluster.profile radius.listen[] radius.dictionaries[]
client[].name client[].address[] client[].secret_file client[].message_authenticator client[].mode client[].append client[].policy
client[].on_outage client[].charset client[].prompts client[].language client[].profile client[].reply[].groups[]
client[].reply[].attributes.*[]
directory.*.type directory.*.users_file directory.*.users[].id directory.*.users[].name directory.*.users[].mail
directory.*.users[].phone directory.*.users[].groups[] directory.*.ca_file directory.*.server_name directory.*.base_dn
directory.*.bind_dn directory.*.bind_password_file directory.*.search_filter directory.*.bind_template directory.*.domains[]
directory.*.id_attribute directory.*.user_attribute directory.*.mail_attribute directory.*.phone_attribute
directory.*.group_attribute directory.*.group_filter directory.*.group_base_dn
policy.*.directory policy.*.factors[] policy.*.registration policy.*.group[].groups[] policy.*.group[].factors[]
policy.*.group[].registration policy.*.exempt[].rule policy.*.exempt[].users[] policy.*.exempt[].groups[]
policy.*.exempt[].clients[] policy.*.exempt[].reason
factors.totp.issuer
factors.email.from factors.email.username factors.email.password_file factors.email.auth factors.email.ca_file
factors.email.server_name factors.email.helo factors.email.language factors.email.templates factors.email.brand
factors.email.allowed_domains[]
factors.sms.preset factors.sms.method factors.sms.content_type factors.sms.success_body factors.sms.success_json[]
factors.sms.queued_body factors.sms.retry_body factors.sms.retry_json[] factors.sms.id_json factors.sms.id_body
factors.sms.reason_json factors.sms.reason_body factors.sms.account factors.sms.username factors.sms.password_file
factors.sms.from factors.sms.ca_file factors.sms.proxy_file factors.sms.default_region factors.sms.allowed_countries[]
factors.sms.language factors.sms.brand factors.sms.templates factors.sms.autofill_domain
factors.securid.secret_file factors.securid.message_authenticator factors.securid.nas_identifier factors.securid.nas_address
factors.securid.pass_attributes[] factors.securid.forms[] factors.securid.username factors.securid.domain_strip[]
radius.accounting_listen[] factors.securid.reusable_forms[]
status.listen status.hosts[] snapshot.recipients[] admin.socket log.format log.level`)

// textSettings calls each for every text that a configuration may hold, with what sets it in a configuration.
func textSettings(v reflect.Value, path, how string, each func(path, how string, v reflect.Value)) {
	t := v.Type()
	if t == reflect.TypeFor[login.Secret]() {
		each(path, "secret", v)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct {
			v.Set(reflect.New(t.Elem()))
			textSettings(v.Elem(), path, how, each)
		}
	case reflect.Struct:
		for key, i := range fieldsOf(t) {
			textSettings(v.FieldByIndex(i), join(path, key), t.FieldByIndex(i).Tag.Get(hides), each)
		}
	case reflect.Map:
		entry := reflect.New(t.Elem()).Elem()
		textSettings(entry, path+".*", how, each)
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(reflect.ValueOf("Any-Name"), entry)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		textSettings(v.Index(0), path+"[]", how, each)
	case reflect.String:
		each(path, how, v)
	}
}

// Whoever adds a setting says whether it may hold a secret.
func TestS17EverySettingIsShownOrHidden(t *testing.T) {
	var c Config
	textSettings(reflect.ValueOf(&c).Elem(), "", "", func(path, how string, _ reflect.Value) {
		if known := slices.Contains(shownSettings, path) || strings.HasPrefix(path, "factors.securid.steps."); known == (how != "") {
			t.Errorf("%s: in the list of what is shown: %v; hidden by %q", path, known, how)
		}
	})
}

// marker is a text that stands nowhere by chance.
func marker(random *rand.Rand) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
	var b strings.Builder
	for range 8 + random.IntN(30) {
		b.WriteByte(letters[random.IntN(len(letters))])
	}
	return b.String()
}

// secretForms are where a secret may stand in a setting that hides it. %s is the secret.
var secretForms = map[string][]string{
	"secret":   {"%s", " %s", "%s\t", "%s with \"quotes\" & <signs>"},
	"query":    {"apikey=%s", "%s", "%s==", "to={{.To}}&key=%s&text={{.Text}}", "a=b&%s&c", "%s={{.To}}&x", "key={{.To}}%s"},
	"template": {"%s", "Bearer %s", "{{.From}}%s", `{"key":"%s","to":"{{.To}}"}`, "<k>%s</k>", "key=%s&text={{.Text}}", "{{.Oops}}%s{{"},
	"url": {
		"https://gw.corp.test/%s", "https://gw.corp.test/v1/%s/send", "https://user:%s@gw.corp.test/x", "https://%s@gw.corp.test",
		"https://%s:x@gw.corp.test", "https://gw.corp.test/?key=%s", "https://gw.corp.test/a?%s", "https://gw.corp.test/a#%s",
		"http://user:%s@gw.corp.test:99999", "smtp://login:%s@mail.corp.test:587", "smtp://mail.corp.test/%s", "ldaps://cn=x:%s@dc1.corp.test",
		"ldap://dc1.corp.test/%s", "ldap://dc1.corp.test/??sub?%s", "user:%s@gw.corp.test", "https://u:a/%s@gw.corp.test", "https://u:a#%s@gw.corp.test",
		"https://u:a?%s@gw.corp.test", "://%s", "gw.corp.test/%s", "ftp://user:%s@gw", "https://gw.corp.test/%s{{.Oops}}", "https://gw.corp.test/%%zz%s",
		"http://user:%s@", "https:\\\\%s", "https://gw.corp.test/a b/%s\x00",
	},
}

// whole is a configuration with every table; seeds change one text of it.
const whole = `[node]
name = "node1"
master_key = "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ="
[[client]]
name = "vpn"
address = "10.1.2.3"
secret = "x4Fh2kP0qLw8ZrT6vB1nM9cD"
policy = "staff"
[directory.corp]
type = "ldap"
urls = ["ldaps://dc1.corp.test"]
base_dn = "dc=corp,dc=test"
bind_dn = "cn=sallyport"
bind_password = "fj39fjPPs8"
[policy.staff]
directory = "corp"
factors = ["totp", "email", "sms", "securid"]
registration = "directory"
[factors.totp]
[factors.email]
servers = ["smtp://mail.corp.test"]
from = "Login <login@corp.test>"
username = "login"
password = "Tt5pswTyq9"
[factors.sms]
url = ["https://gw.corp.test/send"]
query = "to={{.To}}&text={{.Text}}&password={{.Password}}"
password = "uui8sPPqw2"
from = "Corp"
allowed_countries = ["PK"]
[factors.securid]
servers = ["10.1.2.9:1812"]
secret = "ppO3x9Fh2kP0qLw8ZrT6vB1n"
`

// planted returns the configuration with a text in the place of a setting, and whether the setting is there.
func planted(path, text string) (string, bool) {
	key, name := path, ""
	if i := strings.LastIndex(strings.TrimSuffix(path, ".*"), "."); i >= 0 {
		key, name = path[:i], strings.TrimSuffix(path, ".*")[i+1:]
	}
	table := map[string]string{
		"client[]": "[[client]]", "directory.*": "[directory.corp]", "directory.*.users[]": "", "client[].reply[].attributes": "",
	}[key]
	if table == "" {
		table = "[" + key + "]"
	}
	list := strings.HasSuffix(name, "[]")
	name = strings.TrimSuffix(name, "[]")
	value := fmt.Sprintf("%q", text)
	value = strings.ReplaceAll(value, `\x00`, `\u0000`)
	switch {
	case list:
		value = "[" + value + "]"
	case strings.HasSuffix(path, ".*"):
		value = "{ X-Any = " + value + " }"
	}
	before, after, found := strings.Cut(whole, table+"\n")
	if !found {
		return "", false
	}
	rest, more, follows := strings.Cut(after, "\n[")
	var lines []string
	for _, line := range strings.Split(rest, "\n") {
		if !strings.HasPrefix(line, name+" = ") {
			lines = append(lines, line)
		}
	}
	return before + table + "\n" + name + " = " + value + "\n" + strings.Join(lines, "\n") + strings.Repeat("\n[", btoi(follows)) + more, true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A secret is planted wherever one may stand, and is found in nothing that is said or shown of the configuration.
func TestS17NoSecretIsShownOrSaidProperty(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 2026))
	var shown, refused int
	check := func(path, form, secret, text string) {
		t.Helper()
		quoted := secret
		if !strings.Contains(path, "attributes") && strings.Contains(path, "secret") || strings.Contains(path, "password") || strings.Contains(form, "%%") {
			quoted = fmt.Sprintf(form, secret) // of a setting that is one secret all is quoted, or nothing
		}
		c, err := build([]source{{"test.toml", []byte(text)}}, files{folder: t.TempDir()})
		var said strings.Builder
		if err != nil {
			refused++
			said.WriteString(err.Error())
		} else {
			shown++
			if err := errors.Join(c.WriteTOML(&said), c.WriteJSON(&said)); err != nil {
				t.Fatal(err)
			}
			said.WriteString(c.Warnings.Error() + c.Placeholders.Error())
			said.WriteString(c.Redactor().Replace("asked " + quoted + " in vain"))
		}
		if at := strings.Index(said.String(), secret); at >= 0 {
			t.Errorf("%s, in the form %q: %q is seen in …%s…", path, form, secret, said.String()[max(at-100, 0):at+len(secret)])
		}
	}
	var c Config
	textSettings(reflect.ValueOf(&c).Elem(), "", "", func(path, how string, _ reflect.Value) {
		for _, form := range secretForms[how] {
			secret := marker(random)
			text, ok := planted(path, fmt.Sprintf(form, secret))
			if !ok {
				continue
			}
			check(path, form, secret, text)
			// Something else is wrong too, so that the part says more.
			check(path, form, secret, strings.Replace(text, `registration = "directory"`, `registration = "dir"`, 1))
		}
	})
	for _, attribute := range []string{"Tunnel-Password", "X-Shared-Secret", "Cisco-AVPair"} {
		secret := marker(random)
		value := secret
		if attribute == "Cisco-AVPair" {
			value = "psk=" + secret
		}
		check(attribute, "%s", secret, strings.Replace(whole, "[directory.corp]", "[[client.reply]]\nattributes = { \""+attribute+"\" = \""+value+"\" }\n[directory.corp]", 1))
	}
	hash := marker(random)
	check("directory.local.users[].password_hash", "%s", hash, whole+"[directory.local]\ntype = \"local\"\nusers = [{id = \"1\", name = \"a\", password_hash = \""+hash+"\"}]\n")
	secret := marker(random)
	check("factors.email.username", "%s", secret, strings.NewReplacer(`username = "login"`, `username = "`+secret+`"`, "Tt5pswTyq9", secret).Replace(whole))
	if shown < 15 || refused < 100 {
		t.Errorf("%d were shown and %d refused: the texts are not tried as they should be", shown, refused)
	}
}

func TestS17WhatIsShownOfTextsWithSecrets(t *testing.T) {
	for _, test := range [][3]string{
		{"url", "https://gw.corp.test:8443/cgi/KEY/send?user=a&key=b#c", "https://gw.corp.test:8443/*****/*****/*****?user=*****&key=*****#*****"},
		{"url", "https://user:pw@gw.corp.test/", "https://*****@gw.corp.test/"},
		{"url", "https://{{.Account}}.gw.corp.test/2010/{{.Account}}.json", "https://{{.Account}}.gw.corp.test/*****/{{.Account}}*****"},
		{"url", "smtp://mail.corp.test:587", "smtp://mail.corp.test:587"},
		{"url", "10.1.2.3:1812", "10.1.2.3:1812"},
		{"url", "[2001:db8::1]:1812", "[2001:db8::1]:1812"},
		{"url", "ldaps://dc1.corp.test", "ldaps://dc1.corp.test"},
		{"query", "to={{.To}}&key=abc&flag&c2VjcmV0==", "to={{.To}}&key=*****&*****&*****"},
		{"template", `{"to":"{{.To}}"}`, "*****{{.To}}*****"},
		{"template", "{{.Basic}}", "{{.Basic}}"},
	} {
		if got, _ := hidden(test[0], test[1]); got != test[2] {
			t.Errorf("%s %q is shown as %q, want %q", test[0], test[1], got, test[2])
		}
	}
}

// What a preset says is the program's own, and no secret.
func TestS17PresetsAreShownAsTheyAre(t *testing.T) {
	text := strings.Replace(whole, `url = ["https://gw.corp.test/send"]
query = "to={{.To}}&text={{.Text}}&password={{.Password}}"
`, "preset = \"twilio\"\naccount = \"AC1\"\nheaders = { X-Own = \"abcdefgh\" }\n", 1)
	c, err := Parse("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	if err := c.WriteTOML(&shown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"https://api.twilio.com/2010-04-01/Accounts/{{.Account}}/Messages.json", "Basic {{.Basic}}", "To={{.To}}", "X-Own = '*****'"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not in\n%s", want, shown.String())
		}
	}
}

func TestS17FilesThatOthersMayRead(t *testing.T) {
	group := 12345 // nobody's, and not ours
	if os.Getuid() != 0 {
		group = -1
	}
	withFiles := strings.NewReplacer(
		`master_key = "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ="`, `master_key_file = "master.key"`,
		`secret = "x4Fh2kP0qLw8ZrT6vB1nM9cD"`, `secret_file = "vpn"`, `secret = "ppO3x9Fh2kP0qLw8ZrT6vB1n"`, `secret_file = "vpn"`,
		`bind_password = "fj39fjPPs8"`, `bind_password_file = "bind"`, `password = "Tt5pswTyq9"`, `password_file = "smtp"`,
		`password = "uui8sPPqw2"`, `password_file = "sms"`, "https://gw.corp.test/send", "https://gw.corp.test",
	).Replace(whole)
	withFiles = strings.Replace(withFiles, "query = \"to={{.To}}&text={{.Text}}&password={{.Password}}\"\n", "query = \"{{.To}}&{{.Text}}&{{.Password}}\"\n", 1)
	for name, test := range map[string]struct {
		text, file string
		mode       os.FileMode
		group      bool
		// warns and refuses are what must be said, each "" for nothing.
		warns, refuses string
	}{
		"master key of everyone":            {text: withFiles, file: "master.key", mode: 0o644, refuses: "node.master_key_file: DIR/master.key can be read by everyone"},
		"master key that everyone writes":   {text: withFiles, file: "master.key", mode: 0o602, refuses: "node.master_key_file: DIR/master.key can be read by everyone"},
		"master key of a group":             {text: withFiles, file: "master.key", mode: 0o640, group: true, warns: "node.master_key_file: DIR/master.key can be read by the group 12345"},
		"shared secret of everyone":         {text: withFiles, file: "vpn", mode: 0o604, warns: "client[0].secret_file: DIR/vpn can be read by everyone"},
		"shared secret of a group":          {text: withFiles, file: "vpn", mode: 0o640, group: true, warns: "client[0].secret_file: DIR/vpn can be read by the group 12345"},
		"bind password of everyone":         {text: withFiles, file: "bind", mode: 0o644, warns: "directory.corp.bind_password_file: "},
		"password of mail of everyone":      {text: withFiles, file: "smtp", mode: 0o644, warns: "factors.email.password_file: "},
		"password of messages of everyone":  {text: withFiles, file: "sms", mode: 0o644, warns: "factors.sms.password_file: "},
		"configuration without secrets":     {text: withFiles, file: "sallyport.toml", mode: 0o644},
		"configuration with secrets":        {text: whole, file: "sallyport.toml", mode: 0o644, warns: "DIR/sallyport.toml: holds secrets"},
		"configuration of a group":          {text: whole, file: "sallyport.toml", mode: 0o640, group: true, warns: "DIR/sallyport.toml: holds secrets"},
		"configuration of our group":        {text: whole, file: "sallyport.toml", mode: 0o640},
		"configuration with a secret query": {text: strings.Replace(withFiles, "{{.Password}}", "{{.Password}}&p1=uuz8Px", 1), file: "sallyport.toml", mode: 0o644, warns: "DIR/sallyport.toml: holds secrets"},
		"secrets in another file":           {text: withFiles, file: "conf.d/a.toml", mode: 0o644, warns: "DIR/conf.d/a.toml: holds secrets"},
		"everything for the service":        {text: withFiles, file: "vpn", mode: 0o640},
	} {
		t.Run(name, func(t *testing.T) {
			if test.group && group < 0 {
				t.Log("as root only: a file of another group")
				return
			}
			dir := t.TempDir()
			write := func(file, content string) {
				t.Helper()
				path := filepath.Join(dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			write("sallyport.toml", test.text)
			write("master.key", "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ=\n")
			for _, file := range []string{"vpn", "bind", "smtp", "sms"} {
				write(file, "x4Fh2kP0qLw8ZrT6vB1nM9cD"+"\n")
			}
			if strings.HasPrefix(test.file, "conf.d") {
				write(test.file, "[[client]]\nname = \"b\"\naddress = \"10.9.9.9\"\nsecret = \"x4Fh2kP0qLw8ZrT6vB1nM9cD\"\npolicy = \"staff\"\n")
			}
			file := filepath.Join(dir, test.file)
			if test.group {
				if err := os.Chown(file, -1, group); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(file, test.mode); err != nil {
				t.Fatal(err)
			}
			for what, load := range map[string]func(string, string) (*Config, error){"check": Check, "serve": Load} {
				c, err := load(filepath.Join(dir, "sallyport.toml"), "")
				if test.refuses != "" {
					if want := strings.ReplaceAll(test.refuses, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %s", what, err, want)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				var about []string
				for _, w := range c.Warnings {
					if strings.Contains(w.Message, "can be read by") {
						about = append(about, w.String())
					}
				}
				got, want := strings.Join(about, "\n"), strings.ReplaceAll(test.warns, "DIR", dir)
				if (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("%s: warned of %q, want %q", what, got, want)
				}
			}
		})
	}
}

func TestS17SecretsThatCanBeGuessed(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 17))
	for _, trivial := range []string{
		strings.Repeat("a", 24), strings.Repeat("ab", 16), strings.Repeat("secret", 5), strings.Repeat("12345678", 4), "abcdefghijklmnopqrstuvwxyz",
		"zyxwvutsrqponmlkjihgfedcba", "qwertyuiopasdfghjklzxcvbnm", "1234567890123456789012345", "123456789012345678901234567890", "QWERTYUIOPASDFGHJKLZXCVBNM",
		"1qaz2wsx3edc4rfv5tgb6yhn", "q1w2e3r4t5y6u7i8o9p0", "passwordpassword", "P@ssw0rdP@ssw0rd", "radius-shared-secret", "sallyport-shared-secret", "THE-SHARED-SECRET",
		"vpnvpnvpnvpnvpnvpn", "vpn-secret-vpn-secret-vpn", "main-office-gw-secret", "MainOfficeGw12345678", "testing123testing123", "changeme-changeme-changeme",
		"aaaaaaaaaaaabbbbbbbbbbbb", "0000000000000000", "                        ", "sharedsecret1234", "azertyuiopqsdfghjklm", "aabbccddeeffgghhiijjkkll",
	} {
		c := checker{Config: &Config{}, places: map[string]place{}}
		c.trivial("secret", login.Secret(trivial), "main-office-gw", "vpn", "MainOfficeGw")
		if len(c.warnings) != 1 {
			t.Errorf("%q is not warned of (%d pieces)", trivial, pieces(trivial, []string{"vpn"}))
		}
	}
	for _, alphabet := range []string{"0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "abcdefghijklmnopqrstuvwxyz"} {
		for range 2000 {
			var b strings.Builder
			for range 24 {
				b.WriteByte(alphabet[random.IntN(len(alphabet))])
			}
			c := checker{Config: &Config{}, places: map[string]place{}}
			c.trivial("secret", login.Secret(b.String()), "vpn")
			if len(c.warnings) > 0 {
				t.Errorf("%q is warned of", b.String())
			}
		}
	}
	for _, good := range []string{"correct horse battery staple", "twenty-four-octets-of-it", "Kuh!Mond%fliegt22Balken"} {
		c := checker{Config: &Config{}, places: map[string]place{}}
		if c.trivial("secret", login.Secret(good), "vpn"); len(c.warnings) > 0 {
			t.Errorf("%q is warned of", good)
		}
	}
}

func TestS17NetworksOfEverybody(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0/0": "every address", "::/0": "every address", "::ffff:0:0/96": "every address", "0.0.0.0/1": "larger than", "128.0.0.0/1": "larger than",
		"10.0.0.0/8": "larger than", "172.16.0.0/12": "larger than", "2000::/3": "larger than", "fd00::/8": "larger than", "2001:db8::/32": "larger than",
		"10.1.0.0/16": "", "10.1.2.0/24": "", "10.1.2.3": "", "fd00:1:2::/48": "", "fd00:1:2:3::/64": "", "fd00::1": "",
	} {
		c, err := Parse("test.toml", []byte(strings.Replace(whole, "10.1.2.3", address, 1)))
		if err != nil {
			if want == "" || address != "::ffff:0:0/96" {
				t.Errorf("%s: %v", address, err)
			}
			continue // refused in this form
		}
		var got []string
		for _, w := range c.Warnings {
			if w.Key == "client[0].address" && !strings.Contains(w.Message, "is a network, and until") {
				got = append(got, w.Message)
			}
		}
		if (len(got) > 0) != (want != "") || want != "" && !strings.Contains(got[0], want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestC11PlaceholdersAreToldFromRealValues(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.5": "192.0.2.5", "192.0.2.0/24": "192.0.2.0", "192.0.2.21:1812": "192.0.2.21", "198.51.100.7": "198.51.100.7", "203.0.113.1": "203.0.113.1",
		"2001:db8::1": "2001:db8::1", "[2001:db8::1]:1812": "2001:db8::1", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "2001:db8:1::/48": "2001:db8:1::",
		"ldaps://dc1.corp.example": "dc1.corp.example", "ldaps://dc1.corp.example:636": "dc1.corp.example", "smtp://MAIL.EXAMPLE.ORG:587": "MAIL.EXAMPLE.ORG",
		"Corp login <login@corp.example>": "corp.example", "login@example.com": "example.com", "cn=sallyport,ou=services,dc=corp,dc=example": "cn=sallyport,ou=services,dc=corp,dc=example",
		"DC=corp,DC=example,DC=com": "DC=corp,DC=example,DC=com", "node1.corp.example:18300": "node1.corp.example", "{username}@corp.example": "corp.example",
		"AC00000000000000000000000000000000": "AC00000000000000000000000000000000", "https://192.0.2.9/x": "192.0.2.9",
		"10.0.0.1": "", "192.0.20.5": "", "1192.0.2.5.7": "", "dc1.corp.test": "", "examples.com": "", "myexample.com": "", "example.company.de": "", "corp.example.de": "",
		"example": "", "an example of it": "", "/etc/sallyport/secrets/vpn": "", "(sAMAccountName={username})": "", "node1": "", "2001:db80::1": "", "0.0.0.0:1812": "",
		"127.0.0.1:9812": "", "dc=corp,dc=test": "", "AC5ef8732a3c49700934481addd5ce1659": "", "smtp://mail.firm.example.net.de": "",
	} {
		if got, _ := placeholder(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestC11TheUntouchedExampleIsNotFinished(t *testing.T) {
	dir := t.TempDir()
	example, err := os.ReadFile("../../../../packaging/sallyport.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(example), "/etc/sallyport/", dir+"/")
	for name, content := range map[string]string{
		"sallyport.toml": text, "master.key": "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ=\n",
		"secrets/vpn": "x4Fh2kP0qLw8ZrT6vB1nM9cD\n", "secrets/ldap": "fj39fjPPs8\n",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Check(filepath.Join(dir, "sallyport.toml"), "")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range c.Placeholders {
		keys = append(keys, p.Key)
		if p.Line == 0 || !strings.Contains(p.Message, "is still the example's value") {
			t.Errorf("said is %s", p)
		}
	}
	slices.Sort(keys)
	want := []string{"client[0].address[0]", "directory.corp.base_dn", "directory.corp.bind_dn", "directory.corp.urls[0]", "directory.corp.urls[1]"}
	if !slices.Equal(keys, want) {
		t.Errorf("placeholders are %q, want %q", keys, want)
	}
	var real Config
	if real = Default(); len(real.placeholders(func(string) place { return place{} })) > 0 {
		t.Error("a default is taken for an example's value")
	}
}
