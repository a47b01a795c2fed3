//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// between is the least time between two codes to a person; a minute is too long for a test.
const between = 2 * time.Second

// Where the clients of a world ask from: the VPN with its one prompt, and one with screens of its own.
const (
	vpnAddress = "127.0.0.1"
	uiAddress  = "127.0.0.2"
)

// world is a Sallyport with every server behind it: a directory, a mail server, an SMS gateway with a
// telephone, and an RSA server.
type world struct {
	*site
	mail  *servers.Mailpit
	phone *servers.Kannel
	rsa   *rsatest.Manager
	token *rsatest.Server
}

// worldOptions are what a world has of its own.
type worldOptions struct {
	people []servers.Person
	// vpn and securid are further keys of the VPN's [[client]] and of [factors.securid].
	vpn, securid string
	// config is appended to the configuration.
	config       string
	dictionaries []string
}

// startWorld starts the servers side by side, and then Sallyport.
func startWorld(t *testing.T, opt worldOptions) *world {
	t.Helper()
	w := &world{rsa: rsatest.New(rsatest.Config{})}
	var slapd *servers.Slapd
	err := together(
		func() (err error) {
			slapd, err = servers.NewSlapd(t.TempDir(), servers.SlapdOptions{People: opt.people})
			return stopAfter(t, err, func() { slapd.Stop() })
		},
		func() (err error) {
			w.mail, err = servers.NewMailpit(t.TempDir(), servers.MailpitOptions{Accounts: map[string]string{"sallyport": "submission-1"}})
			return stopAfter(t, err, func() { w.mail.Stop() })
		},
		func() (err error) {
			w.phone, err = servers.NewKannel(t.TempDir(), servers.KannelOptions{})
			return stopAfter(t, err, func() { w.phone.Stop() })
		},
		func() (err error) {
			w.token, err = w.rsa.Start("127.0.0.1:0")
			return stopAfter(t, err, func() { w.token.Close() })
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	w.site = startSiteOf(t, servers.SallyportOptions{
		Config: corp(slapd.CAFile, slapd.URL()) + listedClient("vpn", vpnAddress, "policy = \"staff\"\n"+opt.vpn) +
			listedClient("cx", uiAddress, "policy = \"staff\"\nui = true") + listedPolicies() + w.factors(opt.securid) + opt.config,
		Dictionaries: opt.dictionaries, LogLevel: "info",
	})
	return w
}

// together does everything side by side.
func together(parts ...func() error) error {
	failed := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() { failed[i] = part() })
	}
	all.Wait()
	return errors.Join(failed...)
}

// stopAfter ends what has started with the test.
func stopAfter(t *testing.T, err error, stop func()) error {
	if err == nil {
		t.Cleanup(stop)
	}
	return err
}

// factors is the configuration of all of them. A Reject is not delayed.
func (w *world) factors(securid string) string {
	return fmt.Sprintf(`
[login]
reject_delay = "0s"
password_tries = 1000

[factors.totp]
issuer = "Example"

[factors.email]
servers = ["smtp://%[1]s"]
ca_file = %[2]q
from = "Login <login@corp.example.test>"
username = "sallyport"
password = "submission-1"

[factors.email.limits]
between = %[3]q
%[4]s
[factors.sms.limits]
between = %[3]q

[factors.securid]
servers = [%[5]q]
secret = %[6]q
%[7]s
`, w.mail.SMTP, w.mail.CAFile, between, w.phone.FactorConfig(), w.token.Addr(), rsatest.Secret.Reveal(), securid)
}

func listedClient(name, address, more string) string {
	return fmt.Sprintf("\n[[client]]\nname = %q\naddress = %q\nsecret = %q\nmessage_authenticator = \"optional\"\n%s\n",
		name, address, servers.ClientSecret, more)
}

// listedPolicies is the policy "staff", in which each group has a rule of its own.
func listedPolicies() string {
	var b strings.Builder
	b.WriteString("\n[policy.staff]\ndirectory = \"corp\"\nfactors = [\"totp\"]\nregistration = \"closed\"\n")
	for _, r := range []struct{ group, factors, registration string }{
		{"totp", `"totp"`, "first-login"},
		{"email", `"email"`, "first-login"},
		{"sms", `"sms"`, "first-login"},
		{"securid", `"securid"`, "closed"},
		{"several", `"totp", "email", "sms"`, "first-login"},
		{"rsa-or-email", `"securid", "email"`, "first-login"},
		{"directory", `"email", "sms"`, "directory"},
		{"directory-email", `"email"`, "directory"},
		{"directory-sms", `"sms"`, "directory"},
		{"directory-totp", `"totp", "email"`, "directory"},
		{"invited", `"totp"`, "invited"},
		{"window", `"totp"`, "window"},
		{"window-email", `"email"`, "window"},
		{"window-group", `"totp"`, "window"},
		{"closed", `"totp", "email"`, "closed"},
	} {
		fmt.Fprintf(&b, "\n[[policy.staff.group]]\ngroups = [%q]\nfactors = [%s]\nregistration = %q\n", r.group, r.factors, r.registration)
	}
	b.WriteString("\n[[policy.staff.group]]\ngroups = [\"denied\"]\ndeny = true\n")
	return b.String()
}

// from asks as a client at another address, with what a person typed and what the client adds.
func (w *world) from(t *testing.T, address, username, typed, state string, more ...servers.Attribute) servers.RadclientReply {
	t.Helper()
	attributes := append([]servers.Attribute{
		{Name: "Packet-Src-IP-Address", Value: address}, {Name: "Message-Authenticator", Value: "0x00"},
		{Name: "User-Name", Value: username}, {Name: "User-Password", Value: typed},
	}, more...)
	if state != "" {
		attributes = append(attributes, servers.Attribute{Name: "State", Value: state})
	}
	r, err := w.client.Auth(t.Context(), attributes...)
	if err != nil {
		t.Fatalf("%s from %s: %v", username, address, err)
	}
	return r
}

// ended are the verdicts that ended logins under a username, as the audit has them: how each Accept
// was earned, the code of each Reject.
func (w *world) ended(t *testing.T, username string) []string {
	t.Helper()
	lines, err := w.Log()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range lines {
		switch {
		case line["event"] != "login" || line["username"] != username:
		case line["verdict"] == "accept":
			all = append(all, fmt.Sprint("accept ", line["earned"]))
		case line["verdict"] == "reject":
			all = append(all, fmt.Sprint("reject ", line["code"]))
		}
	}
	return all
}

// administer runs a verb of "sallyport user" and returns what it printed.
func (w *world) administer(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Run("", append([]string{"user"}, args...)...)
	if err != nil {
		t.Fatalf("sallyport user %s: %v", args, err)
	}
	return out
}
