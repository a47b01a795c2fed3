package login_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/login"
)

// TestS6APersonHasFourTriesUnderAllNames: the search filter finds alice by name, mail and telephone, and the directory
// compares without accents, as Active Directory does. From one station four wrong passwords are tried, whatever is typed.
func TestS6APersonHasFourTriesUnderAllNames(t *testing.T) {
	everyAccent := func(name string) (spellings []string) { // a̅lice, al̅ice …
		for i := 1; i <= len(name); i++ {
			for mark := '\u0300'; mark < '\u0314'; mark++ {
				spellings = append(spellings, name[:i]+string(mark)+name[i:])
			}
		}
		return spellings
	}
	for name, c := range map[string]struct {
		change func(*ldap.Config)
		typed  []string
	}{
		"by attribute": {func(c *ldap.Config) { c.SearchFilter = "(|(uid={username})(mail={login})(mobile={username}))" },
			[]string{"alice", "ALICE", "alice@example.test", `example.test\alice`, "Alice@EXAMPLE.test", "+441632960001", " alice", "ａｌｉｃｅ"}},
		"by a template, with accents": {func(c *ldap.Config) { c.BindTemplate = "uid={username},ou=people," + directorytest.BaseDN },
			append([]string{"alice", "ALICE", "alice@example.test"}, everyAccent("alice")...)},
		"by a template without a service account": {func(c *ldap.Config) {
			c.BindTemplate, c.BindDN, c.BindPassword = "uid={username},ou=people,"+directorytest.BaseDN, "", ""
		}, append([]string{"alice", "ALICE"}, everyAccent("alice")...)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newConcealedSite(t, c.change)
			s.throttle = login.NewThrottle(4, time.Hour, func() time.Time { return s.now })
			s.engine = s.newEngine(login.Limits{})
			try := func(station, user, password string) login.Reply {
				t.Helper()
				reply, err := s.engine.Begin(t.Context(), login.Request{
					Origin: login.Origin{Client: "vpn", Policy: "staff", CallingStationID: station}, Username: user, Password: password,
				})
				if err != nil {
					t.Fatal(err)
				}
				return reply
			}
			var bob string
			for _, p := range directorytest.People() {
				if p.Name == directorytest.Bob {
					bob = p.Password
				}
			}
			codes := map[login.Code]int{}
			for i := range 3 * len(c.typed) {
				codes[try("station", c.typed[i%len(c.typed)], "wrong").Code]++
			}
			if n := s.binds.Load(); n != 4 || codes[login.CodePasswordInvalid] != 4 || codes[login.CodeRateLimited] != 3*len(c.typed)-4 {
				t.Errorf("%d binds, want 4; %v", n, codes)
			}
			// Everybody else goes on.
			if reply := try("station", "bob", bob); reply.Verdict != login.Challenge {
				t.Errorf("bob: %v %s", reply.Verdict, reply.Code)
			}
		})
	}
}

// TestS7TriesTellNothingInOneRequest plays W W W X W with a wrong code, where X is the right password or a wrong one:
// no reply differs. A complete login gives all tries back, to the station as well.
func TestS7TriesTellNothingInOneRequest(t *testing.T) {
	for _, mode := range []login.Mode{login.ModeAppend, login.ModeOTPOnly} {
		var seen [2]string
		for n, x := range []string{"right", "wrong"} {
			w := newWorld(t)
			w.throttle = login.NewThrottle(4, time.Hour, func() time.Time { return w.now })
			w.engine = w.newEngine(login.Limits{})
			begin := func(station, password, code string) login.Reply {
				text := password + "," + code
				if mode == login.ModeOTPOnly {
					text = code
				}
				reply, err := w.engine.Begin(t.Context(), login.Request{
					Origin:   login.Origin{Client: "vpn", Policy: "staff", Mode: mode, CallingStationID: station},
					Username: "alice", Password: text,
				})
				w.must(err)
				return reply
			}
			for i, password := range []string{"wrong", "wrong", "wrong", x, "wrong", "wrong"} {
				reply := begin("thief", password, fmt.Sprintf("00000%d", i))
				reply.Trace, reply.Factor = "", ""
				seen[n] += fmt.Sprintf("%+v\n", reply)
			}
			w.now = w.now.Add(90 * time.Second) // the codes above have locked the factor for a minute
			// At a station of their own people log in as often as they like.
			for i := range 60 {
				w.now = w.now.Add(30 * time.Second)
				code, err := totpCode(aliceKey, w.now)
				w.must(err)
				if reply := begin("home", "right", code); reply.Verdict != login.Accept {
					t.Fatalf("mode %v, login %d: %v %s", mode, i, reply.Verdict, reply.Code)
				}
			}
		}
		if seen[0] != seen[1] {
			t.Errorf("mode %v: the right password shows:\n%s\nand the wrong one:\n%s", mode, seen[0], seen[1])
		}
		if strings.Contains(seen[0], string(login.CodeRateLimited)) {
			t.Errorf("mode %v tells the throttle: %s", mode, seen[0])
		}
	}
}

// TestS1DoubtfulRequestsHoldUpNobodyElse: what comes unsigned of a client that signs may be made of what somebody has
// read; its wrong passwords are counted apart.
func TestS1DoubtfulRequestsHoldUpNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.throttle = login.NewThrottle(4, time.Hour, func() time.Time { return w.now })
	w.engine = w.newEngine(login.Limits{})
	begin := func(doubtful bool, password string) login.Code {
		reply, err := w.engine.Begin(t.Context(), login.Request{
			Origin:   login.Origin{Client: "vpn", Policy: "staff", CallingStationID: "home", Doubtful: doubtful},
			Username: "alice", Password: password,
		})
		w.must(err)
		return reply.Code
	}
	for range 30 {
		begin(true, "wrong")
	}
	if got := begin(true, "right"); got != login.CodeRateLimited {
		t.Errorf("doubtful: %s", got)
	}
	if got := begin(false, "right"); got != login.CodePrompt {
		t.Errorf("signed: %s", got)
	}
}
