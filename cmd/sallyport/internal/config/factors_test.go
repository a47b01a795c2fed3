package config_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
)

// all is a configuration with every factor.
func all() string {
	return strings.NewReplacer(`["totp"]`, `["totp", "email", "sms", "securid"]`, `"first-login"`, `"directory"`).Replace(valid) + `
[factors.email]
servers = "smtp://mail.corp.example"
from = "Login <login@corp.example>"
username = "login"
password = "` + canary + `"
limits = { between = "90s", user = { hour = 3, day = 9 } }

[factors.sms]
preset = "twilio"
account = "AC1"
password = "` + canary + `"
from = "Corp"
allowed_countries = ["PK"]
[factors.sms.limits]
global = { hour = 10, day = 20 }

[factors.securid]
servers = ["192.0.2.7:1812", "192.0.2.8:1812"]
secret = "` + canary + `"
pass_attributes = ["Filter-Id", "9:1"]
`
}

func TestEveryFactorIsReadAndBuilt(t *testing.T) {
	c, faults := parse(all())
	if faults != nil {
		t.Fatal(faults)
	}
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Message, `"securid" stands beside factors that people register`) {
		t.Errorf("warnings: %v", c.Warnings)
	}
	var shown strings.Builder
	if err := c.WriteTOML(&shown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"between = '1m30s'", "day = 9", "day = 20", "auth = 'auto'", "preset = 'twilio'", "pin_length = 8", "timeout = '3s'", "message_authenticator = 'auto'",
	} {
		if !strings.Contains(shown.String(), want+"\n") {
			t.Errorf("%s is not in\n%s", want, shown.String())
		}
	}
	if strings.Contains(shown.String(), "canary") {
		t.Errorf("a secret is shown:\n%s", shown.String())
	}
	_, faults = parse(shown.String())
	for _, fault := range faults {
		if !strings.Contains(fault, "secret: ") && !strings.Contains(fault, "master_key: ") && !strings.Contains(fault, "users: ") {
			t.Errorf("what is shown cannot be read back: %s", fault)
		}
	}
}

func TestFaultsOfFactorsStandAtTheirKeys(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"mail in the clear": {`"smtp://mail.corp.example"`, `"smtp+plain://mail.corp.example"`,
			`test.toml:24:1: factors.email.servers: `},
		"a bound of mail": {`hour = 3, day = 9`, `hour = 30, day = 9`,
			`test.toml:28:38: factors.email.limits.user.hour: 30 is more than the 9 of a day`},
		"a language without templates": {"[factors.sms]\n", "language = \"fi\"\n[factors.sms]\n",
			`test.toml:30:1: factors.email.language: there are no templates in "fi"`},
		"an unknown gateway": {`"twilio"`, `"pigeon"`,
			`test.toml:31:1: factors.sms.preset: "pigeon" is not known`},
		"a short secret": {"secret = \"" + canary + "\"\npass", "secret = \"short\"\npass",
			`test.toml:41:1: factors.securid.secret: the shared secret has 5 octets`},
		"an unknown attribute": {`"Filter-Id"`, `"Filter-Idd"`,
			`test.toml:42:1: factors.securid.pass_attributes: "Filter-Idd": `},
	} {
		text := strings.Replace(all(), tt.old, tt.new, 1)
		if text == all() {
			t.Fatalf("%s: the test changes nothing", name)
		}
		_, faults := parse(text)
		if len(faults) != 1 || !strings.HasPrefix(faults[0], tt.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(faults, "\n"), tt.want)
		}
	}
}

func TestAFactorsTemplatesBeginAtTheConfigurationsFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml":    strings.Replace(all(), "[factors.sms]\n", "templates = \"mail\"\n[factors.sms]\n", 1),
		"mail/code.en.html": "{{.Oops}}",
	})
	_, err := config.Load(filepath.Join(dir, "sallyport.toml"), "")
	if err == nil || !strings.Contains(err.Error(), ":30:1: factors.email.templates: ") || !strings.Contains(err.Error(), filepath.Join(dir, "mail/code.en.html")) {
		t.Errorf("got %v", err)
	}
}

func TestMessagesToEveryCountryAreWarnedOf(t *testing.T) {
	c, faults := parse(strings.Replace(all(), `allowed_countries = ["PK"]`, "", 1))
	if faults != nil {
		t.Fatal(faults)
	}
	if got, want := c.Warnings.Error(), "test.toml:30:10: factors.sms.allowed_countries: empty, so messages go to every country, the expensive ones too"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A login lives as long as the slowest of its factors lets it.
func TestCapacityFollowsTheFactors(t *testing.T) {
	for text, life := range map[string]time.Duration{
		valid: 2 * time.Minute,
		all(): 5 * time.Minute,
		valid + "[factors.securid]\nservers = \"192.0.2.7:1812\"\nsecret = \"" + canary + "\"\n": 3 * time.Minute,
	} {
		c, faults := parse(text)
		if faults != nil {
			t.Fatal(faults)
		}
		if got, want := c.Limits().Capacity, 500*uint64(life/time.Second+40)+50*(600+40); got != want {
			t.Errorf("capacity is %d, want %d", got, want)
		}
	}
}

// What is not said of a rate is not unlimited.
func TestHalfARateKeepsTheOtherHalfsDefault(t *testing.T) {
	for factor, old := range map[string]string{"email": "user = { hour = 3, day = 9 }", "sms": "global = { hour = 10, day = 20 }"} {
		c, faults := parse(strings.Replace(all(), old, "user = { hour = 3 }", 1))
		if faults != nil {
			t.Fatal(faults)
		}
		for _, k := range c.Factors.Kinds() {
			if k.Name != factor {
				continue
			}
			f, err := k.Build(c.FactorDeps(slog.New(slog.DiscardHandler), time.Now))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := f.(login.Sender).Limits().User, (login.SendRate{Hour: 3, Day: 10}); got != want {
				t.Errorf("%s: %+v, want %+v", factor, got, want)
			}
		}
	}
}
