package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"sallyport/login"
)

func TestANameIsResolvedAsPeopleTypeIt(t *testing.T) {
	unreachable := errors.New("dial tcp: refused")
	tests := []struct {
		name      string
		typed     string
		directory string
		prepare   func(*daemon)
		want      string // "id notes", or the problem
	}{
		{name: "plain", typed: "alice", want: "corp:a1 []"},
		{name: "with its domain", typed: `EXAMPLE\Alice`, want: "corp:a1 []"},
		{name: "known to the directory only", typed: "bob", want: "corp:b2 []"},
		{name: "an ID", typed: "corp:a1", want: "corp:a1 []"},
		{name: "in the directory that was named", typed: "alice", directory: "corp", want: "corp:a1 []"},
		{name: "in the wrong directory", typed: "alice", directory: "guests", want: "404 no user"},
		{name: "an unknown directory", typed: "alice", directory: "crop", want: "404 no directory"},
		{name: "nobody", typed: "mallory", want: "404 no user"},
		{name: "nothing", typed: "", want: "400 no user was named"},
		{name: "a person who has left", typed: "carol", want: "corp:c3 [found by what is stored, not by a directory]"},
		{name: "the ID of a person who has left", typed: "corp:c3", want: "corp:c3 [directory corp knows this ID no more]"},
		{name: "an account that is locked", typed: "alice", want: "corp:a1 []",
			prepare: func(d *daemon) { d.dirs["corp"].err = login.ErrLocked }},
		{name: "while its directory cannot be asked", typed: "alice",
			want:    "corp:a1 [directory corp could not be asked found by what is stored, not by a directory]",
			prepare: func(d *daemon) { d.dirs["corp"].err = unreachable }},
		{name: "an ID while its directory cannot be asked", typed: "corp:a1",
			want:    "corp:a1 [directory corp could not be asked]",
			prepare: func(d *daemon) { d.dirs["corp"].err = unreachable }},
		{name: "while another directory cannot be asked", typed: "alice",
			want:    "corp:a1 [directory guests could not be asked]",
			prepare: func(d *daemon) { d.dirs["guests"].err = unreachable }},
		{name: "nobody, while a directory cannot be asked", typed: "mallory", want: "404 no user",
			prepare: func(d *daemon) { d.dirs["corp"].err = unreachable }},
		{name: "in two directories", typed: "alice", want: `409 "alice" means several users: corp:a1, guests:g9`,
			prepare: func(d *daemon) { d.dirs["guests"].names["alice"] = login.User{ID: "guests:g9", Name: "alice"} }},
		{name: "stored under one name twice", typed: "CAROL", want: `409 "CAROL" means several users: corp:c3, old:c4`,
			prepare: func(d *daemon) {
				d.users.stored["old:c4"] = login.Enrolment{UserID: "old:c4", Name: "carol"}
			}},
		{name: "stored, of a directory that is configured no more", typed: "old:c4",
			want: "old:c4 [found by what is stored, not by a directory]",
			prepare: func(d *daemon) {
				d.users.stored["old:c4"] = login.Enrolment{UserID: "old:c4", Name: "carol"}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := startDaemon(t)
			if tt.prepare != nil {
				tt.prepare(d)
			}
			r, err := d.User(t.Context(), tt.typed, tt.directory)
			got := fmt.Sprint(r.User.ID, " ", r.Notes)
			if p := (*Problem)(nil); errors.As(err, &p) {
				got = fmt.Sprint(p.Status, " ", p.Message)
			} else if err != nil {
				t.Fatal(err)
			}
			if tt.want != got && !(err != nil && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAUserIsShownWithoutSecrets(t *testing.T) {
	d := startDaemon(t)
	r, err := d.User(t.Context(), "alice", "")
	if err != nil {
		t.Fatal(err)
	}
	until := r.User.Factors[1].LockedUntil
	if r.User.Factors[0].Name != "email" || r.User.Factors[0].LockedUntil != nil || r.User.Factors[0].Registered {
		t.Errorf("email: %+v", r.User.Factors[0])
	}
	if until == nil || until.Sub(r.Now).Seconds() != 60 || r.User.Factors[1].Failures != 5 {
		t.Errorf("totp: %+v", r.User.Factors[1])
	}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text)+d.log.String(), "canary") {
		t.Errorf("a record leaked: %s %v", text, err)
	}
}

func TestUsersComeInPages(t *testing.T) {
	d := startDaemon(t)
	first, err := d.Users(t.Context(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Users(t.Context(), first.Next, 2)
	if err != nil {
		t.Fatal(err)
	}
	if first.Users[0].ID != "corp:a1" || second.Users[0].ID != "corp:c3" || len(second.Users) != 1 || second.Next != "" {
		t.Errorf("got %+v and %+v", first, second)
	}
	var ids []string
	for page, err := range d.UserPages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			ids = append(ids, u.ID)
		}
	}
	if fmt.Sprint(ids) != "[corp:a1 corp:c3]" {
		t.Errorf("got %v", ids)
	}
	if _, err := d.Users(t.Context(), "", maxPageSize+1); statusOf(err) != http.StatusBadRequest {
		t.Errorf("a page without bound: %v", err)
	}
}

func TestAnActChangesWhatIsStoredAndIsAudited(t *testing.T) {
	d := startDaemon(t)
	r, err := d.Unlock(t.Context(), UserAct{User: `EXAMPLE\alice`, Factor: "totp"})
	if err != nil {
		t.Fatal(err)
	}
	if f := r.User.Factors[1]; f.Failures != 0 || f.LockedUntil != nil || !f.Registered {
		t.Errorf("after unlock: %+v", f)
	}
	reset, err := d.Reset(t.Context(), ResetAct{UserAct: UserAct{User: "alice"}})
	if err != nil {
		t.Fatal(err)
	}
	if r = reset.UserReply; r.User.Factors[0].Registered || r.User.Factors[1].Registered {
		t.Errorf("after reset: %+v", r.User.Factors)
	}
	if got := fmt.Sprint(d.users.acts); got != `[unlock corp:a1 "totp" reset corp:a1 ""]` {
		t.Errorf("acts: %s", got)
	}
	for _, want := range []string{
		`event=admin act="user unlock" outcome=done`, `event=admin act="user reset" outcome=done`,
		fmt.Sprintf("peer.uid=%d", os.Getuid()), fmt.Sprintf("peer.pid=%d", os.Getpid()),
		"user_id=corp:a1 user=alice factor=totp",
	} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, d.log)
		}
	}
}

