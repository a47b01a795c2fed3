//go:build e2e

package servers_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/e2e/servers"
)

func TestSlapdServesPeopleOverLDAPSAndStartTLS(t *testing.T) {
	s := servers.StartSlapd(t, servers.SlapdOptions{
		Bulk:    20,
		PPolicy: true,
		People:  []servers.Person{{UID: "alice", Password: "wonderland-1", Mail: "a@example.test", Groups: []string{"staff"}}},
	})
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}

	for _, restarted := range []bool{false, true} {
		if restarted {
			s.Kill()
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		over, err := ldap.DialURL(s.TLSURL(), ldap.DialWithTLSConfig(config))
		if err != nil {
			t.Fatal(err)
		}
		defer over.Close()
		over.SetTimeout(5 * time.Second)
		if err := over.Bind("uid="+servers.BulkUser(7)+","+servers.PeopleDN, servers.BulkPassword(7)); err != nil {
			t.Error(err)
		}
		plain, err := ldap.DialURL(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		plain.SetTimeout(5 * time.Second)
		if err := plain.StartTLS(config); err != nil {
			t.Fatal(err)
		}
		if err := plain.Bind(servers.ServiceDN, servers.ServicePassword); err != nil {
			t.Fatal(err)
		}
		found, err := plain.Search(ldap.NewSearchRequest(servers.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 5, false,
			"(uid=alice)", []string{"mail", "memberOf", "entryUUID"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		alice := servers.Person{UID: "alice"}
		if len(found.Entries) != 1 || found.Entries[0].GetAttributeValue("entryUUID") != alice.EntryUUID() ||
			found.Entries[0].GetAttributeValue("memberOf") != "cn=staff,"+servers.GroupsDN {
			t.Errorf("alice = %+v", found.Entries)
		}
	}
}
