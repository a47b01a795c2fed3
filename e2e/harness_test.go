//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/e2e/servers"
)

const dictionary = "../radius/dictionary/dictionary.sallyport"

// binary builds the program once for all tests, with the race detector.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sallyport-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sallyport")
	out, err := exec.Command("go", "build", "-race", "-o", path, "../cmd/sallyport").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sallyport: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	// The race detector makes every program sleep for a second at its end, unless told otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// clients and policy are the configuration that every test shares.
const clients = `
[[client]]
name = "vpn"
address = "127.0.0.1/32"
secret = "` + servers.ClientSecret + `"
message_authenticator = "optional"
ui = true
policy = "staff"

[policy.staff]
directory = "corp"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Example"
`

// corp is a [directory.corp] of slapd servers reached by the given URLs.
func corp(ca string, urls ...string) string {
	quoted := make([]string, len(urls))
	for i, u := range urls {
		quoted[i] = fmt.Sprintf("%q", u)
	}
	return fmt.Sprintf(`
[directory.corp]
type = "ldap"
urls = [%s]
starttls = %t
ca_file = %q
base_dn = %q
bind_dn = %q
bind_password = %q
domains = ["EXAMPLE", "example.test"]
`, strings.Join(quoted, ", "), strings.HasPrefix(urls[0], "ldap://"), ca, servers.BaseDN, servers.ServiceDN, servers.ServicePassword)
}

// site is one Sallyport with a radclient that asks it.
type site struct {
	*servers.Sallyport
	t      *testing.T
	client *servers.Radclient
}

func startSite(t *testing.T, config string) *site {
	t.Helper()
	return startSiteOf(t, servers.SallyportOptions{Config: config})
}

// startSiteOf is startSite with more to say than the configuration.
func startSiteOf(t *testing.T, opt servers.SallyportOptions) *site {
	t.Helper()
	var err error
	if opt.Binary, err = binary(); err != nil {
		t.Fatal(err)
	}
	s := servers.StartSallyport(t, opt)
	t.Cleanup(func() {
		if t.Failed() {
			if text, err := os.ReadFile(s.LogFile); err == nil {
				t.Logf("the daemon's log ends with:\n%s", text[max(0, len(text)-6000):])
			}
		}
	})
	return &site{s, t, servers.StartRadclient(t, servers.RadclientOptions{Server: s.Radius, Dictionary: dictionary})}
}

// people returns n persons named by a prefix, with passwords of their own.
func people(prefix string, n int) []servers.Person {
	list := make([]servers.Person, n)
	for i := range list {
		uid := fmt.Sprintf("%s%02d", prefix, i)
		list[i] = servers.Person{UID: uid, Password: "password-of-" + uid, Mail: uid + "@example.test"}
	}
	return list
}

// ask sends one Access-Request and fails the test when there is no reply.
func (s *site) ask(username, typed, state string) servers.RadclientReply {
	s.t.Helper()
	r, err := s.client.Login(context.Background(), username, typed, state)
	if err != nil {
		s.t.Fatalf("%s: %v", username, err)
	}
	if len(r.Attributes) == 0 || r.Attributes[0].Name != "Message-Authenticator" {
		s.t.Errorf("%s: Message-Authenticator is not the first attribute of %s", username, r.Code)
	}
	return r
}

// want checks a reply's code, Sallyport-Code and Sallyport-Step.
func (s *site) want(r servers.RadclientReply, packet, code, step string) servers.RadclientReply {
	s.t.Helper()
	if r.Code != packet || r.Get("Sallyport-Code") != code || r.Get("Sallyport-Step") != step {
		s.t.Fatalf("got %s, code %q, step %q, message %q; want %s, %q, %q",
			r.Code, r.Get("Sallyport-Code"), r.Get("Sallyport-Step"), r.Get("Reply-Message"), packet, code, step)
	}
	if r.Get("Reply-Message") == "" {
		s.t.Errorf("%s without a Reply-Message", r.Code)
	}
	return r
}

// register logs a person in for the first time and returns the TOTP key. The code used is that of
// the time step before, so that the current one is left for the next login.
func (s *site) register(p servers.Person) string {
	s.t.Helper()
	r := s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "register-totp")
	key := r.Get("Sallyport-Secret-Key")
	if !strings.Contains(r.Get("Sallyport-OTPAuth-URI"), "otpauth://totp/") || key == "" {
		s.t.Fatalf("no key at registration: %+v", r)
	}
	r = s.want(s.ask(p.UID, code(s.t, key, -1), r.Get("State")), "Access-Accept", "accepted", "")
	if r.Get("Sallyport-Registered") != "1" {
		s.t.Errorf("the Accept does not say that the factor was registered: %+v", r)
	}
	return key
}

// begin gives the right password of a registered person and returns the State.
func (s *site) begin(p servers.Person) string {
	s.t.Helper()
	return s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "otp").Get("State")
}

// code computes the TOTP code of a key, some time steps from now.
func code(t *testing.T, key string, steps int) string {
	t.Helper()
	return codeAt(t, key, timeStep()+int64(steps))
}

// stepSeconds is the length of a time step.
const stepSeconds = 30

// timeStep is the current time step. Towards its end it waits for the next one, so that the daemon,
// which looks a moment later, means the same step.
func timeStep() int64 {
	const step, margin = stepSeconds * time.Second, 3 * time.Second
	if left := step - time.Duration(time.Now().UnixNano())%step; left < margin {
		<-time.After(left)
	}
	return time.Now().Unix() / stepSeconds
}

// codeAt computes the TOTP code of a key in a time step.
func codeAt(t *testing.T, key string, step int64) string {
	t.Helper()
	c, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), time.Unix(step*stepSeconds, 0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wrongCode returns the nth of several codes that fit no time step near now.
func wrongCode(t *testing.T, key string, n int) string {
	t.Helper()
	right := map[string]bool{}
	for steps := -4; steps <= 4; steps++ {
		c, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), time.Now().Add(time.Duration(steps)*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		right[c] = true
	}
	for i := 0; ; i++ {
		if c := fmt.Sprintf("%06d", i); !right[c] {
			if n == 0 {
				return c
			}
			n--
		}
	}
}

// audits waits until an audit line fits all of the given fields, and returns it.
func (s *site) audit(fields map[string]any) map[string]any {
	s.t.Helper()
	var found map[string]any
	s.eventually(fmt.Sprintf("an audit line with %v", fields), func() error {
		lines, err := s.Log()
		if err != nil {
			return err
		}
		for _, line := range lines {
			if line["event"] == "login" && fits(line, fields) {
				found = line
				return nil
			}
		}
		return errors.New("none yet")
	})
	return found
}

func fits(line, fields map[string]any) bool {
	for key, want := range fields {
		if line[key] != want {
			return false
		}
	}
	return true
}

// eventually waits for a named condition.
func (s *site) eventually(what string, condition func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited in vain for %s: %v", what, err)
		case <-tick.C:
		}
	}
}
