package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// The way back is an invitation unless a window is asked for: S19.
func TestS19AResetNamesTheWayBack(t *testing.T) {
	for _, tt := range []struct {
		then   string
		window bool
		invite bool
		until  time.Duration
	}{
		{then: "", invite: true, until: 24 * time.Hour},
		{then: ThenWindow, window: true, until: 72 * time.Hour},
		{then: ThenInvite, invite: true, until: 24 * time.Hour},
		{then: ThenNothing},
	} {
		t.Run("then "+tt.then, func(t *testing.T) {
			d := startDaemon(t)
			r, err := d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "alice"}, Then: tt.then})
			if err != nil {
				t.Fatal(err)
			}
			if got := !d.users.windows["corp:a1"].IsZero(); got != tt.window || (r.User.WindowUntil != nil) != tt.window {
				t.Errorf("window %v, shown %v", got, r.User.WindowUntil)
			}
			if (r.Invitation != "") != tt.invite || (r.User.Invitation != nil) != tt.invite {
				t.Errorf("invitation %q, shown %v", r.Invitation, r.User.Invitation)
			}
			if tt.invite {
				wantStored(t, d, "corp:a1", []string{r.Invitation})
			}
			if (r.Until == nil) != (tt.until == 0) || r.Until != nil && r.Until.Sub(clock) != tt.until {
				t.Errorf("until %v", r.Until)
			}
			if want := (told{"alice", "totp", "an administrator", login.NoticeRemoved, true}); len(d.told) != 1 || d.told[0] != want {
				t.Errorf("told %v", d.told)
			}
		})
	}
}

// A window that nobody watches would be open to whoever gets the name or the ID.
func TestWhoHasLeftGetsNoWayBack(t *testing.T) {
	for _, then := range []string{"", ThenWindow, ThenInvite} {
		d := startDaemon(t)
		d.users.stored["corp:c3"] = login.Enrolment{UserID: "corp:c3", Name: "Carol", Credentials: map[string]login.Credential{
			"totp": {Factor: "totp", Version: 1, Record: []byte("canary")},
		}}
		r, err := d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "carol"}, Then: then})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.users.windows) > 0 || r.Until != nil || r.Invitation != "" || len(registeredFactors(d.users.stored["corp:c3"], "")) > 0 {
			t.Errorf("then %q: %+v, windows %v", then, r, d.users.windows)
		}
		if got := strings.Join(r.Notes, "; "); !strings.Contains(got, "no way back was opened: no directory knows Carol (corp:c3)") {
			t.Errorf("then %q: notes %s", then, got)
		}
	}
}

func TestARenewalRemovesNothing(t *testing.T) {
	d := startDaemon(t)
	r, err := d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "alice"}, Renew: true})
	if err != nil {
		t.Fatal(err)
	}
	if f := r.User.Factors[1]; !f.Registered || !f.Renew || len(d.told) > 0 || r.Until != nil {
		t.Errorf("got %+v, told %v", r, d.told)
	}
	if got := fmt.Sprint(d.users.acts); got != `[renew corp:a1 "totp"]` {
		t.Errorf("acts %s", got)
	}
	_, err = d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "alice", Factor: "email"}, Renew: true})
	if statusOf(err) != http.StatusNotFound {
		t.Errorf("a factor that is not registered: %v", err)
	}
}

func TestAResetThatContradictsItselfChangesNothing(t *testing.T) {
	d := startDaemon(t)
	for name, act := range map[string]ResetAct{
		"another way":          {Then: "email"},
		"renewal with a way":   {Renew: true, Then: ThenWindow},
		"renewal with an end":  {Renew: true, ForSeconds: 3600},
		"nothing with an end":  {Then: ThenNothing, ForSeconds: 3600},
		"a year of windows":    {ForSeconds: 365 * 24 * 3600},
		"a month's invitation": {Then: ThenInvite, ForSeconds: 30 * 24 * 3600},
	} {
		act.User = "alice"
		if _, err := d.Reset(t.Context(), act); statusOf(err) != http.StatusBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.users.acts) > 0 {
		t.Errorf("acts %v", d.users.acts)
	}
}

// The reset itself is done: the answer must not let it look as if it were not.
func TestAWayBackThatDoesNotOpenIsSaid(t *testing.T) {
	d := startDaemon(t)
	d.users.actErr = errors.New("canary")
	_, err := d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "alice"}})
	if statusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "was reset, but has no way back yet") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestWindowsOfUsersAndGroups(t *testing.T) {
	d := startDaemon(t)
	d.dirs["corp"].names["bob"] = login.User{ID: "corp:b2", Name: "bob", Groups: []string{"cn=Interns,dc=corp,dc=example"}}
	if _, err := d.SetWindow(t.Context(), WindowAct{User: "alice", ForSeconds: 3600}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SetWindow(t.Context(), WindowAct{Group: "interns", Directory: "corp"}); err != nil {
		t.Fatal(err)
	}
	list, err := d.Windows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Window{
		{UserID: "corp:a1", Name: "alice", Until: clock.Add(time.Hour)},
		{Directory: "corp", Group: "interns", Until: clock.Add(72 * time.Hour)},
	}
	if len(list.Windows) != 2 || list.Windows[0] != want[0] || list.Windows[1] != want[1] {
		t.Errorf("got %+v", list.Windows)
	}
	if r, err := d.User(t.Context(), "bob", ""); err != nil || r.User.WindowUntil == nil || !r.User.WindowUntil.Equal(want[1].Until) {
		t.Errorf("a member: %+v, %v", r.User, err)
	}
	if _, err := d.SetWindow(t.Context(), WindowAct{User: "alice", Close: true}); err != nil {
		t.Fatal(err)
	}
	if r, err := d.User(t.Context(), "alice", ""); err != nil || r.User.WindowUntil != nil {
		t.Errorf("closed: %+v, %v", r.User, err)
	}
	for _, line := range []string{`act="window open" outcome=done`, "directory=corp group=interns", `act="window close" outcome=done`} {
		if !strings.Contains(d.log.String(), line) {
			t.Errorf("no %s in %s", line, d.log)
		}
	}
}

func TestAWindowIsThatOfOneSubject(t *testing.T) {
	d := startDaemon(t)
	for name, act := range map[string]WindowAct{
		"of nobody":               {},
		"of both":                 {User: "alice", Group: "interns", Directory: "corp"},
		"of a group of nowhere":   {Group: "interns"},
		"of an unknown directory": {Group: "interns", Directory: "crop"},
		"for a year":              {User: "alice", ForSeconds: 365 * 24 * 3600},
		"of who has left":         {User: "carol"},
		"of a long group":         {Group: strings.Repeat("g", 254), Directory: "corp"},
		"of an unprintable group": {Group: "interns\nx", Directory: "corp"},
		"of a group in no UTF-8":  {Group: "interns\xff", Directory: "corp"},
	} {
		if _, err := d.SetWindow(t.Context(), act); statusOf(err) != http.StatusBadRequest && statusOf(err) != http.StatusNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.users.windows) > 0 {
		t.Errorf("windows %v", d.users.windows)
	}
}
