//go:build e2e

package e2e

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/e2e/servers"
	"sallyport/login"
)

// slapdConfig is that of a directory on a slapd.
func slapdConfig(slapd *servers.Slapd, urls ...string) ldap.Config {
	return ldap.Config{
		URLs: urls, CAFile: slapd.CAFile, BaseDN: servers.BaseDN, BindDN: servers.ServiceDN, BindPassword: servers.ServicePassword,
		Domains: []string{"EXAMPLE", "example.test"},
	}
}

// openDirectory opens the directory "corp".
func openDirectory(t testing.TB, cfg ldap.Config) *ldap.Directory {
	t.Helper()
	d, err := ldap.New("corp", cfg, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func alice() servers.Person {
	return servers.Person{UID: "alice", Password: "wonderland-1", Mail: "alice@example.test", Phone: "+441632960001", Groups: []string{"staff", "vpn"}}
}

func TestDirectoryOnSlapd(t *testing.T) {
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: []servers.Person{alice(), {UID: "bob", Password: "builder-1"}}})
	for name, change := range map[string]func(*ldap.Config){
		"LDAPS": func(c *ldap.Config) { c.URLs = []string{slapd.TLSURL()} },
		"StartTLS": func(c *ldap.Config) {
			c.URLs, c.StartTLS = []string{slapd.URL()}, true
		},
		"bind template": func(c *ldap.Config) {
			c.URLs, c.BindTemplate = []string{slapd.TLSURL()}, "uid={username},"+servers.PeopleDN
		},
		"bind template without a service account": func(c *ldap.Config) {
			c.URLs, c.BindTemplate, c.BindDN, c.BindPassword = []string{slapd.TLSURL()}, "uid={username},"+servers.PeopleDN, "", ""
		},
		"groups by search": func(c *ldap.Config) {
			c.URLs, c.GroupAttribute, c.GroupFilter, c.GroupBaseDN = []string{slapd.TLSURL()}, "description", "(member={dn})", servers.GroupsDN
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := slapdConfig(slapd)
			change(&cfg)
			d := openDirectory(t, cfg)
			for _, typed := range []string{"alice", "ALICE", `EXAMPLE\alice`, "Alice@Example.test", " alice "} {
				user, err := d.Authenticate(t.Context(), typed, "wonderland-1")
				slices.Sort(user.Groups)
				if err != nil || user.ID != "corp:"+alice().EntryUUID() || user.Mail != alice().Mail || user.Phone != alice().Phone ||
					!slices.Equal(user.Groups, []string{"cn=staff," + servers.GroupsDN, "cn=vpn," + servers.GroupsDN}) {
					t.Errorf("Authenticate(%q) = %+v, %v", typed, user, err)
				}
			}
			if again, err := d.Lookup(t.Context(), "corp:"+alice().EntryUUID()); err != nil || again.Name != "alice" {
				t.Errorf("Lookup = %+v, %v", again, err)
			}
			if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
				t.Errorf("wrong password: %v", err)
			}
			for _, text := range append(directorytest.Injections(), "nobody", `OTHER\alice`) {
				if user, err := d.Authenticate(t.Context(), text, "wonderland-1"); login.RefusalCode(err) != login.CodePasswordInvalid || user.ID != "" {
					t.Errorf("Authenticate(%q) = %+v, %v", text, user, err)
				}
			}
		})
	}
}