func TestAnActOnNothingIsRefused(t *testing.T) {
	d := startDaemon(t)
	for name, act := range map[string]UserAct{
		"a factor that the user does not have": {User: "alice", Factor: "sms"},
		"a user without factors":               {User: "bob"},
	} {
		if _, err := d.Unlock(t.Context(), act); statusOf(err) != http.StatusNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.users.acts) > 0 || strings.Contains(d.log.String(), "event=admin") {
		t.Errorf("acts %v, log %s", d.users.acts, d.log)
	}
}

// TestAResetEndsWhatIsUnderWay: nobody is registered yet, and somebody may be about to be.
func TestAResetEndsWhatIsUnderWay(t *testing.T) {
	d := startDaemon(t)
	for name, act := range map[string]UserAct{
		"a factor that the user does not have": {User: "alice", Factor: "sms"},
		"a user without factors":               {User: "bob"},
		"a factor that was reset already":      {User: "alice", Factor: "email"},
	} {
		_, err := d.Reset(t.Context(), ResetAct{UserAct: act})
		if statusOf(err) != http.StatusNotFound || !strings.Contains(err.Error(), "pending registrations were ended") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(d.users.acts) != 3 || strings.Count(d.log.String(), "outcome=done") != 3 {
		t.Errorf("acts %v, log %s", d.users.acts, d.log)
	}
}

func TestALostQuorumIsToldApartFromAFailure(t *testing.T) {
	d := startDaemon(t)
	d.users.err = fmt.Errorf("propose: %w", login.ErrUnavailable)
	_, err := d.Users(t.Context(), "", 0)
	if statusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "try again") {
		t.Errorf("no quorum: %v", err)
	}
	d.users.err = errors.New("canary-internal")
	_, err = d.Users(t.Context(), "", 0)
	if statusOf(err) != http.StatusInternalServerError || strings.Contains(err.Error(), "canary") {
		t.Errorf("failure: %v", err)
	}
	if !strings.Contains(d.log.String(), "canary-internal") {
		t.Errorf("the log does not say why: %s", d.log)
	}
}

func statusOf(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}
