package ldap_test

import (
	"errors"
	"testing"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/login"
)

// byTemplate is a directory that binds first; service says whether there is a service account too.
func byTemplate(t *testing.T, template string, service bool) (*ldap.Directory, *directorytest.Server) {
	t.Helper()
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.BindTemplate = template
	if !service {
		cfg.BindDN, cfg.BindPassword = "", ""
	}
	return open(t, cfg), server
}

func TestBindTemplateMakesADN(t *testing.T) {
	for name, service := range map[string]bool{"with a service account": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			d, server := byTemplate(t, "uid={username},ou=people,"+directorytest.BaseDN, service)
			for _, typed := range []string{"alice", "ALICE", `EXAMPLE\alice`, "alice@example.test"} {
				user, err := d.Authenticate(t.Context(), typed, "wonderland-1")
				if err != nil || user.Name != "alice" || user.Mail != "alice@example.test" {
					t.Errorf("Authenticate(%q) = %+v, %v", typed, user, err)
				}
				if again, err := d.Lookup(t.Context(), user.ID); err != nil || again.ID != user.ID {
					t.Errorf("Lookup(%q) = %+v, %v", user.ID, again, err)
				}
			}
			if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
				t.Errorf("wrong password: %v", err)
			}
			before := server.Binds()
			for _, text := range directorytest.Injections() {
				if user, err := d.Authenticate(t.Context(), text, "wonderland-1"); login.RefusalCode(err) != login.CodePasswordInvalid {
					t.Errorf("Authenticate(%q) = %+v, %v", text, user, err)
				}
			}
			if binds := server.Binds() - before; binds != len(directorytest.Injections()) {
				t.Errorf("%d binds for %d names", binds, len(directorytest.Injections()))
			}
		})
	}
}

// Bob may write his own userPrincipalName: it must make nobody alice, and alice nobody else.
func TestAPrincipalNameLeadsToNobodyElse(t *testing.T) {
	for name, claimed := range map[string]bool{"one entry fits": false, "two entries fit": true} {
		t.Run(name, func(t *testing.T) {
			d, server := byTemplate(t, "{username}@example.test", true)
			server.OnBind = func(dn, _ string) (directorytest.Answer, bool) {
				return directorytest.Answer{}, dn == "alice@example.test"
			}
			server.Change("alice", "sAMAccountName", "alice")
			if claimed {
				server.Change("bob", "userPrincipalName", "alice@example.test")
			}
			user, err := d.Authenticate(t.Context(), "alice", "builder-1")
			switch {
			case !claimed && (err != nil || user.Name != "alice"):
				t.Errorf("Authenticate = %+v, %v", user, err)
			case claimed && (!errors.Is(err, login.ErrNotPermitted) || user.ID != ""):
				t.Errorf("Authenticate = %+v, %v; want ErrNotPermitted", user, err)
			}
		})
	}
}

func TestAnAccountNameIsNotAPattern(t *testing.T) {
	d, server := byTemplate(t, "{username}@example.test", true)
	server.OnBind = func(dn, _ string) (directorytest.Answer, bool) {
		if dn == directorytest.ServiceDN {
			return directorytest.Answer{}, false
		}
		return directorytest.Answer{Code: 49, Words: "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 52e, v3839"}, true
	}
	for _, text := range directorytest.Injections() {
		if user, err := d.Authenticate(t.Context(), text, "wonderland-1"); login.RefusalCode(err) != login.CodePasswordInvalid {
			t.Errorf("Authenticate(%q) = %+v, %v", text, user, err)
		}
	}
}
