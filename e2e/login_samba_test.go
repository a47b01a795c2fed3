//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sallyport/e2e/servers"
)

// TestLoginsOnActiveDirectory logs in through radclient against Samba's AD domain controller: its
// refusals come with the sub-codes of Active Directory, and every spelling of alice is one enrolment
// and one counter.
func TestLoginsOnActiveDirectory(t *testing.T) {
	t.Parallel()
	samba := startSamba(t)
	s := startSite(t, fmt.Sprintf(`
[directory.corp]
type = "ldap"
urls = [%q]
ca_file = %q
base_dn = %q
bind_dn = "service@%s"
bind_password = %q
search_filter = "(sAMAccountName={username})"
domains = [%q, %q]
nested_groups = true
`, samba.TLSURL(), samba.CAFile, samba.BaseDN, servers.SambaRealm, sambaPassword, servers.SambaDomain, servers.SambaRealm)+clients)
	alice := servers.Person{UID: "alice", Password: sambaPassword}
	key := s.register(alice)

	spellings := []string{"alice", "ALICE", `EXAMPLE\alice`, "alice@example.test"}
	for i, name := range spellings {
		r := s.want(s.ask(name, sambaPassword, ""), "Access-Challenge", "prompt", "otp")
		s.want(s.ask(name, wrongCode(t, key, i), r.Get("State")), "Access-Challenge", "otp_invalid", "otp")
	}
	for _, name := range spellings {
		shown := s.show(name)
		if shown.ID != "corp:"+objectGUID(t, samba, "alice") {
			t.Errorf("%s is %s", name, shown.ID)
		}
		if len(shown.Factors) != 1 || shown.Factors[0].Failures != len(spellings) {
			t.Errorf("%s: %+v: the wrong codes of all spellings must count together", name, shown)
		}
	}
	r := s.ask(`example\ALICE`, sambaPassword, "")
	s.want(s.ask(`example\ALICE`, code(t, key, 0), r.Get("State")), "Access-Accept", "accepted", "")
	if got := s.show("alice").Factors[0].Failures; got != 0 {
		t.Errorf("%d failures after a completed login", got)
	}

	for _, c := range []struct{ sub, name, password, told, audit, reason string }{
		{"52e", "alice", "not-the-password", "password_invalid", "password_invalid", "wrong password"},
		{"525", "nobody", sambaPassword, "password_invalid", "password_invalid", "no such user"},
		{"533", "disabled", sambaPassword, "password_invalid", "account_disabled", "account disabled"},
		{"773", "mustchange", sambaPassword, "password_must_change", "password_must_change", "password must be changed"},
		{"532", "expired", sambaPassword, "password_expired", "password_expired", "password expired"},
	} {
		s.want(s.ask(c.name, c.password, ""), "Access-Reject", c.told, "")
		s.audit(map[string]any{"username": c.name, "code": c.audit, "reason": c.reason, "verdict": "reject"})
	}
}

// shownUser is what `user show --json` says of a user.
type shownUser struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Factors []struct {
		Registered bool `json:"registered"`
		Failures   int  `json:"failures"`
	} `json:"factors"`
}

func (s *site) show(name string) shownUser {
	s.t.Helper()
	out, err := s.Run("", "user", "show", name, "--json")
	if err != nil {
		s.t.Fatalf("user show %s: %v: %s", name, err, out)
	}
	var page struct {
		User shownUser `json:"user"`
	}
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&page); err != nil {
		s.t.Fatal(err)
	}
	return page.User
}
