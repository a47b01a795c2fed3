//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/e2e/servers"
	"sallyport/login"
)

const sambaPassword = "Wonderland-1"

func startSamba(t *testing.T) *servers.Samba {
	t.Helper()
	return servers.StartSamba(t, servers.SambaOptions{
		People: []servers.SambaPerson{
			{Name: "alice", Password: sambaPassword, Mail: "alice@example.test", Phone: "+441632960001"},
			{Name: "service", Password: sambaPassword},
			{Name: "disabled", Password: sambaPassword, Disabled: true},
			{Name: "mustchange", Password: sambaPassword, MustChange: true},
			{Name: "expired", Password: sambaPassword, Expired: true},
			{Name: "gone", Password: sambaPassword, AccountExpired: true},
			{Name: "victim", Password: sambaPassword},
		},
		Groups: []servers.SambaGroup{{Name: "sales", Members: []string{"alice"}}, {Name: "staff", Members: []string{"sales"}},
			{Name: "vpn", Members: []string{"staff"}}},
	})
}

func sambaConfig(s *servers.Samba) ldap.Config {
	return ldap.Config{
		URLs: []string{s.TLSURL()}, CAFile: s.CAFile, BaseDN: s.BaseDN, Domains: []string{servers.SambaDomain, servers.SambaRealm},
		BindDN: "service@" + servers.SambaRealm, BindPassword: sambaPassword, SearchFilter: "(&(objectClass=user)(sAMAccountName={username}))",
		NestedGroups: true,
	}
}

func TestDirectoryOnSamba(t *testing.T) {
	samba := startSamba(t)
	id := objectGUID(t, samba, "alice")
	for name, change := range map[string]func(*ldap.Config){
		"LDAPS":         func(*ldap.Config) {},
		"StartTLS":      func(c *ldap.Config) { c.URLs, c.StartTLS = []string{samba.URL()}, true },
		"bind template": func(c *ldap.Config) { c.BindTemplate = "{username}@" + servers.SambaRealm },
		"NT name":       func(c *ldap.Config) { c.BindTemplate = servers.SambaDomain + `\{username}` },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := sambaConfig(samba)
			cfg.EntryCache = new(ldap.Duration)
			change(&cfg)
			d := openDirectory(t, cfg)
			for _, typed := range []string{"alice", "ALICE", "Alice ", `EXAMPLE\alice`, `example\ALICE`, "alice@example.test", "ALICE@EXAMPLE.TEST", "alice@EXAMPLE"} {
				user, err := d.Authenticate(t.Context(), typed, sambaPassword)
				if err != nil || user.ID != "corp:"+id || user.Name != "alice" || user.Mail != "alice@example.test" {
					t.Errorf("Authenticate(%q) = %+v, %v; want %s", typed, user, err, id)
				}
				if primary := "CN=Domain Users,CN=Users," + samba.BaseDN; !slices.Contains(user.Groups, primary) || user.GroupsPartial != "" { // D2
					t.Errorf("%q: the groups %q lack %s, or are partial: %q", typed, user.Groups, primary, user.GroupsPartial)
				}
				for _, group := range []string{"sales", "staff", "vpn"} {
					if dn := (servers.SambaGroup{Name: group}).DN(); !slices.Contains(user.Groups, dn) {
						t.Errorf("%q: the groups %q lack %s", typed, user.Groups, dn)
					}
				}
			}
			if user, err := d.Lookup(t.Context(), "corp:"+id); err != nil || user.Name != "alice" {
				t.Errorf("Lookup = %+v, %v", user, err)
			}
			refusalsOnSamba(t, d)
		})
	}
	t.Run("cleartext is no refusal", func(t *testing.T) { cleartextToSamba(t, samba) })
	t.Run("locked and disabled since", func(t *testing.T) { changesOnSamba(t, samba) })
}

