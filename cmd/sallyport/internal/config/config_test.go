package config_test

import (
	"errors"
	"strings"
	"testing"

	"sallyport/cmd/sallyport/internal/config"
)

// canary is a secret that no message may show.
const canary = "canary-secret-of-24-octets"

// masterKey is a well-formed one.
const masterKey = "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ="

// hash is well-formed, and fits no password.
const hash = "$argon2id$v=19$m=19456,t=2,p=1$Y2FuYXJ5LXNhbHQtMTZvYw$Y2FuYXJ5LWtleS1vZi0zMi1vY3RldHMtaW4taGFzaCE"

// valid is a small configuration that is right; tests replace lines of it.
const valid = `[node]
name = "node1"
master_key = "` + masterKey + `"

[[client]]
name = "vpn"
address = "192.0.2.7"
secret = "` + canary + `"
policy = "staff"

[directory.corp]
type = "local"
users = [{id = "1", name = "alice", password_hash = "` + hash + `"}]

[policy.staff]
directory = "corp"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Corp"
`

// parse checks a configuration that is given as text.
func parse(text string) (*config.Config, []string) {
	c, err := config.Parse("test.toml", []byte(text))
	if err == nil {
		return c, nil
	}
	return nil, strings.Split(err.Error(), "\n")
}

func TestValidConfigurationGetsDefaults(t *testing.T) {
	c, faults := parse(valid)
	if faults != nil {
		t.Fatal(faults)
	}
	if got := c.Radius.Listen; len(got) != 1 || got[0] != "0.0.0.0:1812" {
		t.Errorf("radius.listen = %v", got)
	}
	client := c.Clients[0]
	if client.MessageAuthenticator != "auto" || client.Mode != "challenge" || client.OnOutage != "silent" {
		t.Errorf("client defaults are %+v", client)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name, old, new string
		want           []string
	}{
		{
			"misspelt key", `secret = `, `secert = `,
			[]string{
				`test.toml:5:3: client[0].secret: missing: give secret_file, or secret`,
				`test.toml:8:1: client[0].secert: unknown key (did you mean "secret"?)`,
			},
		},
		{
			"misspelt table", `[factors.totp]`, `[factors.totq]`,
			[]string{
				`test.toml:17:1: policy.staff.factors: "totp" is not configured: add [factors.totp]`,
				`test.toml:20:10: factors.totq: unknown key (did you mean "totp"?)`,
			},
		},
		{
			"key of a later version", `[factors.totp]`, "[portal]\nlisten = \"192.0.2.1:8443\"\n[factors.totp]",
			[]string{`test.toml:20:2: portal: unknown key: not in this version of Sallyport`},
		},
		{
			"syntax", `name = "vpn"`, `name = "vpn`,
			[]string{`test.toml:6:12: basic strings cannot have new lines`},
		},
		{
			"wrong types", `name = "node1"`, "name = 1\ndata_dir = [\"a\"]",
			[]string{
				`test.toml:2:1: node.name: must be a text in quotes, not this number`,
				`test.toml:3:1: node.data_dir: must be a text in quotes, not an array`,
			},
		},
		{
			"duration without a unit", `[factors.totp]`, "[login]\nchallenge_life = 120\n[factors.totp]",
			[]string{`test.toml:21:1: login.challenge_life: must be a duration in quotes, such as "90s" or "2m30s"`},
		},
		{
			"duration that is negative", `[factors.totp]`, "[login]\nchallenge_life = \"-1s\"\n[factors.totp]",
			[]string{`test.toml:21:1: login.challenge_life: must not be negative`},
		},
		{
			"short secret", canary + "\"\n", "short\"\n",
			[]string{`test.toml:8:1: client[0].secret: the shared secret has 5 octets: use at least 16, better 24`},
		},
		{
			"unreadable secret file", `secret = "` + canary + "\"\n", "secret_file = \"/nonexistent/vpn\"\n",
			[]string{`test.toml:8:1: client[0].secret_file: /nonexistent/vpn: no such file or directory`},
		},
		{
			"secret given twice", `name = "vpn"`, "name = \"vpn\"\nsecret_file = \"/nonexistent/vpn\"",
			[]string{`test.toml:7:1: client[0].secret_file: secret is given as well: remove one of the two`},
		},
		{
			"credential outside a service", `secret = "` + canary + "\"\n", "secret = \"cred:vpn\"\n",
			[]string{`test.toml:8:1: client[0].secret: names a systemd credential, but there are none here (CREDENTIALS_DIRECTORY is not set)`},
		},
		{
			"address that is none", `"192.0.2.7"`, `["192.0.2.0/24", "vpn.example"]`,
			[]string{`test.toml:7:1: client[0].address: "vpn.example" is not an IP address or network`},
		},
		{
			"R14: a zone", `192.0.2.7`, `fe80::1%eth0`,
			[]string{`test.toml:7:1: client[0].address: "fe80::1%eth0" has a zone, which cannot be told of a client: write "fe80::1", which is that address on every interface, and bind the server to one interface by listen`},
		},
		{
			"host bits", `192.0.2.7`, `192.0.2.7/24`,
			[]string{`test.toml:7:1: client[0].address: "192.0.2.7/24" has bits beyond its prefix length: 192.0.2.0/24 is the network`},
		},
		{
			"unknown mode", `policy = "staff"`, "policy = \"staff\"\nmode = \"appended\"",
			[]string{`test.toml:10:1: client[0].mode: must be "challenge", "append" or "otp-only"`},
		},
		{
			"form of a mode that is not chosen", `policy = "staff"`, "policy = \"staff\"\nappend_digits = 5",
			[]string{
				`test.toml:10:1: client[0].append_digits: must be 6 to 8: the length of the code behind the password`,
				`test.toml:10:1: client[0].append_digits: has a meaning only with append = "digits"`,
			},
		},
		{
			"no language", `policy = "staff"`, "policy = \"staff\"\nlanguage = \"français\"",
			[]string{`test.toml:10:1: client[0].language: is not a language tag, such as "en" or "ar"`},
		},
		{
			"reply attributes", `[directory.corp]`, "[[client.reply]]\ngroups = \"\"\n" +
				"attributes = {\"Filter-Idd\" = \"x\", \"Framed-IP-Address\" = \"here\", \"State\" = \"x\"}\n[directory.corp]",
			[]string{
				`test.toml:12:1: client[0].reply[0].groups: a group without a name`,
				`test.toml:13:1: client[0].reply[0].attributes: attribute "Filter-Idd": no dictionary has this attribute: check its spelling, or add the vendor's file to [radius] dictionaries`,
				`test.toml:13:1: client[0].reply[0].attributes: attribute "Framed-IP-Address": value "here": want an IPv4 address such as 192.0.2.1`,
				`test.toml:13:1: client[0].reply[0].attributes: attribute "State": cannot be given with a reply: the server itself decides what stands in it`,
			},
		},
		{
			"no dictionary", `[factors.totp]`, "[radius]\ndictionaries = \"/nonexistent/dictionary\"\n[factors.totp]",
			[]string{`test.toml:21:1: radius.dictionaries: /nonexistent/dictionary: no such file or directory`},
		},
		{
			"unknown policy", `policy = "staff"`, `policy = "stuff"`,
			[]string{`test.toml:9:1: client[0].policy: there is no [policy.stuff]`},
		},
		{
			"no registration", `registration = "first-login"`, ``,
			[]string{`test.toml:15:9: policy.staff.registration: missing: say how people first register, "first-login", "directory", "invited", "window" or "closed"; "first-login" lets whoever knows the password, "closed" nobody`},
		},
		{
			"another way to register", `"first-login"`, `"always"`,
			[]string{`test.toml:18:1: policy.staff.registration: must be "first-login", "directory", "invited", "window" or "closed"`},
		},
		{
			"no address to find in the directory", `"first-login"`, `"directory"`,
			[]string{`test.toml:18:1: policy.staff.registration: "directory" registers the mail address or telephone number that the directory holds: add "email" or "sms" to factors, or choose another way`},
		},
		{
			"unknown factor", `["totp"]`, `["totp", "hotp"]`,
			[]string{`test.toml:17:1: policy.staff.factors: there is no factor "hotp": use "totp", "email", "sms" or "securid"`},
		},
		{
			"no factor", `["totp"]`, `[]`,
			[]string{`test.toml:17:1: policy.staff.factors: missing: name at least one second factor, such as ["totp"]`},
		},
		{
			"unknown directory", `directory = "corp"`, `directory = "crop"`,
			[]string{`test.toml:16:1: policy.staff.directory: there is no [directory.crop]`},
		},
		{
			"name to listen on", `[factors.totp]`, "[radius]\nlisten = \"localhost:1812\"\n[factors.totp]",
			[]string{`test.toml:21:1: radius.listen: "localhost:1812" is not an IP address with a port, such as "0.0.0.0:1812" or "[::]:1812"`},
		},
		{
			"port to listen on", `[factors.totp]`, "[radius]\nlisten = \":1812\"\n[factors.totp]",
			[]string{`test.toml:21:1: radius.listen: ":1812" is not an IP address with a port, such as "0.0.0.0:1812" or "[::]:1812"`},
		},
		{
			"IPv4 in IPv6 form to listen on", `[factors.totp]`, "[radius]\nlisten = \"[::ffff:127.0.0.1]:1812\"\n[factors.totp]",
			[]string{`test.toml:21:1: radius.listen: "[::ffff:127.0.0.1]:1812" is an IPv4 address in IPv6 form: write "127.0.0.1:1812"`},
		},
		{
			"accounting where logins are", `[factors.totp]`, "[radius]\nlisten = \"0.0.0.0:1813\"\naccounting_listen = \"127.0.0.1:1813\"\n[factors.totp]",
			[]string{`test.toml:22:1: radius.accounting_listen: "127.0.0.1:1813" and "0.0.0.0:1813" of listen would take the same packets`},
		},
		{
			"too few events", `[factors.totp]`, "[audit]\nmax_age = \"59m\"\nmax_mib = 15\n[factors.totp]",
			[]string{`test.toml:21:1: audit.max_age: must be at least 1h0m0s`, `test.toml:22:1: audit.max_mib: must be at least 16`},
		},
		{
			"an address twice, in two forms", `"192.0.2.7"`, `["192.0.2.0/24", "::ffff:192.0.2.0/120"]`,
			[]string{`test.toml:7:1: client[0].address: client "vpn" has 192.0.2.0/24 already`},
		},
		{
			"no vendor", `[factors.totp]`, "[radius]\nvendor_id = 0\n[factors.totp]",
			[]string{`test.toml:21:1: radius.vendor_id: must be at least 1`},
		},
		{
			"status port by name", `[factors.totp]`, "[status]\nlisten = \"localhost:9812\"\n[factors.totp]",
			[]string{`test.toml:21:1: status.listen: "localhost:9812" is not an IP address with a port, such as "127.0.0.1:9812"`},
		},
		{
			"socket with a long path", `[factors.totp]`, "[admin]\nsocket = \"/" + strings.Repeat("s", 107) + "\"\n[factors.totp]",
			[]string{`test.toml:21:1: admin.socket: the path of a Unix socket has at most 107 octets, and /` + strings.Repeat("s", 107) + ` has 108`},
		},
		{
			"group rules", `[factors.totp]`, "[[policy.staff.group]]\nfactors = [\"pigeon\"]\n" +
				"[[policy.staff.group]]\ngroups = \"guests\"\ndeny = true\nregistration = \"closed\"\n" +
				"[[policy.staff.group]]\ngroups = \"admins\"\n[factors.totp]",
			[]string{
				`test.toml:20:16: policy.staff.group[0].groups: missing: name the groups that the rule is for, such as ["vpn-admins"]`,
				`test.toml:21:1: policy.staff.group[0].factors: there is no factor "pigeon": use "totp", "email", "sms" or "securid"`,
				`test.toml:24:1: policy.staff.group[1].deny: refuses the members: remove factors and registration, or deny`,
				`test.toml:26:16: policy.staff.group[2]: says nothing: give deny, factors or registration`,
			},
		},
		{
			"exemptions", `[factors.totp]`, "[[policy.staff.exempt]]\nusers = \"backup\"\nclients = \"vnp\"\nuntil = \"soon\"\n" +
				"[[policy.staff.exempt]]\nrule = \"a\"\nreason = \"a script\"\nuntil = 2001-01-01T00:00:00\n[factors.totp]",
			[]string{
				`test.toml:20:16: policy.staff.exempt[0].reason: missing: say why no second factor is asked for`,
				`test.toml:20:16: policy.staff.exempt[0].rule: missing: give it a name; it stands in the audit`,
				`test.toml:22:1: policy.staff.exempt[0].clients: there is no [[client]] with the name "vnp"`,
				`test.toml:23:1: policy.staff.exempt[0].until: must be a date, such as 2027-01-31, or a time with its zone, such as 2027-01-31T18:00:00Z`,
				`test.toml:24:16: policy.staff.exempt[1]: exempts nobody: name users or groups`,
				`test.toml:27:1: policy.staff.exempt[1].until: must be a date, such as 2027-01-31, or a time with its zone, such as 2027-01-31T18:00:00Z`,
			},
		},
		{
			"no passwords", `[factors.totp]`, "[login]\npassword_tries = 0\npassword_tries_every = \"0s\"\nsent_life = \"1s\"\n[factors.totp]",
			[]string{
				`test.toml:21:1: login.password_tries: must be at least 1`,
				`test.toml:22:1: login.password_tries_every: must be between 1s and 24h`,
				`test.toml:23:1: login.sent_life: must be between 10s and 1h`,
			},
		},
		{
			"issuer with a colon", `"Corp"`, `"Corp: VPN"`,
			[]string{`test.toml:21:1: factors.totp.issuer: must not hold a colon, a percent sign or control characters: apps split the label there`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(valid, test.old, test.new, 1)
			if text == valid {
				t.Fatal("the test changes nothing")
			}
			_, faults := parse(text)
			got, want := strings.Join(faults, "\n"), strings.Join(test.want, "\n")
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, canary) {
				t.Error("a message shows a secret")
			}
		})
	}
}

