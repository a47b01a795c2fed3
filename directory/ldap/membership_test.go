package ldap_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jimlambrt/gldap"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/login"
)

// sid is a SID of the test's domain, S-1-5-21-1-2-3-RID, in hexadecimal digits.
func sid(rid byte) string {
	return "010500000000000515000000" + "010000000200000003000000" + fmt.Sprintf("%02x020000", rid)
}

const leavers = "CN=Leavers,OU=Groups," + directorytest.BaseDN

func TestD2ThePrimaryGroupCounts(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	server.Change("alice", "objectSid", directorytest.Octets(t, sid(1)))
	server.Change("alice", "primaryGroupID", "513") // 0x201
	server.Change("bob", "objectSid", directorytest.Octets(t, sid(2)))
	server.Change("bob", "primaryGroupID", "513")
	server.Add("CN=Domain Users,CN=Users,"+directorytest.BaseDN, map[string][]string{"objectSid": {directorytest.Octets(t, sid(1))}})
	server.Add(leavers, map[string][]string{"objectSid": {directorytest.Octets(t, sid(9))}})
	var chains []string
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		if !strings.Contains(filter, "1.2.840.113556.1.4.1941") {
			return false
		}
		chains = append(chains, filter)
		w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess)))
		return true
	}
	// Each person has another RID; the group's is in primaryGroupID.
	server.Change("alice", "objectSid", directorytest.Octets(t, sid(0x50)))
	cfg := config("ldap://" + server.Address)
	cfg.NestedGroups = true
	d := open(t, cfg)
	for _, name := range []string{"alice", "bob"} {
		password := map[string]string{"alice": "wonderland-1", "bob": "builder-1 ü∑"}[name]
		user, err := d.Authenticate(t.Context(), name, password)
		if err != nil || !slices.Contains(user.Groups, "CN=Domain Users,CN=Users,"+directorytest.BaseDN) || user.GroupsPartial != "" {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
	}
	if !slices.ContainsFunc(chains, func(f string) bool { return strings.Contains(f, "Domain Users") }) {
		t.Errorf("the groups that hold the primary group were not asked for: %q", chains)
	}

	server.Change("alice", "primaryGroupID", "521") // 0x209, Leavers
	d = open(t, config("ldap://"+server.Address))
	for _, ask := range []func() (login.User, error){
		func() (login.User, error) { return d.Authenticate(t.Context(), "alice", "wonderland-1") },
		func() (login.User, error) { return d.Find(t.Context(), "alice") },
		func() (login.User, error) {
			return d.Lookup(t.Context(), "corp:00000000-0000-4000-8000-00000000000a")
		},
	} {
		if user, err := ask(); err != nil || !slices.Contains(user.Groups, leavers) {
			t.Errorf("alice: %+v, %v", user, err)
		}
	}

	for name, change := range map[string]func(){
		"an unknown group":   func() { server.Change("alice", "primaryGroupID", "4711") },
		"no number":          func() { server.Change("alice", "primaryGroupID", "x") },
		"no SID":             func() { server.Change("alice", "objectSid") },
		"a SID that is none": func() { server.Change("alice", "objectSid", "S-1-5-21-1-2-3-80") },
	} {
		change()
		user, err := open(t, config("ldap://"+server.Address)).Authenticate(t.Context(), "alice", "wonderland-1")
		if err != nil || !strings.Contains(user.GroupsPartial, "primary group") {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
	}
}

// ranged makes a server that gives the groups of alice in ranges of 1,500, the last n-th in the named one.
func ranged(t *testing.T, server *directorytest.Server, groups []string, broken string) {
	t.Helper()
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		m, err := r.GetSearchMessage()
		if err != nil {
			t.Error(err)
			return false
		}
		from := 0
		for _, attribute := range m.Attributes {
			if span, ok := strings.CutPrefix(attribute, "memberOf;range="); ok {
				from, _ = strconv.Atoi(strings.TrimSuffix(span, "-*"))
			}
		}
		if from == 0 && !strings.Contains(filter, "uid=alice") {
			return false
		}
		e := r.NewSearchResponseEntry(directorytest.Person{Name: "alice"}.DN(), gldap.WithAttributes(map[string][]string{
			"uid": {"alice"}, "entryUUID": {"00000000-0000-4000-8000-00000000000a"},
		}))
		to, name := min(from+1500, len(groups)), fmt.Sprintf("memberOf;range=%d-%d", from, from+1499)
		if to == len(groups) {
			name = fmt.Sprintf("memberOf;range=%d-*", from)
		}
		if from > 0 {
			switch broken {
			case "no right":
				w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultInsufficientAccessRights)))
				return true
			case "without an end":
				name = "memberOf;range=0-1499"
			case "no range":
				name = "member"
			case "no number":
				name = "memberOf;range=1500-x"
			}
		}
		e.AddAttribute("memberOf", nil)
		e.AddAttribute(name, groups[from:to])
		w.Write(e)
		w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess)))
		return true
	}
}

