//go:build e2e

package e2e

import (
	"bytes"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/servers"
)

func TestRetransmissions(t *testing.T) {
	t.Parallel()
	folk := people("user", 3)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients)
	challenge := func(s *site, p servers.Person) string {
		s.t.Helper()
		r := exchange(s.dial(), p.UID, p.Password, "")
		if r == nil || r.State == "" {
			s.t.Fatalf("no challenge: %+v", r)
		}
		return r.State
	}

	t.Run("the same packet five times is one evaluation and the same bytes", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[0])
		raw := packet(t, 7, folk[0].UID, code(t, key, 0), challenge(s, folk[0]))
		conn := s.udp()
		send(t, conn, raw)
		first, p := receive(t, conn)
		if p.Code != codec.CodeAccessAccept {
			t.Fatalf("got %v", p.Code)
		}
		for range 4 {
			send(t, conn, raw)
			if again, _ := receive(t, conn); !bytes.Equal(first, again) {
				t.Error("a retransmission was answered with other bytes")
			}
		}
		s.evaluated(folk[0].UID, 1)
	})
	t.Run("five copies at once are one evaluation", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[1])
		raw := packet(t, 7, folk[1].UID, code(t, key, 0), challenge(s, folk[1]))
		conn := s.udp()
		for range 5 {
			send(t, conn, raw)
		}
		if _, p := receive(t, conn); p.Code != codec.CodeAccessAccept {
			t.Fatalf("got %v", p.Code)
		}
		s.evaluated(folk[1].UID, 1)
	})
	t.Run("a lost Accept is repeated, whatever the new packet looks like", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[2])
		state, used := challenge(s, folk[2]), code(t, key, 0)
		send(t, s.udp(), packet(t, 7, folk[2].UID, used, state)) // its reply is never read
		for identifier := range byte(3) {
			conn := s.udp() // another source port, another Request Authenticator
			send(t, conn, packet(t, identifier, folk[2].UID, used, state))
			if _, p := receive(t, conn); p.Code != codec.CodeAccessAccept {
				t.Fatalf("got %v: %s", p.Code, rfc2865.ReplyMessage_GetString(p))
			}
		}
		s.audit(map[string]any{"username": folk[2].UID, "code": "accepted", "repeated": true})

		// The same code in a new login is a replay.
		s.want(s.ask(folk[2].UID, used, s.begin(folk[2])), "Access-Challenge", "otp_replayed", "otp")
	})
	t.Run("the same Identifier with another Request Authenticator is a new request", func(t *testing.T) {
		conn := s.udp()
		for range 2 {
			send(t, conn, packet(t, 9, folk[0].UID, "not-the-password", ""))
		}
		if _, p := receive(t, conn); p.Code != codec.CodeAccessReject {
			t.Fatalf("got %v", p.Code)
		}
		s.in(t).evaluated(folk[0].UID+" not-the-password", 0)
	})
}

func send(t *testing.T, conn interface{ Write([]byte) (int, error) }, raw []byte) {
	t.Helper()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
}

// evaluated checks how many answers at the otp step were judged for a user so far: each has its own
// audit line.
func (s *site) evaluated(username string, want int) {
	s.t.Helper()
	lines, err := s.Log()
	if err != nil {
		s.t.Fatal(err)
	}
	got := 0
	for _, line := range lines {
		if fits(line, map[string]any{"event": "login", "username": username, "step": "otp"}) {
			got++
		}
	}
	if got != want {
		s.t.Errorf("%d evaluations of %s, want %d", got, username, want)
	}
}
