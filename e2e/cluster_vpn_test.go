//go:build e2e

package e2e

import (
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// killedBetween is a person who types their code after the node that asked for it was killed.
func killedBetween(t *testing.T, p servers.Person, key string, kill func()) []servers.Answer {
	return []servers.Answer{servers.Type(p.Password), func(string) string {
		fresh := code(t, key, 0)
		kill()
		return fresh
	}}
}

// openForTyping starts a cluster whose people type at a VPN's prompt. first leads; p is registered.
func openForTyping(t *testing.T, p servers.Person) (first, second *site, key string) {
	t.Helper()
	nodes := startCluster(t, residents(t, p)+typing)
	first = nodes.leader()
	second = nodes.but(first)[0]
	return first, second, second.registerQuietly(p)
}

// TestAVPNsLoginOutlivesItsServer: two nodes of three are the servers of ocserv; the first one, which asked
// for the code and led the cluster, is killed before the code is typed. The next login finds it dead.
func TestAVPNsLoginOutlivesItsServer(t *testing.T) {
	t.Parallel()
	p, hello := people("ocserv", 1)[0], passwordPrompt["ocserv"]
	first, second, key := openForTyping(t, p)
	d := doors["ocserv"](t, 1, first.Radius, second.Radius)
	var killed time.Time
	talk(t, d, p.UID, true, killedBetween(t, p, key, func() {
		first.Kill()
		killed = time.Now()
	}), hello, codePrompt)
	t.Logf("let in %v after the kill", time.Since(killed).Round(10*time.Millisecond))
	second.audit(map[string]any{"username": p.UID, "step": "otp", "verdict": "accept", "earned": "password+totp"})
	talk(t, d, p.UID, true, lines(p.Password, code(t, key, 1)), hello, codePrompt)
}

// TestPAMsLoginOutlivesItsServer: pam_radius_auth sends the code to the server that answered the password,
// once, and to no other. So a login between whose two answers that one dies ends; another try
// is served by the second one. Behind an address that moves to a node that lives, it goes on.
func TestPAMsLoginOutlivesItsServer(t *testing.T) {
	t.Parallel()
	hello := passwordPrompt["pam"]
	t.Run("two servers", func(t *testing.T) {
		t.Parallel()
		p := people("pam", 1)[0]
		first, second, key := openForTyping(t, p)
		d := doors["pam"](t, 1, first.Radius, second.Radius)
		got := talk(t, d, p.UID, false, killedBetween(t, p, key, first.Kill), hello, codePrompt)
		if want := "Authentication service cannot retrieve authentication info"; got.End != "pamtester: "+want {
			t.Errorf("the end is %q, want that of a server that is silent", got.End)
		}
		talk(t, d, p.UID, true, lines(p.Password, code(t, key, 0)), hello, codePrompt)
		second.audit(map[string]any{"username": p.UID, "step": "otp", "verdict": "accept", "earned": "password+totp"})
	})
	t.Run("one address that moves", func(t *testing.T) {
		t.Parallel()
		p := people("pam", 1)[0]
		first, second, key := openForTyping(t, p)
		shared := startRelay(t, first.Radius, 0)
		d := doors["pam"](t, 1, shared.address())
		talk(t, d, p.UID, true, killedBetween(t, p, key, func() {
			first.Kill()
			shared.moveTo(second.Radius)
		}), hello, codePrompt)
		second.audit(map[string]any{"username": p.UID, "step": "otp", "verdict": "accept", "earned": "password+totp"})
	})
}

// moveTo lets another daemon have the address, for all that comes from now on.
func (r *relay) moveTo(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = server
	for client, conn := range r.back {
		conn.Close()
		delete(r.back, client)
	}
}
