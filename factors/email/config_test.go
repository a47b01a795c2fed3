package email_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/factors/email"
	"sallyport/factors/internal/limits"
	"sallyport/login"
)

func TestValidateNamesTheKey(t *testing.T) {
	u := func(n uint32) *uint32 { return &n }
	for want, change := range map[string]func(*email.Config){
		"servers: missing; name at least one":                   func(c *email.Config) { c.Servers = []string{} },
		`servers: "mail.example.test" is not of the form`:       func(c *email.Config) { c.Servers = []string{"mail.example.test"} },
		"servers: http://mail.example.test: the scheme must be": func(c *email.Config) { c.Servers = []string{"http://mail.example.test"} },
		`servers: "…@mail.example.test" is not of the form`:     func(c *email.Config) { c.Servers = []string{"smtp://user:hunter2@mail.example.test"} },
		"servers: smtp://mail.example.test:0: 0 is not a port":  func(c *email.Config) { c.Servers = []string{"smtp://mail.example.test:0"} },
		"99999 is not a port":                                   func(c *email.Config) { c.Servers = []string{"smtp://mail.example.test:99999"} },
		"smtp+plain://mail.example.test: mail would leave":      func(c *email.Config) { c.Servers = []string{"smtp+plain://mail.example.test"} },
		"smtp+plain://127.0.0.1:25 would carry the password": func(c *email.Config) {
			c.Servers, c.Username, c.Password = []string{"smtp+plain://127.0.0.1"}, "u", "p"
		},
		"from: missing":                    func(c *email.Config) { c.From = "" },
		"is not of the form Login <":       func(c *email.Config) { c.From = "Login" },
		"from: this address cannot be":     func(c *email.Config) { c.From = "login@exämple.test" },
		"helo: must be":                    func(c *email.Config) { c.Helo = "a b" },
		"timeout: must be between":         func(c *email.Config) { c.Timeout = time.Hour },
		`auth: "cram-md5" is none of`:      func(c *email.Config) { c.Auth = "cram-md5" },
		"username: missing, but password":  func(c *email.Config) { c.Password = "p" },
		"username: missing, but auth is":   func(c *email.Config) { c.Auth = "plain" },
		`auth: is "none", but username`:    func(c *email.Config) { c.Auth, c.Username, c.Password = "none", "u", "p" },
		"password: missing, but username":  func(c *email.Config) { c.Username = "u" },
		"username: holds a character":      func(c *email.Config) { c.Username, c.Password = "u\r\nMAIL", "p" },
		"password: holds a control":        func(c *email.Config) { c.Username, c.Password = "u", "hunter2\n" },
		`language: "english, please" is`:   func(c *email.Config) { c.Language = "english, please" },
		"brand: must have at most":         func(c *email.Config) { c.Brand = "Corp\r\nBcc: x" },
		`allowed_domains: "@corp.example"`: func(c *email.Config) { c.AllowedDomains = []string{"@corp.example"} },
		"digits: must be between 6 and 8":  func(c *email.Config) { c.Digits = 5 },
		"limits.user.hour: 11 is more":     func(c *email.Config) { c.Limits.User.Hour = u(11) },
	} {
		c := complete(email.Config{})
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, newErr := email.New(c, email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now}); newErr == nil {
			t.Errorf("%q: New accepts it", want)
		}
	}
}

func TestValidateFindsEverything(t *testing.T) {
	c := email.Config{Servers: []string{"a", "b"}, Digits: 99, Auth: "x", Language: "?"}
	if got := strings.Count(c.Validate().Error(), "\n"); got < 5 {
		t.Errorf("%d line ends in %v", got, c.Validate())
	}
}

func TestGoodServers(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mail.example.test": "smtp://mail.example.test:587", "smtps://mail.example.test/": "smtps://mail.example.test:465",
		"smtp://mail.example.test:25": "smtp://mail.example.test:25", "smtps://[2001:db8::1]": "smtps://[2001:db8::1]:465",
		"smtp+plain://localhost": "smtp+plain://localhost:25", "smtp+plain://[::1]:2525": "smtp+plain://[::1]:2525",
	} {
		f := newFactor(t, email.Config{Servers: []string{text}}, nil)
		if got := f.Stats().Servers[0].Server; got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	f := newFactor(t, email.Config{}, nil)
	if got := f.Limits(); got != login.DefaultSendLimits() {
		t.Errorf("limits %+v", got)
	}
	effective, ok := email.Config{}.Effective().(email.Config)
	if !ok || effective.Digits != 6 || effective.Timeout != 10*time.Second || effective.Auth != "auto" || effective.Language != "en" || effective.Brand != "Sallyport" {
		t.Errorf("%+v", effective)
	}
	code, err := f.Code(make([]byte, 32), 1)
	if err != nil || len(code) != 6 {
		t.Errorf("code %q, %v", code, err)
	}
}

func TestLimitsKeepTheDefaultsOfWhatIsAbsent(t *testing.T) {
	between, three := 2*time.Minute, uint32(3)
	f := newFactor(t, email.Config{Limits: limits.Table{Between: &between, User: limits.Rate{Hour: &three}}}, nil)
	want := login.DefaultSendLimits()
	want.Between, want.User.Hour = between, 3
	if got := f.Limits(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUnreadableAuthoritiesStopTheStart(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		_, err := email.New(complete(email.Config{CAFile: file}), email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err == nil || !strings.HasPrefix(err.Error(), "ca_file: ") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The password is in no form of the configuration that is printed.
func TestPasswordIsNotPrinted(t *testing.T) {
	c := complete(email.Config{Username: "u", Password: "hunter2"})
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprint(c.Effective())} {
		if strings.Contains(text, "hunter2") {
			t.Error(text)
		}
	}
}

func TestDirectoryAddressIsTheMail(t *testing.T) {
	f := newFactor(t, email.Config{}, nil)
	u := login.User{Mail: "alice@example.test", Phone: "+1"}
	p, err := f.Challenge(t.Context(), u, login.Credential{})
	if f.DirectoryAddress(u) != "alice@example.test" || f.Name() != "email" || err != nil || p.Step != login.StepOTP || !p.Echo {
		t.Errorf("%q, %+v, %v", f.DirectoryAddress(u), p, err)
	}
	if found, err := f.Verify(t.Context(), time.Now(), u, login.Credential{}, "123456"); err == nil || found.Number != 0 || slices.Contains(found.Memo, 1) {
		t.Errorf("Verify judges: %+v, %v", found, err)
	}
}