func manyGroups(n int) []string {
	groups := make([]string, n)
	for i := range groups {
		groups[i] = fmt.Sprintf("cn=g%d,%s", i, directorytest.BaseDN)
	}
	groups[n-1] = leavers
	return groups
}

func TestD3RangesAreReadToTheEnd(t *testing.T) {
	for _, n := range []int{1, 1500, 1501, 3200} {
		server := directorytest.StartServer(t, nil, nil)
		ranged(t, server, manyGroups(n), "")
		user, err := open(t, config("ldap://"+server.Address)).Find(t.Context(), "alice")
		if err != nil || len(user.Groups) != n || user.Groups[n-1] != leavers || user.GroupsPartial != "" {
			t.Errorf("%d groups: %d, %q, %v", n, len(user.Groups), user.GroupsPartial, err)
		}
	}
	for _, broken := range []string{"no right", "without an end", "no range", "no number"} {
		server := directorytest.StartServer(t, nil, nil)
		ranged(t, server, manyGroups(3200), broken)
		user, err := open(t, config("ldap://"+server.Address)).Find(t.Context(), "alice")
		if err != nil || user.GroupsPartial == "" {
			t.Errorf("%s: %d groups, %q, %v", broken, len(user.Groups), user.GroupsPartial, err)
		}
	}
}

func TestD3NoGroupIsDroppedSilently(t *testing.T) {
	for name, c := range map[string]struct {
		groups []string
		want   int
		whole  bool
	}{
		"2,101":              {manyGroups(2101), 2101, true},
		"10,000":             {manyGroups(10000), 10000, true},
		"more than the most": {manyGroups(10001), 10000, false},
		"a long name":        {[]string{"cn=" + strings.Repeat("x", 1100), leavers}, 1, false},
		"a control":          {[]string{"cn=a\x00b", leavers}, 1, false},
		"no UTF-8":           {[]string{"cn=\xff", leavers}, 1, false},
		"empty":              {[]string{"", leavers}, 1, true},
	} {
		server := directorytest.StartServer(t, nil, nil)
		server.Change("alice", "memberOf", c.groups...)
		user, err := open(t, config("ldap://"+server.Address)).Find(t.Context(), "alice")
		if err != nil || len(user.Groups) != c.want || (user.GroupsPartial == "") != c.whole {
			t.Errorf("%s: %d groups, %q, %v", name, len(user.Groups), user.GroupsPartial, err)
		}
	}
	server := directorytest.StartServer(t, nil, nil)
	ranged(t, server, manyGroups(12000), "")
	if user, err := open(t, config("ldap://"+server.Address)).Find(t.Context(), "alice"); err != nil || user.GroupsPartial == "" {
		t.Errorf("12,000 groups: %d, %q, %v", len(user.Groups), user.GroupsPartial, err)
	}
}

