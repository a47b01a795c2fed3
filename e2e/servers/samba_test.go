//go:build e2e

package servers_test

import (
	"testing"

	"sallyport/e2e/servers"
)

func TestSambaServesItsPeople(t *testing.T) {
	s := servers.StartSamba(t, servers.SambaOptions{
		Address: "127.0.0.41",
		People:  []servers.SambaPerson{{Name: "alice", Password: "Wonderland-1", Mail: "alice@example.test"}},
		Groups:  []servers.SambaGroup{{Name: "staff", Members: []string{"alice"}}, {Name: "everyone-here", Members: []string{"staff"}}},
	})
	conn, err := s.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind("alice@"+servers.SambaRealm, "Wonderland-1"); err != nil {
		t.Error(err)
	}
}
