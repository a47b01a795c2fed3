package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
)

func TestPoliciesReachTheEngineWhole(t *testing.T) {
	c, faults := parse(strings.Replace(valid, "[factors.totp]", `conceal_password = true
one_rsa_message = true
[[policy.staff.group]]
groups = ["guests", "cn=temps,dc=corp,dc=example"]
deny = true
[[policy.staff.group]]
groups = "admins"
registration = "invited"
[[policy.staff.exempt]]
rule = "backup job"
users = "backup"
groups = "robots"
clients = "vpn"
reason = "no human is there"
until = 2030-01-31
[factors.totp]`, 1))
	if faults != nil {
		t.Fatal(faults)
	}
	p := c.LoginPolicies()["staff"]
	if !p.ConcealPassword || !p.OneRSAMessage || len(p.Groups) != 2 || !p.Groups[0].Deny || p.Groups[0].Groups[1] != "cn=temps,dc=corp,dc=example" ||
		p.Groups[1].Registration != login.RegistrationInvited {
		t.Errorf("got %+v", p)
	}
	if len(p.Exemptions) != 1 || p.Exemptions[0].Rule != "backup job" || p.Exemptions[0].Clients[0] != "vpn" ||
		!p.Exemptions[0].Until.Equal(time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", p.Exemptions)
	}
}

// A date lasts through its day, a time to its moment, and both are shown so that they can be read back.
func TestAnExemptionsEndIsShownAsItIsRead(t *testing.T) {
	exempt := "[[policy.staff.exempt]]\nrule = \"a\"\nusers = \"backup\"\nreason = \"a script\"\nuntil = "
	for until, want := range map[string]string{
		"2026-12-31":                "until = 2027-01-01T00:00:00Z",
		"2026-12-31T18:00:00+05:00": "until = 2026-12-31T18:00:00+05:00",
	} {
		c, faults := parse(valid + exempt + until + "\n")
		if faults != nil {
			t.Fatal(faults)
		}
		var shown strings.Builder
		if err := c.WriteTOML(&shown); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(shown.String(), want+"\n") {
			t.Errorf("%s is shown as\n%s", until, shown.String())
		}
	}
}