func TestPasswordPolicyRefusalsOnSlapd(t *testing.T) {
	slapd := servers.StartSlapd(t, servers.SlapdOptions{PPolicy: true, People: []servers.Person{
		alice(),
		{UID: "reset", Password: "password-1", Extra: []string{"pwdReset: TRUE"}},
		{UID: "old", Password: "password-1", Extra: []string{"pwdChangedTime: 20200101000000Z"}},
		{UID: "locked", Password: "password-1", Extra: []string{"pwdAccountLockedTime: 000001010000Z"}},
	}})
	cfg := slapdConfig(slapd, slapd.TLSURL())
	cfg.EntryCache = new(ldap.Duration)
	d := openDirectory(t, cfg)
	for name, want := range map[string]error{"alice": nil, "reset": login.ErrPasswordMustChange, "old": login.ErrPasswordExpired, "locked": login.ErrLocked} {
		password := "password-1"
		if name == "alice" {
			password = "wonderland-1"
		}
		user, err := d.Authenticate(t.Context(), name, password)
		if !errors.Is(err, want) || want == nil && err != nil || user.Name != name {
			t.Errorf("Authenticate(%s) = %+v, %v; want %v", name, user, err, want)
		}
	}
	user, err := d.Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
			t.Fatalf("wrong password: %v", err)
		}
	}
	if _, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); !errors.Is(err, login.ErrLocked) {
		t.Errorf("the right password after five wrong ones: %v, want ErrLocked", err)
	}
	if _, err := d.Lookup(t.Context(), user.ID); !errors.Is(err, login.ErrLocked) {
		t.Errorf("Lookup at the second step: %v, want ErrLocked", err)
	}
}

func TestLoginsGoOnWhileASlapdDies(t *testing.T) {
	for name, strike := range map[string]func(*servers.Slapd){
		"killed": (*servers.Slapd).Kill,
		"hangs":  func(s *servers.Slapd) { s.Signal(syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			ca, err := servers.NewCA(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			first := servers.StartSlapd(t, servers.SlapdOptions{Bulk: 500, CA: ca})
			second := servers.StartSlapd(t, servers.SlapdOptions{Bulk: 500, CA: ca})
			d := openDirectory(t, slapdConfig(first, first.TLSURL(), second.TLSURL()))
			running, stop := context.WithCancel(t.Context())
			defer stop()
			go d.Run(running)

			const logins, strikeAt = 1000, 300
			var done atomic.Int64
			struck := make(chan struct{})
			next := make(chan int)
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					for n := range next {
						ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
						user, err := d.Authenticate(ctx, servers.BulkUser(n%500), servers.BulkPassword(n%500))
						cancel()
						if want := (servers.Person{UID: servers.BulkUser(n % 500)}).EntryUUID(); err != nil || user.ID != "corp:"+want {
							t.Errorf("login %d: %+v, %v", n, user, err)
						}
						if done.Add(1) == strikeAt {
							strike(first)
							close(struck)
						}
					}
				})
			}
			for n := range logins {
				next <- n
			}
			close(next)
			all.Wait()
			<-struck
			stats := d.Stats()
			if stats.Servers[0].Up || !stats.Servers[1].Up {
				t.Errorf("stats = %+v", stats)
			}
			if name == "hangs" {
				first.Kill()
			}
			if err := first.Restart(); err != nil {
				t.Fatal(err)
			}
			deadline := time.After(10 * time.Second)
			for tick := time.NewTicker(20 * time.Millisecond); !d.Stats().Servers[0].Up; {
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatal("the server that was started again is not used")
				}
			}
		})
	}
}

func TestAStrangerTakesAsLongAsAWrongPassword(t *testing.T) {
	slapd := servers.StartSlapd(t, servers.SlapdOptions{Bulk: 1000})
	d := openDirectory(t, slapdConfig(slapd, slapd.TLSURL()))
	var took [2][]time.Duration
	for n := range 1000 {
		for i, name := range []string{servers.BulkUser(n), "stranger"} {
			start := time.Now()
			_, err := d.Authenticate(t.Context(), name, "wrong")
			took[i] = append(took[i], time.Since(start))
			if login.RefusalCode(err) != login.CodePasswordInvalid {
				t.Fatalf("Authenticate(%s) = %v", name, err)
			}
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	known, unknown := took[0][500], took[1][500]
	if apart := (known - unknown).Abs(); apart > 2*time.Millisecond {
		t.Errorf("medians: a wrong password %v, an unknown name %v", known, unknown)
	}
	t.Logf("medians: a wrong password %v, an unknown name %v", known, unknown)
}