// paged answers searches for groups, in pages where it is asked for them; code ends the search at 500.
func paged(server *directorytest.Server, n, code int) {
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		if !strings.Contains(filter, "member=") {
			return false
		}
		m, _ := r.GetSearchMessage()
		done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
		from, size := 0, n
		for _, control := range m.Controls {
			if page, ok := control.(*gldap.ControlPaging); ok {
				from, _ = strconv.Atoi(string(page.Cookie))
				size = int(page.PagingSize)
				next := &gldap.ControlPaging{}
				if from+size < n {
					next.Cookie = []byte(strconv.Itoa(from + size))
				}
				done.SetControls(next)
			}
		}
		for i := from; i < min(from+size, n); i++ {
			if code != 0 && i == 500 {
				done.SetResultCode(code)
				break
			}
			w.Write(r.NewSearchResponseEntry(fmt.Sprintf("cn=g%d,%s", i, directorytest.BaseDN)))
		}
		w.Write(done)
		return true
	}
}

func TestD4GroupsAreSearchedForInPages(t *testing.T) {
	for _, n := range []int{0, 1, 500, 501, 600, 1700} {
		server := directorytest.StartServer(t, nil, nil)
		paged(server, n, 0)
		cfg := config("ldap://" + server.Address)
		cfg.GroupFilter = "(member={dn})"
		user, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1")
		if err != nil || len(user.Groups) != n+1 || user.GroupsPartial != "" {
			t.Errorf("%d groups: %d, %q, %v", n, len(user.Groups), user.GroupsPartial, err)
		}
	}
	server := directorytest.StartServer(t, nil, nil)
	paged(server, 10500, 0)
	cfg := config("ldap://" + server.Address)
	cfg.GroupFilter = "(member={dn})"
	if user, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1"); err != nil || user.GroupsPartial == "" {
		t.Errorf("10,500 groups: %d, %q, %v", len(user.Groups), user.GroupsPartial, err)
	}
}

// TestD4ALimitTellsNothing: the answer is the same for a right and a wrong password.
func TestD4ALimitTellsNothing(t *testing.T) {
	for code, name := range map[int]string{gldap.ResultTimeLimitExceeded: "timeLimitExceeded", gldap.ResultSizeLimitExceeded: "sizeLimitExceeded",
		gldap.ResultAdminLimitExceeded: "adminLimitExceeded"} {
		server := directorytest.StartServer(t, nil, nil)
		paged(server, 600, code)
		cfg := config("ldap://" + server.Address)
		cfg.GroupFilter = "(member={dn})"
		d := open(t, cfg)
		for _, password := range []string{"wonderland-1", "wrong"} {
			if user, err := d.Authenticate(t.Context(), "alice", password); !errors.Is(err, login.ErrNotPermitted) || !strings.Contains(err.Error(), name) {
				t.Errorf("code %d, %q: %+v, %v", code, password, user, err)
			}
		}
		if user, err := d.Find(t.Context(), "alice"); !errors.Is(err, login.ErrNotPermitted) {
			t.Errorf("code %d, without a password: %+v, %v", code, user, err)
		}
		cfg.BindTemplate = "uid={username},ou=people," + directorytest.BaseDN
		if _, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1"); !errors.Is(err, login.ErrNotPermitted) {
			t.Errorf("code %d, with a template: %v", code, err)
		}
	}
}

// TestD4GroupsThatCannotBeHadTellNothing: whatever the search for groups ends with, a right password has the answer of a
// wrong one.
func TestD4GroupsThatCannotBeHadTellNothing(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	var code atomic.Int64
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		if !strings.Contains(filter, "member=") {
			return false
		}
		w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(int(code.Load()))))
		return true
	}
	cfg := config("ldap://" + server.Address)
	cfg.GroupFilter, cfg.EntryCache = "(member={dn})", new(ldap.Duration)
	d := open(t, cfg)
	for n := range int64(124) {
		if n == gldap.ResultSuccess {
			continue
		}
		code.Store(n)
		_, right := d.Authenticate(t.Context(), "alice", "wonderland-1")
		_, wrong := d.Authenticate(t.Context(), "alice", "wrong")
		if right == nil || login.RefusalCode(right) != login.RefusalCode(wrong) {
			t.Errorf("code %d: %v for the right password, %v for a wrong one", n, right, wrong)
		}
	}
}

