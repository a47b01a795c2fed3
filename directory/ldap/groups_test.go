package ldap_test

import (
	"strings"
	"testing"

	"github.com/jimlambrt/gldap"

	"sallyport/directory/directorytest"
	"sallyport/login"
)

func TestGroupsThatNeedASearchAreRememberedWithTheEntry(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		if !strings.Contains(filter, "member=") {
			return false
		}
		w.Write(r.NewSearchResponseEntry("cn=vpn,ou=groups," + directorytest.BaseDN))
		w.Write(r.NewSearchResponseEntry("cn=staff,ou=groups," + directorytest.BaseDN))
		w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess)))
		return true
	}
	cfg := config("ldap://" + server.Address)
	cfg.GroupFilter = "(member={dn})"
	d := open(t, cfg)
	for range 3 {
		user, err := d.Authenticate(t.Context(), "alice", "wonderland-1")
		if err != nil || strings.Join(user.Groups, " ") != "cn=staff,ou=groups,dc=example,dc=test cn=vpn,ou=groups,dc=example,dc=test" {
			t.Errorf("Authenticate = %+v, %v", user, err)
		}
		user.Groups[0] = "changed by the caller"
	}
	if _, err := d.Authenticate(t.Context(), "alice", "wrong"); login.RefusalCode(err) != login.CodePasswordInvalid {
		t.Errorf("wrong password: %v", err)
	}
	if server.Searches() != 4 {
		t.Errorf("%d searches for three logins, want one for the entry, one for the groups, and one for the id of each that was cached", server.Searches())
	}
}

func TestWithoutTheGroupsThereIsNoUser(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	server.OnSearch = func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool {
		if !strings.Contains(filter, "member=") {
			return false
		}
		w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultInsufficientAccessRights)))
		return true
	}
	cfg := config("ldap://" + server.Address)
	cfg.GroupFilter = "(member={dn})"
	user, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1")
	if err == nil || login.RefusalCode(err) != "" || user.ID != "" {
		t.Errorf("Authenticate = %+v, %v; want an error that is no refusal", user, err)
	}
}

func TestS18TheBaseOfTheGroupsIsKnown(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	for _, base := range []string{"", "ou=groups," + directorytest.BaseDN} {
		cfg := config("ldap://" + server.Address)
		cfg.GroupBaseDN = base
		user, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1")
		if err != nil || user.GroupBase != base {
			t.Errorf("with group_base_dn = %q: %+v, %v", base, user, err)
		}
	}
}
