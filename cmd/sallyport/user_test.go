package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/web/admin"
)

func TestUsersAreListedAsATable(t *testing.T) {
	got := runOne(t, userVerb(), "", "list", "--socket", serveAdmin(t, newFakeNode()))
	wantOutcome(t, got, exitOK, `NAME   FACTORS     LAST FACTOR  STATE                        ID
alice  email,totp  totp         totp locked, ends in 1m 30s  corp:a1
bob    totp        -            totp locked until unlocked   corp:b2
carol  -           -            ok                           corp:c3
`)
}

func TestUsersAreListedAsJSON(t *testing.T) {
	f := newFakeNode()
	got := runOne(t, userVerb(), "", "list", "--json", "--socket", serveAdmin(t, f))
	var page admin.UserPage
	if err := json.Unmarshal([]byte(got.stdout), &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Users) != 3 || page.Users[1].ID != "corp:b2" || !page.Users[1].Factors[0].HardLocked {
		t.Errorf("got %s", got.stdout)
	}
	if strings.Contains(got.stdout, "canary") {
		t.Errorf("a record leaked: %s", got.stdout)
	}
	f.stored = nil
	got = runOne(t, userVerb(), "", "list", "--json", "--socket", serveAdmin(t, f))
	if !strings.Contains(got.stdout, `"users": []`) {
		t.Errorf("no users: %s", got.stdout)
	}
	got = runOne(t, userVerb(), "", "list", "--socket", serveAdmin(t, f))
	if got.stdout != "" || !strings.Contains(got.stderr, "no user is stored yet") {
		t.Errorf("no users: %s%s", got.stdout, got.stderr)
	}
}

func TestAUserIsShown(t *testing.T) {
	f := newFakeNode()
	alice := f.stored[0].Credentials
	alice["email"] = login.Credential{Version: 1, Record: []byte("canary"), Challenge: login.ChallengeID{1}, Renew: true}
	alice[login.CredentialBypass] = login.Credential{Note: "uid 0: telephone lost",
		Codes: []login.OneTimeCode{{Uses: 2, Until: adminClock.Add(3 * time.Hour)}}}
	alice[login.CredentialRecovery] = login.Credential{Codes: []login.OneTimeCode{{Uses: 1}, {Uses: 1}}}
	f.windows["corp:a1"] = adminClock.Add(48 * time.Hour)
	got := runOne(t, userVerb(), "", "show", "ALICE", "--socket", serveAdmin(t, f))
	wantOutcome(t, got, exitOK, `name            alice
id              corp:a1
last factor     totp
window          closes in 2d
recovery codes  2 uses left
bypass code     2 uses left, ends in 3h, by uid 0: telephone lost

FACTOR  REGISTERED  ADDRESS  LAST CODE SENT         WRONG IN A ROW  STATE
email   yes         masked   1m ago, did not leave  0               must register anew
totp    yes         -        -                      5               locked, ends in 1m 30s
`)
	locked := alice["totp"]
	locked.Near, locked.NearAt = login.Near{Number: 7, Ahead: -2 * time.Minute}, adminClock.Add(-3*time.Minute)
	alice["totp"] = locked // D14
	got = runOne(t, userVerb(), "", "show", "ALICE", "--socket", serveAdmin(t, f))
	if want := "\ntotp, last wrong code, 3m ago: this code would be right 120 seconds ago: check the clock of the telephone\n"; !strings.HasSuffix(got.stdout, want) {
		t.Errorf("got %s", got.stdout)
	}
	got = runOne(t, userVerb(), "", "show", "ALICE", "--json", "--socket", serveAdmin(t, f))
	if !strings.Contains(got.stdout, `"seconds_ahead": -120`) {
		t.Errorf("got %s", got.stdout)
	}
	f.stored[2].UserID = "old:c3" // of a directory that is no more
	got = runOne(t, userVerb(), "", "show", "old:c3", "--socket", serveAdmin(t, f))
	if !strings.HasSuffix(got.stdout, "\nno factor is registered\n") {
		t.Errorf("got %s", got.stdout)
	}
	if want := "sallyport: note: found by what is stored, not by a directory\n"; got.stderr != want {
		t.Errorf("stderr %q", got.stderr)
	}
}

func TestAnActIsDoneToTheUserWhoWasFound(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, userVerb(), "", "reset", "alice", "--factor", "totp", "--then", "window", "--yes", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): registration removed\na new one is possible with the password alone until 2026-11-26 14:00 UTC (in 3d), unless the policy is closed\n")
	got = runOne(t, userVerb(), "", "unlock", "bob", "--socket", socket)
	wantOutcome(t, got, exitOK, "bob (corp:b2): unlocked\n")
	if acts := fmt.Sprint(f.acts); acts != "[reset corp:a1 totp unlock corp:b2 ]" {
		t.Errorf("acts %s", acts)
	}
}

func TestAnActThatCannotBeMeantChangesNothing(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	for name, tt := range map[string]struct {
		args []string
		code int
		say  string
	}{
		"without --yes":        {[]string{"reset", "alice"}, exitUsage, "remove the registration of alice (corp:a1) with all factors: needs --yes"},
		"nobody named":         {[]string{"reset", "--yes"}, exitUsage, "which user?"},
		"two users":            {[]string{"unlock", "alice", "bob"}, exitUsage, "one user at a time"},
		"an unknown user":      {[]string{"reset", "mallory", "--yes"}, exitFailed, `no user is known as "mallory"`},
		"an unknown factor":    {[]string{"unlock", "alice", "--factor", "sms"}, exitFailed, `has not registered "sms"`},
		"nothing to unlock":    {[]string{"unlock", "carol"}, exitFailed, "carol (corp:c3) has registered no factor"},
		"an unknown directory": {[]string{"unlock", "alice", "--directory", "crop"}, exitFailed, `no directory is named "crop"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := runOne(t, userVerb(), "", append(tt.args, "--socket", socket)...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.say) {
				t.Errorf("exit %d: %s", got.code, got.stderr)
			}
		})
	}
	if len(f.acts) > 0 {
		t.Errorf("acts %v", f.acts)
	}
}

// Nothing is registered, yet somebody may be about to register: that ends, and the answer says so.
func TestAResetOfNothingEndsRegistrations(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	for _, tt := range []struct {
		args []string
		say  string
	}{
		{[]string{"reset", "alice", "--factor", "sms"}, `has not registered "sms"`},
		{[]string{"reset", "carol"}, "carol (corp:c3) has registered no factor"},
	} {
		got := runOne(t, userVerb(), "", append(tt.args, "--yes", "--socket", socket)...)
		if got.code != exitFailed || !strings.Contains(got.stderr, tt.say) ||
			!strings.Contains(got.stderr, "nothing was registered; pending registrations were ended") {
			t.Errorf("%v: exit %d: %s", tt.args, got.code, got.stderr)
		}
	}
	if acts := fmt.Sprint(f.acts); acts != "[reset corp:a1 sms reset corp:c3 ]" {
		t.Errorf("acts %s", acts)
	}
}