// Wherever a line breaks, no message may show what stands in it: it may be a secret.
func TestSyntaxFaultsShowNoSecret(t *testing.T) {
	for _, line := range []string{
		`secret = ` + canary, `secret = "` + canary, `secret = '` + canary, `secret "` + canary + `"`,
		`secret = "\q` + canary + `"`, `secret = 0` + canary, `"` + canary + `" = `, canary,
		`secret = ["` + canary + `"`, `secret = {` + canary, `secret = "` + canary + `" "x"`,
		"secret = \"" + canary + "\xff\"", `secret = 1979-` + canary, `[` + canary, `secret = t` + canary,
	} {
		_, faults := parse("[[client]]\n" + line + "\n")
		if len(faults) == 0 {
			t.Errorf("%q is accepted", line)
		}
		if all := strings.Join(faults, "\n"); strings.Contains(all, "canary") || strings.Contains(all, "octets\"") {
			t.Errorf("%q: %s", line, all)
		}
	}
}

func TestStatusPortThatOthersReachIsWarnedOf(t *testing.T) {
	for listen, warned := range map[string]bool{
		"127.0.0.1:9812": false, "[::1]:9812": false, "[::ffff:127.0.0.1]:9812": false, "": false,
		"0.0.0.0:9812": true, "[::]:9812": true, "192.0.2.1:9812": true,
	} {
		c, faults := parse(valid + "[status]\nlisten = \"" + listen + "\"\n")
		if faults != nil {
			t.Fatal(faults)
		}
		if got := strings.HasPrefix(c.Warnings.Error(), "test.toml:23:1: status.listen: "); got != warned {
			t.Errorf("%q: warnings are %q", listen, c.Warnings)
		}
	}
}

