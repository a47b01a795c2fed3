package ldap_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/e2e/servers"
	"sallyport/login"
)

// authority makes a CA and a server's TLS configuration for the loopback address.
func authority(t *testing.T) (*servers.CA, *tls.Config) {
	t.Helper()
	ca, err := servers.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.ServerTLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return ca, config
}

// config is that of a directory whose servers are the given URLs.
func config(urls ...string) ldap.Config {
	return ldap.Config{URLs: urls, BaseDN: directorytest.BaseDN, BindDN: directorytest.ServiceDN, BindPassword: directorytest.ServicePassword,
		Domains: directorytest.Domains()}
}

func open(t *testing.T, cfg ldap.Config) *ldap.Directory {
	t.Helper()
	d, err := ldap.New("corp", cfg, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestSuiteOverLDAPS(t *testing.T) {
	directorytest.Run(t, func(t *testing.T) login.Directory {
		ca, secure := authority(t)
		cfg := config("ldaps://" + directorytest.StartServer(t, secure, nil).Address)
		cfg.CAFile = ca.File
		return open(t, cfg)
	})
}

func TestSuiteOverStartTLS(t *testing.T) {
	directorytest.Run(t, func(t *testing.T) login.Directory {
		ca, secure := authority(t)
		cfg := config("ldap://" + directorytest.StartServer(t, nil, secure).Address)
		cfg.CAFile, cfg.StartTLS = ca.File, true
		return open(t, cfg)
	})
}

func TestSuiteWithoutMemory(t *testing.T) {
	directorytest.Run(t, func(t *testing.T) login.Directory {
		cfg := config("ldap://" + directorytest.StartServer(t, nil, nil).Address)
		cfg.EntryCache = new(ldap.Duration)
		return open(t, cfg)
	})
}

func TestALoginCostsOneBindWhileTheEntryIsFresh(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	d := open(t, config("ldap://"+server.Address))
	for i, password := range []string{"wonderland-1", "wonderland-1", "wonderland-1"} {
		before := server.Binds()
		if _, err := d.Authenticate(t.Context(), "alice", password); err != nil {
			t.Fatal(err)
		}
		if binds := server.Binds() - before; i > 0 && binds != 1 {
			t.Errorf("login %d cost %d binds", i+1, binds)
		}
	}
	if server.Searches() != 3 {
		t.Errorf("%d searches for three logins, want one for the entry, and one for the id of each that was cached", server.Searches())
	}
}

func TestAStrangerCostsAsManyRoundTrips(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.EntryCache = new(ldap.Duration)
	d := open(t, cfg)
	d.Find(t.Context(), "alice") // connects the service account
	cost := func(name string) [2]int {
		binds, searches := server.Binds(), server.Searches()
		if _, err := d.Authenticate(t.Context(), name, "wrong"); login.RefusalCode(err) != login.CodePasswordInvalid {
			t.Fatal(err)
		}
		return [2]int{server.Binds() - binds, server.Searches() - searches}
	}
	if known, unknown := cost("alice"), cost("nobody"); known != unknown || known != [2]int{1, 1} {
		t.Errorf("alice costs %v binds and searches, a stranger %v; want one each", known, unknown)
	}
}

func TestAnEmptyPasswordIsNeverSent(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	server.OnBind = func(string, string) (directorytest.Answer, bool) { return directorytest.Answer{}, true }
	d := open(t, config("ldap://"+server.Address))
	for _, password := range []string{"", "\x00", "wonderland-1\x00"} {
		if _, err := d.Authenticate(t.Context(), "alice", password); !errors.Is(err, login.ErrPassword) {
			t.Errorf("Authenticate(%q) = %v", password, err)
		}
	}
	if server.Binds() != 0 || server.Searches() != 0 {
		t.Errorf("%d binds and %d searches", server.Binds(), server.Searches())
	}
}

func TestTheFlagsAreReadAgainAfterTheEntryCacheTime(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	clock := newClock()
	d, err := ldap.New("corp", cfg, slog.New(slog.DiscardHandler), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	user, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
	if err != nil {
		t.Fatal(err)
	}
	server.Disable("alice", true)
	if _, err := d.Lookup(t.Context(), user.ID); err != nil {
		t.Errorf("within a minute: %v", err)
	}
	clock.Advance(time.Minute)
	if _, err := d.Lookup(t.Context(), user.ID); !errors.Is(err, login.ErrDisabled) {
		t.Errorf("after a minute: %v, want ErrDisabled", err)
	}
	server.Disable("alice", false)
	server.Change("alice", "pwdAccountLockedTime", "20260101000000Z")
	clock.Advance(time.Minute)
	if _, err := d.Lookup(t.Context(), user.ID); !errors.Is(err, login.ErrLocked) {
		t.Errorf("locked since: %v, want ErrLocked", err)
	}
}

func TestSomeoneWhoLeftTheSearchFilterIsGone(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.SearchFilter = "(&(uid={username})(memberOf=cn=staff,ou=groups," + directorytest.BaseDN + "))"
	cfg.EntryCache = new(ldap.Duration)
	d := open(t, cfg)
	user, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lookup(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	server.Change("alice", "memberOf")
	if _, err := d.Lookup(t.Context(), user.ID); !errors.Is(err, login.ErrNoUser) {
		t.Errorf("Lookup = %v, want ErrNoUser", err)
	}
}

// TestS16ANameThatSeveralEntriesFitIsToldApart: it is no user's, and whoever asks for an act learns why.
func TestS16ANameThatSeveralEntriesFitIsToldApart(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.SearchFilter = "(|(uid={username})(description={username}))"
	d := open(t, cfg)
	server.Change("bob", "description", "alice")
	if u, err := d.Find(t.Context(), "alice"); !errors.Is(err, login.ErrSeveral) || !errors.Is(err, login.ErrNoUser) || u.ID != "" {
		t.Errorf("Find = %+v, %v, want ErrSeveral", u, err)
	}
	if u, err := d.Find(t.Context(), "mallory"); errors.Is(err, login.ErrSeveral) || !errors.Is(err, login.ErrNoUser) || u.ID != "" {
		t.Errorf("Find = %+v, %v, want ErrNoUser alone", u, err)
	}
}

func TestEveryIDIsFoundAgain(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.IDAttribute, cfg.EntryCache = "auditID", new(ldap.Duration)
	d := open(t, cfg)
	for _, value := range []string{"4711", "#4711", "4711*", "ü", "\x00\x01\xff", strings.Repeat("\x80", 255)} {
		server.Change("alice", "auditID", value)
		user, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if again, err := d.Lookup(t.Context(), user.ID); err != nil || again.ID != user.ID || again.Name != "alice" {
			t.Errorf("Lookup(%q) = %+v, %v", user.ID, again, err)
		}
	}
	server.Change("alice", "auditID", "4711", "4712")
	if user, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); err == nil || login.RefusalCode(err) != "" || !strings.Contains(err.Error(), "2 values of auditID") {
		t.Errorf("with two values: %+v, %v; want an error that is no refusal", user, err)
	}
	if stats := d.Stats(); !stats.Servers[0].Up {
		t.Errorf("stats = %+v", stats)
	}
}

func TestAnEntryWithoutAnImmutableIDIsNotUsed(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	server.Change("alice", "entryUUID")
	d := open(t, config("ldap://"+server.Address))
	if _, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); err == nil || login.RefusalCode(err) != "" {
		t.Errorf("Authenticate = %v, want an error that is no refusal", err)
	}
	cfg := config("ldap://" + server.Address)
	cfg.IDAttribute = "uid"
	user, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1")
	if err != nil || user.ID != "corp:alice" {
		t.Errorf("with id_attribute: %q, %v", user.ID, err)
	}
}