func TestD16AnAccountMadeAnewIsNotTakenForTheOldOne(t *testing.T) {
	const old, made = "corp:00000000-0000-4000-8000-00000000000a", "corp:00000000-0000-4000-8000-0000000000ff"
	for name, change := range map[string]func(*ldap.Config){
		"search":        func(*ldap.Config) {},
		"bind template": func(c *ldap.Config) { c.BindTemplate = "uid={username},ou=people," + directorytest.BaseDN },
		"without search": func(c *ldap.Config) {
			c.BindTemplate, c.BindDN, c.BindPassword = "uid={username},ou=people,"+directorytest.BaseDN, "", ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := directorytest.StartServer(t, nil, nil)
			cfg := config("ldap://" + server.Address)
			change(&cfg)
			d := open(t, cfg)
			user, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
			if err != nil || user.ID != old {
				t.Fatalf("%+v, %v", user, err)
			}
			server.Change("alice", "entryUUID", strings.TrimPrefix(made, "corp:"))
			server.Change("alice", "memberOf", leavers)
			if cfg.BindDN != "" {
				if user, err = d.Find(t.Context(), "alice"); err != nil || user.ID != made || !slices.Equal(user.Groups, []string{leavers}) {
					t.Errorf("found: %+v, %v", user, err)
				}
				server.Change("alice", "entryUUID", strings.TrimPrefix(old, "corp:"))
				d.Find(t.Context(), "alice")
				server.Change("alice", "entryUUID", strings.TrimPrefix(made, "corp:"))
			}
			for range 2 {
				if user, err = d.Authenticate(t.Context(), "alice", "wonderland-1"); err != nil || user.ID != made || !slices.Equal(user.Groups, []string{leavers}) {
					t.Errorf("made anew: %+v, %v", user, err)
				}
			}
			server.Remove("alice")
			if user, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); login.RefusalCode(err) == "" {
				t.Errorf("gone: %+v, %v", user, err)
			}
		})
	}
}