func TestPoliciesThatAreUnwiseAreWarnedOf(t *testing.T) {
	exempt := "[[policy.staff.exempt]]\nrule = \"a\"\nusers = \"backup\"\nreason = \"a script\"\nuntil = "
	for name, test := range map[string]struct{ text, want string }{
		"an exemption that has ended": {valid + exempt + "2001-01-01\n",
			"test.toml:26:1: policy.staff.exempt[0].until: has ended: remove the exemption, or renew it"},
		"an exemption without an end to speak of": {valid + exempt + "2999-01-01\n",
			"test.toml:26:1: policy.staff.exempt[0].until: is more than a year ahead: exemptions are to be looked at again"},
		"registration that a concealed password prevents": {strings.Replace(valid, "[factors.totp]", "conceal_password = true\n[factors.totp]", 1),
			`test.toml:20:1: policy.staff.conceal_password: nobody registers over RADIUS while it is concealed whether the password was right: say registration = "closed", and enrol people with "sallyport user enrol"`},
	} {
		c, faults := parse(test.text)
		if faults != nil {
			t.Errorf("%s: %v", name, faults)
			continue
		}
		if got := c.Warnings.Error(); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// Whoever could have a token is asked for a passcode, so nobody comes to register.
func TestTokensBesideARegistrationAreWarnedOf(t *testing.T) {
	const group = "[[policy.staff.group]]\ngroups = \"admins\"\n"
	for name, test := range map[string]struct {
		from, to, group string
		want            string
	}{
		"in the policy":              {want: "policy.staff.factors"},
		"and in a rule for the same": {group: `registration = "invited"`, want: "policy.staff.factors"},
		"and in a rule of others":    {group: `factors = ["totp", "securid"]` + "\nregistration = \"invited\"", want: "policy.staff.factors policy.staff.group[0].factors"},
		"but nobody registers":       {from: `"directory"`, to: `"closed"`},
		"but in a rule they do":      {from: `"directory"`, to: `"closed"`, group: `registration = "invited"`, want: "policy.staff.group[0].factors"},
		"tokens in a rule":           {from: `"sms", "securid"`, to: `"sms"`, group: `factors = "securid"`},
	} {
		text := all()
		if test.from != "" {
			text = strings.Replace(text, test.from, test.to, 1)
		}
		if test.group != "" {
			text += group + test.group + "\n"
		}
		c, faults := parse(text)
		if faults != nil {
			t.Errorf("%s: %v", name, faults)
			continue
		}
		var keys []string
		for _, w := range c.Warnings {
			keys = append(keys, w.Key)
		}
		if got := strings.Join(keys, " "); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// In mode otp-only there is no password that an exemption could leave as the one proof.
func TestExemptionsEndWhereNoPasswordIsAsked(t *testing.T) {
	otpOnly := strings.Replace(valid, `name = "vpn"`, "name = \"vpn\"\nmode = \"otp-only\"", 1) +
		"[[client]]\nname = \"ssh\"\naddress = \"198.51.100.1\"\nsecret = \"" + canary + "\"\npolicy = \"staff\"\n" +
		"[[policy.staff.exempt]]\nrule = \"a\"\nusers = \"backup\"\nreason = \"a script\"\nuntil = 2027-06-30\n"
	const want = `client "vpn" has mode = "otp-only", so this would let in whoever sends the name: name the clients that check a password`
	_, faults := parse(otpOnly)
	if len(faults) != 1 || faults[0] != "test.toml:28:16: policy.staff.exempt[0].clients: "+want {
		t.Errorf("for all clients: %q", faults)
	}
	_, faults = parse(otpOnly + "clients = [\"ssh\", \"vpn\"]\n")
	if len(faults) != 1 || faults[0] != "test.toml:33:1: policy.staff.exempt[0].clients: "+want {
		t.Errorf("for this client: %q", faults)
	}
	if _, faults = parse(otpOnly + "clients = \"ssh\"\n"); faults != nil {
		t.Errorf("for another client: %q", faults)
	}
}

// A wrong password is not forwarded, and the time of the RSA server's answer would show that.
func TestNothingIsConcealedInFrontOfSecurID(t *testing.T) {
	const key = "policy.staff.conceal_password: "
	const want = `the time of the RSA server's answer tells whether the password was right: take "securid" out of `
	concealed := strings.Replace(all(), `"directory"`, "\"closed\"\nconceal_password = true", 1)
	_, faults := parse(concealed)
	if len(faults) != 1 || !strings.HasSuffix(faults[0], key+want+"factors, or conceal_password") {
		t.Errorf("in the policy: %q", faults)
	}
	concealed = strings.Replace(concealed, `"sms", "securid"]`, `"sms"]`, 1) + "[[policy.staff.group]]\ngroups = \"admins\"\nfactors = \"securid\"\n"
	_, faults = parse(concealed)
	if len(faults) != 1 || !strings.HasSuffix(faults[0], key+want+"group[0].factors, or conceal_password") {
		t.Errorf("in a rule: %q", faults)
	}
	if _, faults = parse(strings.Replace(concealed, `"securid"`, `"totp"`, 1)); faults != nil {
		t.Errorf("without it: %q", faults)
	}
}

// Without a service account a wrong password finds nobody, and so no factor to show.
func TestConcealingNeedsAServiceAccount(t *testing.T) {
	text := strings.Replace(valid, "[factors.totp]", "conceal_password = true\n[factors.totp]", 1)
	text += "\n[directory.templated]\ntype = \"ldap\"\nurls = \"ldaps://dc1.corp.example\"\nbase_dn = \"dc=corp\"\nbind_template = \"{username}@corp.example\"\n"
	text = strings.Replace(text, `directory = "corp"`, `directory = "templated"`, 1)
	_, faults := parse(text)
	if !slices.ContainsFunc(faults, func(f string) bool {
		return strings.Contains(f, "policy.staff.conceal_password: without a service account")
	}) {
		t.Errorf("faults: %q", faults)
	}
}

func TestPoliciesThatForwardAreKnown(t *testing.T) {
	tokens := []string{"totp", "securid"}
	for name, test := range map[string]struct {
		policy config.Policy
		want   bool
	}{
		"nobody":                      {config.Policy{Factors: []string{"totp"}}, false},
		"everybody":                   {config.Policy{Factors: tokens}, true},
		"a group":                     {config.Policy{Factors: []string{"totp"}, Group: []config.GroupRule{{Factors: tokens}}}, true},
		"a group shut out":            {config.Policy{Factors: []string{"totp"}, Group: []config.GroupRule{{Deny: true, Factors: tokens}}}, false},
		"behind a concealed password": {config.Policy{Factors: tokens, ConcealPassword: true}, false},
	} {
		if got := test.policy.Forwards(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// ldapCorp is a directory of type ldap.
const ldapCorp = `[directory.corp]
type = "ldap"
urls = ["ldaps://dc1.corp.example"]
base_dn = "dc=corp,dc=example"
bind_template = "uid={username},dc=corp,dc=example"
`

func withLDAP(t *testing.T, keys string) string {
	t.Helper()
	from, to := strings.Index(valid, "[directory.corp]"), strings.Index(valid, "[policy.staff]")
	if from < 0 || to < from {
		t.Fatal("the valid configuration has another order")
	}
	return valid[:from] + ldapCorp + keys + valid[to:]
}

// Group names that cannot be read never fit: a rule that refuses would let in.
func TestD1GroupNamesThatCannotBeRead(t *testing.T) {
	for key, text := range map[string]string{
		"policy.staff.group[0].groups":  "[[policy.staff.group]]\ngroups = 'cn=Sales, EMEA,ou=groups,dc=corp'\ndeny = true\n",
		"policy.staff.exempt[0].groups": "[[policy.staff.exempt]]\nrule = \"a\"\ngroups = 'cn=a\\zz'\nreason = \"a script\"\nuntil = 2026-12-31\n",
		"client[0].reply[0].groups":     "[[client.reply]]\ngroups = 'cn=\"a'\nattributes = { \"Filter-Id\" = \"x\" }\n",
	} {
		whole := withLDAP(t, "") + text
		if strings.HasPrefix(key, "client") {
			whole = strings.Replace(withLDAP(t, ""), "[directory.corp]", text+"[directory.corp]", 1)
		}
		if _, faults := parse(whole); len(faults) != 1 || !strings.Contains(faults[0], key+": ") || !strings.Contains(faults[0], "is not a DN") {
			t.Errorf("%s: %v", key, faults)
		}
	}
}

func TestS18BareNamesThatGiveAreWarnedOf(t *testing.T) {
	const rules = `[[policy.staff.group]]
groups = ["leavers"]
deny = true
[[policy.staff.group]]
groups = ["admins"]
registration = "invited"
[[policy.staff.exempt]]
rule = "a"
groups = ["robots", "cn=robots,ou=groups,dc=corp,dc=example"]
reason = "a script"
until = 2026-12-31
`
	const reply = "[[client.reply]]\ngroups = [\"vpn-admins\"]\nattributes = { \"Filter-Id\" = \"x\" }\n"
	for keys, warned := range map[string]bool{
		"": true, "group_base_dn = \"ou=groups,dc=corp,dc=example\"\n": false, "group_base_dn = \"DC=corp, DC=example\"\n": true,
	} {
		c, faults := parse(strings.Replace(withLDAP(t, keys), "[directory.corp]", reply+"[directory.corp]", 1) + rules)
		if faults != nil {
			t.Fatal(faults)
		}
		got := ""
		if c.Warnings != nil {
			got = c.Warnings.Error()
		}
		for _, name := range []string{"admins", "robots", "vpn-admins"} {
			if strings.Contains(got, `"`+name+`" is a group of that name wherever it stands`) != warned {
				t.Errorf("%q, %s: %s", keys, name, got)
			}
		}
		if strings.Contains(got, "leavers") || strings.Contains(got, `"cn=robots`) {
			t.Errorf("%q: %s", keys, got)
		}
	}
}
