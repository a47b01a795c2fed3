//go:build e2e

package e2e

import (
	"bytes"
	"encoding/hex"
	"net"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// TestPasscodeReachesTheServerOnce gives one answer many times over, at two listeners of the daemon,
// while the RSA server's first reply gets lost: as the same packet, and as new packets with the same
// State. The server judges it once, and everyone is told the same.
func TestPasscodeReachesTheServerOnce(t *testing.T) {
	t.Parallel()
	v := openVault(rsatest.ModeReady)
	first, second := v.open(t, "127.0.0.1:0"), v.open(t, "127.0.0.1:0")
	s := startSiteOf(t, servers.SallyportOptions{
		Listeners: 2, Config: frontDoor("securid", "ui = true", "") + forwardsTo(v.secret, first.Addr(), second.Addr()) + residents(t, erin),
	})
	for _, c := range []struct {
		name, passcode string
		want           codec.Code
		code           string
	}{
		{"wrong", "PinPin12000000", codec.CodeAccessChallenge, "securid_rejected"},
		{"right", v.passcode(0), codec.CodeAccessAccept, "accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			first.LoseReplies(1)
			state := stateOf(t, s.passcodePrompt(erin))
			raw := packet(t, 7, erin.UID, c.passcode, state)
			var same, others []net.Conn
			for n, listener := range s.Listeners {
				same, others = append(same, udpTo(t, listener)), append(others, udpTo(t, listener))
				send(t, same[n], raw)
				send(t, others[n], packet(t, byte(20+n), erin.UID, c.passcode, state)) // another Request Authenticator
			}
			for n := range s.Listeners {
				s.sameReply(same[n], raw, c.want)
				if _, p := receive(t, others[n]); p.Code != c.want {
					t.Errorf("a new packet got %v: %s", p.Code, rfc2865.ReplyMessage_GetString(p))
				}
			}
			later := udpTo(t, s.Listeners[1]) // when all is over
			send(t, later, packet(t, 30, erin.UID, c.passcode, state))
			if _, p := receive(t, later); p.Code != c.want {
				t.Errorf("a late packet got %v: %s", p.Code, rfc2865.ReplyMessage_GetString(p))
			}
			if a, b := first.Seen(c.passcode), second.Seen(c.passcode); a != 1 || b != 0 {
				t.Errorf("the servers have judged the passcode %d and %d times, want 1 and 0", a, b)
			}
			s.audit(map[string]any{"username": erin.UID, "code": c.code, "repeated": true})
		})
	}
}

// sameReply reads the reply to raw, and those to three retransmissions of it.
func (s *site) sameReply(conn net.Conn, raw []byte, want codec.Code) {
	reply, p := receive(s.t, conn)
	if p.Code != want {
		s.t.Errorf("got %v: %s", p.Code, rfc2865.ReplyMessage_GetString(p))
	}
	for range 3 {
		send(s.t, conn, raw)
		if again, _ := receive(s.t, conn); !bytes.Equal(reply, again) {
			s.t.Error("a retransmission was answered with other bytes")
		}
	}
}

// stateOf reads a State as radclient prints it.
func stateOf(t *testing.T, printed string) string {
	t.Helper()
	state, err := hex.DecodeString(strings.TrimPrefix(printed, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return string(state)
}