func TestD7ALockEndsWithItsTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	filetime := func(at time.Time) string { return strconv.FormatInt((at.Unix()+11_644_473_600)*10_000_000, 10) }
	generalized := func(at time.Time) string { return at.Format("20060102150405Z") }
	policy := func(duration string) map[string][]string {
		p := map[string][]string{"objectClass": {"pwdPolicy"}, "pwdLockout": {"TRUE"}}
		if duration != "" {
			p["pwdLockoutDuration"] = []string{duration}
		}
		return p
	}
	domain := func(duration string) map[string][]string {
		return map[string][]string{"objectClass": {"domain"}, "lockoutDuration": {duration}}
	}
	const slapd, ad = "pwdAccountLockedTime", "lockoutTime"
	for name, c := range map[string]struct {
		attribute, value string
		dn               string
		entry            map[string][]string
		subentry         string
		locked           bool
	}{
		"over":                          {slapd, generalized(now.Add(-time.Hour)), "cn=default", policy("900"), "", false},
		"just over":                     {slapd, generalized(now.Add(-900 * time.Second)), "cn=default", policy("900"), "", false},
		"a second left":                 {slapd, generalized(now.Add(-899 * time.Second)), "cn=default", policy("900"), "", true},
		"with a fraction":               {slapd, now.Add(-time.Hour).Format("20060102150405.000000Z"), "cn=default", policy("900"), "", false},
		"in another zone":               {slapd, "20261124120000+0200", "cn=default", policy("900"), "", false},
		"the policy of the entry":       {slapd, generalized(now.Add(-time.Hour)), "cn=own", policy("7200"), "cn=own," + directorytest.BaseDN, true},
		"permanent":                     {slapd, "000001010000Z", "cn=default", policy("900"), "", true},
		"permanent, written longer":     {slapd, "00000101000000Z", "cn=default", policy("900"), "", true},
		"until unlocked":                {slapd, generalized(now.Add(-time.Hour)), "cn=default", policy("0"), "", true},
		"no duration":                   {slapd, generalized(now.Add(-time.Hour)), "cn=default", policy(""), "", true},
		"no policy":                     {slapd, generalized(now.Add(-time.Hour)), "cn=default", domain("x"), "", true},
		"a policy that cannot be read":  {slapd, generalized(now.Add(-time.Hour)), "cn=default", policy("900"), "cn=hidden," + directorytest.BaseDN, true},
		"in the future":                 {slapd, generalized(now.Add(time.Hour)), "cn=default", policy("900"), "", true},
		"no time":                       {slapd, "yesterday", "cn=default", policy("900"), "", true},
		"the server locks nobody":       {slapd, generalized(now), "cn=default", map[string][]string{"objectClass": {"pwdPolicy"}, "pwdLockout": {"FALSE"}}, "", true},
		"the server locks nobody, past": {slapd, generalized(now.Add(-time.Minute)), "cn=default", map[string][]string{"objectClass": {"pwdPolicy"}, "pwdLockout": {"FALSE"}}, "", false},
		"lockoutTime over":              {ad, filetime(now.Add(-31 * time.Minute)), "", domain("-18000000000"), "", false},
		"lockoutTime not over":          {ad, filetime(now.Add(-29 * time.Minute)), "", domain("-18000000000"), "", true},
		"lockoutTime, until unlocked":   {ad, filetime(now.Add(-31 * time.Minute)), "", domain("-9223372036854775808"), "", true},
		"lockoutTime, zero":             {ad, filetime(now.Add(-31 * time.Minute)), "", domain("0"), "", true},
		"lockoutTime in the future":     {ad, filetime(now.Add(time.Hour)), "", domain("-18000000000"), "", true},
		"lockoutTime, no domain":        {ad, filetime(now.Add(-31 * time.Minute)), "cn=x", domain("-18000000000"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			server := directorytest.StartServer(t, nil, nil)
			server.Change("alice", c.attribute, c.value)
			if c.subentry != "" {
				server.Change("alice", "pwdPolicySubentry", c.subentry)
			}
			server.Add(strings.TrimPrefix(c.dn+","+directorytest.BaseDN, ","), c.entry)
			d, err := ldap.New("corp", config("ldap://"+server.Address), slog.New(slog.DiscardHandler), func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			user, err := d.Find(t.Context(), "alice")
			if errors.Is(err, login.ErrLocked) != c.locked || !c.locked && err != nil {
				t.Errorf("%+v, %v; want locked: %v", user, err, c.locked)
			}
			if _, err := d.Lookup(t.Context(), "corp:00000000-0000-4000-8000-00000000000a"); errors.Is(err, login.ErrLocked) != c.locked {
				t.Errorf("at the code step: %v; want locked: %v", err, c.locked)
			}
		})
	}
}

// TestD5OneServerIsAsked: an answer about the account is one at the first server, which is told as a wrong password.
func TestD5OneServerIsAsked(t *testing.T) {
	first, second := directorytest.StartServer(t, nil, nil), directorytest.StartServer(t, nil, nil)
	var code atomic.Int64
	first.OnBind = func(dn, password string) (directorytest.Answer, bool) {
		if dn == directorytest.ServiceDN {
			return directorytest.Answer{}, false
		}
		return directorytest.Answer{Code: int(code.Load()), Words: "no"}, true
	}
	d := open(t, config("ldap://"+first.Address, "ldap://"+second.Address))
	for _, n := range []int64{16, 19, 32, 33, 34, 36, 48, 49, 50} {
		code.Store(n)
		before := second.Binds()
		if _, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); login.RefusalCode(err) == "" || second.Binds() != before {
			t.Errorf("code %d: %v, and %d binds at the second server", n, err, second.Binds()-before)
		}
	}
}
