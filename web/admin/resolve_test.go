package admin

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"sallyport/login"
)

// acts are the requests that name a user and change something. A new one has to be here.
func acts(user, directory string) map[string]any {
	who := UserAct{User: user, Directory: directory}
	return map[string]any{
		"POST /v1/user/enrol":          EnrolAct{UserAct: UserAct{User: user, Directory: directory, Factor: "totp"}},
		"POST /v1/user/invite":         InviteAct{UserAct: who},
		"POST /v1/user/bypass":         BypassAct{UserAct: who, Reason: "lost"},
		"POST /v1/user/recovery-codes": who,
		"POST /v1/user/reset":          ResetAct{UserAct: who},
		"POST /v1/user/unlock":         who,
		"POST /v1/window":              WindowAct{User: user, Directory: directory, ForSeconds: 60},
	}
}

// TestS16AnActNeedsANameThatMeansOnePerson asks for each act while a name may mean somebody else.
func TestS16AnActNeedsANameThatMeansOnePerson(t *testing.T) {
	down := func(name string) func(*daemon) {
		return func(d *daemon) { d.dirs[name].err = errors.New("dial tcp: refused") }
	}
	namesake := func(d *daemon) { d.dirs["guests"].names["alice"] = login.User{ID: "guests:g9", Name: "alice"} }
	locked := func(d *daemon) { namesake(d); d.dirs["guests"].err = login.ErrLocked }
	several := func(name string) func(*daemon) {
		return func(d *daemon) { d.dirs[name].err = login.ErrSeveral }
	}
	left := func(d *daemon) { // stored in two directories that know neither
		d.users.stored["corp:z1"] = login.Enrolment{UserID: "corp:z1", Name: "zoe"}
		d.users.stored["guests:z2"] = login.Enrolment{UserID: "guests:z2", Name: "Zoe"}
	}
	for _, tt := range []struct {
		name, user, directory string
		prepare               func(*daemon)
		want                  string // "" goes on
	}{
		{"the only namesake that answers", "alice", "", down("guests"), "if you mean alice (corp:a1), give the ID: corp:a1"},
		{"while the user's own directory is down", "alice", "", down("corp"), "give the ID: corp:a1"},
		{"in a directory that is down", "alice", "corp", down("corp"), "give the ID: corp:a1"},
		{"a spelling", `EXAMPLE\Alice`, "", down("guests"), "give the ID: corp:a1"},
		{"known to the directory only", "bob", "", down("guests"), "give the ID: corp:b2"},
		{"stored only", "carol", "", down("guests"), "give the ID: corp:c3"},
		{"two namesakes", "alice", "", namesake, "--directory, or give the ID"},
		{"two namesakes, one of them locked", "alice", "", locked, "--directory, or give the ID"},
		{"two namesakes that are stored only", "zoe", "", left, "--directory, or give the ID"},
		{"several in another directory", "alice", "", several("guests"), "give the ID: corp:a1"},
		{"several in the user's own", "alice", "corp", several("corp"), "give the ID: corp:a1"},
		{"nobody that answers", "zoe", "", down("guests"), "directory guests could not be asked"},
		{"its directory is named", "alice", "corp", down("guests"), ""},
		{"its ID is given", "corp:a1", "", down("guests"), ""},
		{"its ID is given, while its directory is down", "corp:a1", "", down("corp"), ""},
		{"all directories answer", "alice", "", func(*daemon) {}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for route, act := range acts(tt.user, tt.directory) {
				d := startDaemon(t)
				tt.prepare(d)
				before := fmt.Sprint(d.users.stored, d.users.windows)
				method, path, _ := strings.Cut(route, " ")
				_, err := call[map[string]any](t.Context(), d.Caller, method, path, act)
				p := (*Problem)(nil)
				switch refused := errors.As(err, &p); {
				case tt.want == "" && err != nil:
					t.Errorf("%s: %v", route, err)
				case tt.want != "" && (!refused || p.Status != http.StatusConflict && p.Status != http.StatusNotFound || !strings.Contains(p.Hint, tt.want)):
					t.Errorf("%s: got %+v, want the hint %q", route, err, tt.want)
				case tt.want != "" && fmt.Sprint(d.users.stored, d.users.windows) != before:
					t.Errorf("%s was refused and has changed something", route)
				}
			}
			d := startDaemon(t)
			tt.prepare(d)
			if _, err := d.Subject(t.Context(), tt.user, tt.directory); (err != nil) != (tt.want != "") {
				t.Errorf("as the one to be acted on: %v", err)
			}
		})
	}
}

// TestEveryActIsTried holds the list above to what is served.
func TestEveryActIsTried(t *testing.T) {
	withoutUser := map[string]bool{
		"POST /v1/client/forget": true, "POST /v1/cluster/token": true, "POST /v1/cluster/remove": true, "POST /v1/cluster/transfer": true,
		"POST /v1/cluster/clock": true,
	}
	tried := acts("", "")
	for route := range (&Server{}).table() {
		if strings.HasPrefix(route, "GET ") || withoutUser[route] {
			continue
		}
		if tried[route] == nil {
			t.Errorf("%s changes something and is not among the acts", route)
		}
		delete(tried, route)
	}
	if len(tried) > 0 {
		t.Errorf("not served: %v", reflect.ValueOf(tried).MapKeys())
	}
}

// TestWhatIsShownSaysWhoCouldNotBeAsked: looking goes on, with a note.
func TestWhatIsShownSaysWhoCouldNotBeAsked(t *testing.T) {
	d := startDaemon(t)
	d.dirs["guests"].err = errors.New("dial tcp: refused")
	r, err := d.User(t.Context(), "alice", "")
	if err != nil || r.User.ID != "corp:a1" || len(r.Notes) != 1 || r.Notes[0] != "directory guests could not be asked" {
		t.Errorf("got %+v, %v", r, err)
	}
}
