package directorytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/login"
)

// Run checks what every directory promises. open returns a directory called "corp" that knows
// [People] under [Domains]; it is called once per subtest.
func Run(t *testing.T, open func(t *testing.T) login.Directory) {
	people := map[string]Person{}
	for _, p := range People() {
		people[p.Name] = p
	}
	for name, test := range map[string]func(*testing.T, login.Directory, map[string]Person){
		"a right password gives the user":          rightPassword,
		"a wrong password is refused":              wrongPassword,
		"an unusable password is never asked for":  unusablePassword,
		"a stranger is told from a wrong password": stranger,
		"a password is tried with permission only": permission,
		"every spelling has one id":                spellings,
		"no text leads to another entry":           injections,
		"a disabled account is refused":            disabled,
		"an id is found again":                     lookup,
		"a name is found without a password":       find,
		"a caller who left gets no verdict":        cancelled,
		"many log in at once":                      crowd,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t), people) })
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func rightPassword(t *testing.T, d login.Directory, people map[string]Person) {
	for _, name := range []string{Alice, Bob} {
		p := people[name]
		user, err := d.Authenticate(within(t), name, p.Password)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if user.ID != "corp:"+p.ID || user.Name != p.Name || user.Mail != p.Mail || user.Phone != p.Phone || !slices.Equal(user.Groups, p.Groups) {
			t.Errorf("user = %+v, want %+v", user, p)
		}
	}
}

func wrongPassword(t *testing.T, d login.Directory, people map[string]Person) {
	right := people[Alice].Password
	for _, password := range []string{"wrong", right + " ", " " + right, strings.ToUpper(right), right[:len(right)-1], strings.Repeat("x", 4096)} {
		if _, err := d.Authenticate(within(t), Alice, password); !errors.Is(err, login.ErrPassword) {
			t.Errorf("Authenticate(alice, %.40q) = %v, want ErrPassword", password, err)
		}
	}
	if _, err := d.Authenticate(within(t), Alice, right); err != nil {
		t.Errorf("the right password after wrong ones: %v", err)
	}
}

func unusablePassword(t *testing.T, d login.Directory, people map[string]Person) {
	for _, name := range []string{Alice, "nobody", ""} {
		for _, password := range []string{"", "\x00", people[Alice].Password + "\x00", "\x00" + people[Alice].Password} {
			if _, err := d.Authenticate(within(t), name, password); !errors.Is(err, login.ErrPassword) {
				t.Errorf("Authenticate(%q, %q) = %v, want ErrPassword", name, password, err)
			}
		}
	}
}

// permission: [login.MayTry] is asked once, with the person's id where somebody was found before the password was
// tried, and its no is final.
func permission(t *testing.T, d login.Directory, people map[string]Person) {
	no := errors.New("no")
	for _, c := range []struct{ name, password string }{
		{Alice, people[Alice].Password}, {Alice, "wrong"}, {Dora, people[Dora].Password}, {"ghost", "wrong"}, {`OTHER\ghost`, "wrong"}, {Alice, ""}, {Alice, "a\x00b"},
	} {
		for _, answer := range []error{nil, no} {
			var asked []string
			ctx := login.WithMayTry(within(t), func(id string) error {
				asked = append(asked, id)
				return answer
			})
			_, err := d.Authenticate(ctx, c.name, c.password)
			usable := c.password != "" && !strings.ContainsRune(c.password, 0)
			if len(asked) != map[bool]int{true: 1}[usable] {
				t.Errorf("%q with %q: asked %d times", c.name, c.password, len(asked))
			}
			if len(asked) > 0 && asked[0] != "" && asked[0] != "corp:"+people[c.name].ID {
				t.Errorf("%q: asked about %q", c.name, asked[0])
			}
			if answer != nil && usable != errors.Is(err, no) {
				t.Errorf("%q with %q, not permitted: %v", c.name, c.password, err)
			}
		}
	}
}