// refusalsOnSamba checks that each refusal is told apart, and that a wrong password tells nothing.
func refusalsOnSamba(t *testing.T, d *ldap.Directory) {
	t.Helper()
	for name, want := range map[string]error{
		"disabled": login.ErrDisabled, "mustchange": login.ErrPasswordMustChange, "expired": login.ErrPasswordExpired, "gone": login.ErrDisabled, "alice": nil,
	} {
		if _, err := d.Authenticate(t.Context(), name, sambaPassword); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("Authenticate(%s) = %v, want %v", name, err, want)
		}
		if _, err := d.Authenticate(t.Context(), name, "wrong"); login.RefusalCode(err) != login.CodePasswordInvalid {
			t.Errorf("Authenticate(%s) with a wrong password = %v", name, err)
		}
	}
	for _, text := range append(directorytest.Injections(), "nobody", `OTHER\alice`, "alice@other.test") {
		if user, err := d.Authenticate(t.Context(), text, sambaPassword); login.RefusalCode(err) != login.CodePasswordInvalid || user.ID != "" {
			t.Errorf("Authenticate(%q) = %+v, %v", text, user, err)
		}
	}
}

// changesOnSamba locks one account and disables another between the two steps of a login.
func changesOnSamba(t *testing.T, samba *servers.Samba) {
	cfg := sambaConfig(samba)
	cfg.EntryCache = new(ldap.Duration)
	d := openDirectory(t, cfg)

	victim, err := d.Authenticate(t.Context(), "victim", sambaPassword)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := d.Authenticate(t.Context(), "victim", "wrong"); login.RefusalCode(err) == "" {
			t.Fatalf("wrong password: %v", err)
		}
	}
	if _, err := d.Authenticate(t.Context(), "victim", sambaPassword); !errors.Is(err, login.ErrLocked) {
		t.Errorf("the right password after five wrong ones: %v, want ErrLocked", err)
	}
	if _, err := d.Lookup(t.Context(), victim.ID); !errors.Is(err, login.ErrLocked) {
		t.Errorf("Lookup of the locked account: %v, want ErrLocked", err)
	}

	alice, err := d.Authenticate(t.Context(), "alice", sambaPassword)
	if err != nil {
		t.Fatal(err)
	}
	disable(t, samba, "alice")
	if _, err := d.Lookup(t.Context(), alice.ID); !errors.Is(err, login.ErrDisabled) {
		t.Errorf("Lookup of an account disabled since: %v, want ErrDisabled", err)
	}
}

// cleartextToSamba sends a password where Samba wants encryption first.
func cleartextToSamba(t *testing.T, samba *servers.Samba) {
	cfg := sambaConfig(samba)
	cfg.URLs = []string{samba.URL()}
	_, err := openDirectory(t, cfg).Authenticate(t.Context(), "alice", sambaPassword)
	if err == nil || login.RefusalCode(err) != "" {
		t.Errorf("Authenticate = %v, want an error that is no refusal", err)
	}
}

// objectGUID reads a person's objectGUID and writes it as Active Directory does.
func objectGUID(t *testing.T, samba *servers.Samba, name string) string {
	t.Helper()
	admin, err := samba.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	found, err := admin.Search(goldap.NewSearchRequest(servers.SambaPerson{Name: name}.DN(), goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, 5,
		false, "(objectClass=*)", []string{"objectGUID"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	g := found.Entries[0].GetRawAttributeValue("objectGUID")
	if len(g) != 16 {
		t.Fatalf("objectGUID of %d octets", len(g))
	}
	return strings.ToLower(fmt.Sprintf("%02X%02X%02X%02X-%02X%02X-%02X%02X-%X-%X", g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8:10], g[10:16]))
}

func disable(t *testing.T, samba *servers.Samba, name string) {
	t.Helper()
	admin, err := samba.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	change := goldap.NewModifyRequest(servers.SambaPerson{Name: name}.DN(), nil)
	change.Replace("userAccountControl", []string{"66050"})
	if err := admin.Modify(change); err != nil {
		t.Fatal(err)
	}
}