func TestCapacityFollowsThePeakRate(t *testing.T) {
	c, faults := parse(valid + "\n[login]\npeak_rate = 100\nchallenge_life = \"60s\"\n")
	if faults != nil {
		t.Fatal(faults)
	}
	if got, want := c.Limits().Capacity, uint64(100*(60+40)+10*(600+40)); got != want {
		t.Errorf("capacity is %d, want %d", got, want)
	}
}

// Accounting follows logins unless the file says where it is, or that there is none.
func TestAccountingIsAtTheNextPortUnlessTheFileSaysMore(t *testing.T) {
	for text, want := range map[string]struct {
		listen   string
		optional bool
	}{
		"": {"0.0.0.0:1813", true},
		"listen = [\"192.0.2.1:1812\", \"[::1]:1645\"]":                        {"192.0.2.1:1813 [::1]:1646", true},
		"listen = \"192.0.2.1:1812\"\naccounting_listen = \"192.0.2.1:11813\"": {"192.0.2.1:11813", false},
		"accounting_listen = []":                                               {"", false},
	} {
		c, faults := parse(valid + "\n[radius]\n" + text + "\n")
		if faults != nil {
			t.Fatal(faults)
		}
		a := c.Accounting()
		if got := strings.Join(a.Listen, " "); got != want.listen || a.Optional != want.optional {
			t.Errorf("%q: %q, optional %v", text, got, a.Optional)
		}
		var shown strings.Builder
		if err := c.WriteTOML(&shown); err != nil {
			t.Fatal(err)
		}
		again, faults := parse(shown.String())
		if want.listen == "" && (!strings.Contains(shown.String(), "accounting_listen = []\n") || again != nil && len(again.Accounting().Listen) > 0) {
			t.Errorf("%v: none is shown as\n%s", faults, shown.String())
		}
	}
	a, _ := parse(valid)
	b, faults := parse(valid + "\n[radius]\naccounting_listen = []\n[audit]\nmax_mib = 100\n")
	if faults != nil {
		t.Fatal(faults)
	}
	if got := strings.Join(config.NeedRestart(a, b), " "); got != "audit.max_mib radius.accounting_listen" {
		t.Errorf("a restart is needed for %q", got)
	}
}

func TestWhatNeedsARestartIsNamed(t *testing.T) {
	a, _ := parse(valid)
	b, faults := parse(strings.Replace(valid, `"node1"`, `"node2"`, 1) + "\n[radius]\nlisten = \"127.0.0.1:1812\"\n[log]\nlevel = \"debug\"\n")
	if faults != nil {
		t.Fatal(faults)
	}
	if got := strings.Join(config.NeedRestart(a, b), " "); got != "node.name radius.listen" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte("a.b.c = {d = [{e = 1}]}\n[[x.y]]\n[x.y.z]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse("f", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("neither a configuration nor an error, or both: %v", err)
		}
		var faults config.Faults
		if err != nil && (!errors.As(err, &faults) || len(faults) == 0) {
			t.Fatalf("an error without a fault: %v", err)
		}
	})
}
