//go:build e2e

package servers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/e2e/servers"
)

const peerKey = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func startPeer(t *testing.T) *servers.FreeRADIUS {
	t.Helper()
	slapd := servers.StartSlapd(t, servers.SlapdOptions{Bulk: 3})
	return servers.StartFreeRADIUS(t, servers.FreeRADIUSOptions{
		LDAPURL: slapd.TLSURL(), CAFile: slapd.CAFile, TOTPKey: peerKey, Threads: 4,
	})
}

func code(t *testing.T) string {
	t.Helper()
	code, err := totp.GenerateCode(peerKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestFreeRADIUSTakesPasswordThenCode(t *testing.T) {
	peer := startPeer(t)
	rc := servers.StartRadclient(t, servers.RadclientOptions{Server: peer.Radius})
	user, password := servers.BulkUser(1), servers.BulkPassword(1)

	refused, err := rc.Login(t.Context(), user, "not it", "")
	if err != nil || refused.Code != "Access-Reject" {
		t.Errorf("wrong password: %+v, %v", refused, err)
	}
	challenge, err := rc.Login(t.Context(), user, password, "")
	if err != nil || challenge.Code != "Access-Challenge" || challenge.Get("Reply-Message") != "Enter your one-time code: " {
		t.Fatalf("password: %+v, %v", challenge, err)
	}
	if other, err := rc.Login(t.Context(), servers.BulkUser(2), code(t), challenge.Get("State")); err != nil || other.Code != "Access-Reject" {
		t.Errorf("a State of someone else: %+v, %v", other, err)
	}
	if challenge, err = rc.Login(t.Context(), user, password, ""); err != nil {
		t.Fatal(err)
	}
	accepted, err := rc.Login(t.Context(), user, code(t), challenge.Get("State"))
	if err != nil || accepted.Code != "Access-Accept" {
		t.Errorf("code: %+v, %v", accepted, err)
	}
	if again, err := rc.Login(t.Context(), user, code(t), challenge.Get("State")); err != nil || again.Code != "Access-Reject" {
		t.Errorf("a State that was used: %+v, %v", again, err)
	}
}

func TestPAMTypesPasswordThenCode(t *testing.T) {
	peer := startPeer(t)
	pam := servers.StartPAM(t, servers.PAMOptions{Servers: []string{peer.Radius}})
	user, password := servers.BulkUser(1), servers.BulkPassword(1)
	if got, err := pam.Login(t.Context(), user, password, code(t)); err != nil || !got.Accepted {
		t.Errorf("right: %+v, %v", got, err)
	}
	if got, err := pam.Login(t.Context(), user, password, "not a code"); err != nil || got.Accepted {
		t.Errorf("wrong code: %+v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pam.Login(ended, user, password); err == nil {
		t.Error("a login that was not run gave no error")
	}
}

func TestRadclientTellsSilence(t *testing.T) {
	peer := startPeer(t)
	rc := servers.StartRadclient(t, servers.RadclientOptions{Server: peer.Radius, Secret: "another secret", Timeout: 300 * time.Millisecond})
	if reply, err := rc.Login(t.Context(), "anyone", "anything", ""); !errors.Is(err, servers.ErrNoReply) {
		t.Errorf("a request under another secret: %+v, %v", reply, err)
	}
}
