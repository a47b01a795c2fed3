package ldap_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jimlambrt/gldap"

	"sallyport/directory/directorytest"
	"sallyport/login"
)

// Whatever is said for a right password only confirms it, be it silence.
func TestARightPasswordOutsideTheFilterIsRefused(t *testing.T) {
	for name, service := range map[string]bool{"with a service account": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			server := directorytest.StartServer(t, nil, nil)
			cfg := bindOnly("ldap://" + server.Address)
			if service {
				cfg.BindDN, cfg.BindPassword = directorytest.ServiceDN, directorytest.ServicePassword
			}
			cfg.SearchFilter = "(memberOf=cn=staff,ou=groups," + directorytest.BaseDN + ")"
			d := open(t, cfg)
			refused := func(name, password string, want error) {
				t.Helper()
				user, err := d.Authenticate(t.Context(), name, password)
				if !errors.Is(err, want) || user.ID != "" {
					t.Errorf("Authenticate(%s) = %+v, %v; want %v", name, user, err, want)
				}
			}
			refused("bob", "builder-1 ü∑", login.ErrNotPermitted)
			refused("bob", "wrong", login.ErrPassword)
			for _, code := range []int{gldap.ResultInsufficientAccessRights, gldap.ResultNoSuchObject} {
				server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, _ string) bool {
					w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(code)))
					return true
				}
				refused("alice", "wonderland-1", login.ErrNotPermitted)
			}
			if stats := d.Stats(); !stats.Servers[0].Up || stats.Servers[0].Failed != 0 {
				t.Errorf("stats = %+v", stats)
			}
		})
	}
}

func TestARememberedEntryIsTheOneThatIsBound(t *testing.T) {
	d, server := byTemplate(t, "{username}@example.test", true)
	server.Change("alice", "sAMAccountName", "alice")
	owner := "alice"
	server.OnBind = func(dn, password string) (directorytest.Answer, bool) {
		right := map[string]string{"alice": "wonderland-1", "bob": "builder-1"}[owner] == password
		return directorytest.Answer{Code: map[bool]int{false: 49}[right]}, dn == "alice@example.test"
	}
	first, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
	if err != nil {
		t.Fatal(err)
	}
	owner = "bob" // the name means someone else from now on
	if user, err := d.Authenticate(t.Context(), "alice", "builder-1"); !errors.Is(err, login.ErrPassword) {
		t.Errorf("Authenticate with the password of another = %+v, %v; want ErrPassword", user, err)
	}
	owner = "alice"
	for range 2 {
		if user, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); err != nil || user.ID != first.ID {
			t.Errorf("Authenticate = %+v, %v; want %s", user, err, first.ID)
		}
	}
}

func TestALoginWithoutAServiceAccountCostsOneBind(t *testing.T) {
	d, server := byTemplate(t, template, false)
	if _, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); err != nil {
		t.Fatal(err)
	}
	if server.Binds() != 1 {
		t.Errorf("%d binds", server.Binds())
	}
}

func TestAPasswordRepeatedAtTheReadIsNotQuoted(t *testing.T) {
	for name, service := range map[string]bool{"with a service account": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			d, server := byTemplate(t, template, service)
			server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, _ string) bool {
				done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultOther))
				done.SetDiagnosticMessage("bound with wonderland-1")
				w.Write(done)
				return true
			}
			_, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
			if err == nil || login.RefusalCode(err) != "" || strings.Contains(err.Error(), "wonderland-1") {
				t.Errorf("Authenticate = %v", err)
			}
		})
	}
}