func stranger(t *testing.T, d login.Directory, people map[string]Person) {
	for _, name := range []string{"nobody", `OTHER\alice`, "alice@other.test", "", "alice\x00", "al\nice"} {
		user, err := d.Authenticate(within(t), name, people[Alice].Password)
		if !errors.Is(err, login.ErrNoUser) || user.ID != "" {
			t.Errorf("Authenticate(%q) = %+v, %v; want ErrNoUser", name, user, err)
		}
		if _, err := d.Find(within(t), name); !errors.Is(err, login.ErrNoUser) {
			t.Errorf("Find(%q) = %v, want ErrNoUser", name, err)
		}
	}
}

func spellings(t *testing.T, d login.Directory, people map[string]Person) {
	alice := people[Alice]
	for _, name := range []string{
		"alice", "ALICE", "aLiCe", " alice", "alice ", "ａｌｉｃｅ", `EXAMPLE\alice`, `example\Alice`, `example.test\alice`,
		"alice@example.test", "ALICE@EXAMPLE.TEST", "alice@EXAMPLE",
	} {
		user, err := d.Authenticate(within(t), name, alice.Password)
		if err != nil || user.ID != "corp:"+alice.ID {
			t.Errorf("Authenticate(%q) = %q, %v; want alice", name, user.ID, err)
		}
	}
}

func disabled(t *testing.T, d login.Directory, people map[string]Person) {
	dora := people[Dora]
	user, err := d.Authenticate(within(t), Dora, dora.Password)
	if !errors.Is(err, login.ErrDisabled) || user.ID != "corp:"+dora.ID {
		t.Errorf("Authenticate = %+v, %v; want dora and ErrDisabled", user, err)
	}
	if _, err := d.Lookup(within(t), "corp:"+dora.ID); !errors.Is(err, login.ErrDisabled) {
		t.Errorf("Lookup = %v, want ErrDisabled", err)
	}
}

func lookup(t *testing.T, d login.Directory, people map[string]Person) {
	alice := people[Alice]
	user, err := d.Lookup(within(t), "corp:"+alice.ID)
	if err != nil || user.Name != Alice || user.Mail != alice.Mail || !slices.Equal(user.Groups, alice.Groups) {
		t.Errorf("Lookup = %+v, %v", user, err)
	}
	for _, id := range []string{"", "corp:", "corp", alice.ID, "other:" + alice.ID, "corp:*", "corp:00000000-0000-4000-8000-0000000000ff", "corp:a)(uid=*"} {
		if user, err := d.Lookup(within(t), id); !errors.Is(err, login.ErrNoUser) {
			t.Errorf("Lookup(%q) = %+v, %v; want ErrNoUser", id, user, err)
		}
	}
}

func find(t *testing.T, d login.Directory, people map[string]Person) {
	for _, name := range []string{Alice, `EXAMPLE\ALICE`} {
		user, err := d.Find(within(t), name)
		if err != nil || user.ID != "corp:"+people[Alice].ID {
			t.Errorf("Find(%q) = %+v, %v", name, user, err)
		}
	}
}

func cancelled(t *testing.T, d login.Directory, people map[string]Person) {
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	_, err := d.Authenticate(ctx, Alice, people[Alice].Password)
	if err == nil || login.RefusalCode(err) != "" {
		t.Errorf("Authenticate = %v, want an error that is no refusal", err)
	}
	if _, err := d.Lookup(ctx, "corp:"+people[Bob].ID); err == nil || login.RefusalCode(err) != "" {
		t.Errorf("Lookup = %v, want an error that is no refusal", err)
	}
}

func crowd(t *testing.T, d login.Directory, people map[string]Person) {
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			name, password, want := Alice, people[Alice].Password, error(nil)
			if i%3 == 1 {
				name, password = Bob, people[Bob].Password
			} else if i%3 == 2 {
				password, want = "wrong", login.ErrPassword
			}
			user, err := d.Authenticate(within(t), name, password)
			if !errors.Is(err, want) || err == nil && user.Name != name {
				t.Errorf("Authenticate(%s) = %+v, %v; want %v", name, user, err, want)
			}
		})
	}
	all.Wait()
}
