//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/directory/local"
	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// residents is a [directory.corp] of people whom the daemon itself keeps.
func residents(t *testing.T, folk ...servers.Person) string {
	t.Helper()
	text := "\n[directory.corp]\ntype = \"local\"\n"
	for _, p := range folk {
		hash, err := local.Hash(p.Password)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("[[directory.corp.users]]\nid = %q\nname = %q\npassword_hash = %q\nmail = %q\nphone = %q\ngroups = [\"%s\"]\n",
			p.EntryUUID(), p.UID, hash, p.Mail, p.Phone, strings.Join(p.Groups, `", "`))
	}
	return text
}

// frontDoor is a client, a policy with one factor, and further lines of either.
func frontDoor(factor, client, policy string) string {
	return fmt.Sprintf(`
[[client]]
name = "vpn"
address = "127.0.0.1/32"
secret = %q
message_authenticator = "optional"
policy = "staff"
%s

[policy.staff]
directory = "corp"
factors = [%q]
%s
`, servers.ClientSecret, client, factor, policy)
}

// forwardsTo is a [factors.securid] with these servers.
func forwardsTo(secret string, addrs ...string) string {
	return fmt.Sprintf(`
[factors.securid]
servers = ["%s"]
secret = %q
pass_attributes = ["Filter-Id"]
`, strings.Join(addrs, `", "`), secret)
}

// startTokenSite starts a Sallyport whose second factor is SecurID, and whose client reads the
// attributes and waits as long as a forwarding may take.
func startTokenSite(t *testing.T, securid string, folk ...servers.Person) *site {
	t.Helper()
	s := startSite(t, frontDoor("securid", "ui = true", "")+securid+residents(t, folk...))
	s.client = servers.StartRadclient(t, servers.RadclientOptions{Server: s.Radius, Dictionary: dictionary, Timeout: 10 * time.Second})
	return s
}

// passcodePrompt gives the right password and returns the State of the question for a passcode.
func (s *site) passcodePrompt(p servers.Person) string {
	s.t.Helper()
	return s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "passcode").Get("State")
}

// says checks what the person is told.
func (s *site) says(r servers.RadclientReply, sentence string) {
	s.t.Helper()
	if got := r.Get("Reply-Message"); !strings.HasPrefix(got, sentence) {
		s.t.Errorf("the person is told %q, want %q", got, sentence)
	}
}

// doctorSays checks the row of the table that `sallyport doctor rsa` names for the first server.
func (s *site) doctorSays(row string) {
	s.t.Helper()
	out, err := s.Run("", "doctor", "rsa", "--config", s.ConfigFile)
	if !strings.Contains(out, ": "+row+": signed login ") || (err == nil) != strings.HasPrefix(row, "ready") {
		s.t.Errorf("the doctor says %q, %v; want %s", out, err, row)
	}
}

// vault is a stand-in for Authentication Manager, with the token of erin, and its shared secret.
type vault struct {
	*rsatest.Manager
	secret string
}

// erin has a token.
var erin = servers.Person{UID: "erin", Password: "password-of-erin"}

func openVault(mode rsatest.Mode) vault {
	pin := "PinPin12"
	if mode == rsatest.ModeNewPIN || mode == rsatest.ModeSystemPIN {
		pin = "" // who has none types the tokencode alone
	}
	v := vault{rsatest.New(rsatest.Config{}), rsatest.Secret.Reveal()}
	v.AddUser(erin.UID, pin, "seed", mode)
	return v
}

// open starts a server of the vault for the duration of a test. Port 0 takes a free one.
func (v vault) open(t *testing.T, addr string) *rsatest.Server {
	t.Helper()
	s, err := v.Start(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// passcode is erin's PIN, followed by the tokencode of now, or of some minutes later.
func (v vault) passcode(minutes int) string { return v.PIN(erin.UID) + v.code(minutes) }

// code is the tokencode of now, or of some minutes later. The vault takes those of the minute before
// and after its own.
func (v vault) code(minutes int) string {
	return v.TokencodeAt(erin.UID, time.Now().Add(time.Duration(minutes)*rsatest.TokenInterval))
}
