//go:build e2e

package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"net"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/e2e/servers"
)

// TestReplays sends packets again, alters them and puts others in between, as somebody on the network can.
func TestReplays(t *testing.T) {
	t.Parallel()
	folk := people("user", 3)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	const appending = "127.0.0.2"
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients+
		listedClient("append", appending, "policy = \"staff\"\nui = true\nmode = \"append\""))

	t.Run("S4/a mistyped login from other ports is judged once", func(t *testing.T) {
		s := s.in(t)
		raw := packet(t, 7, folk[0].UID, "mistyped", "")
		conn := s.udp()
		send(t, conn, raw)
		first, p := receive(t, conn)
		if p.Code != codec.CodeAccessReject {
			t.Fatalf("got %v", p.Code)
		}
		for range 8 {
			conn := s.udp()
			send(t, conn, raw)
			if again, _ := receive(t, conn); !bytes.Equal(first, again) {
				t.Error("a replay was answered with other bytes")
			}
		}
		if n := s.judged(folk[0].UID); n != 1 {
			t.Errorf("judged %d times", n)
		}
		// Nor was its owner slowed down by it.
		s.want(s.ask(folk[0].UID, folk[0].Password, ""), "Access-Challenge", "prompt", "register-totp")
	})
	t.Run("R1/other bytes under one Identifier and authenticator have their own reply", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[1])
		conn := s.udpFrom(appending)
		auth := [16]byte{1, 2, 3}
		send(t, conn, packetUnder(t, auth, 9, folk[1].UID, folk[1].Password+","+code(t, key, 0), false))
		if _, p := receive(t, conn); p.Code != codec.CodeAccessAccept {
			t.Fatalf("got %v: %s", p.Code, rfc2865.ReplyMessage_GetString(p))
		}
		for _, sign := range []bool{false, true} {
			send(t, conn, packetUnder(t, auth, 9, folk[2].UID, "guess,123456", sign))
			if _, p := receive(t, conn); p.Code != codec.CodeAccessReject {
				t.Errorf("somebody else got %v", p.Code)
			}
		}
		if n := s.judged(folk[2].UID); n != 2 {
			t.Errorf("judged %d times, want each by itself", n)
		}
	})
	t.Run("S3/one captured probe, sent a thousand times", func(t *testing.T) {
		s := s.in(t)
		captured := probe(t, 1)
		nas, replayer := s.udp(), s.udp()
		send(t, nas, captured)
		answer(t, nas, captured, codec.CodeAccessAccept)
		for identifier := range byte(10) {
			for range 100 {
				send(t, replayer, captured)
			}
			own := probe(t, identifier)
			send(t, nas, own)
			answer(t, nas, own, codec.CodeAccessAccept)
		}
	})
	t.Run("S8/junk after each request", func(t *testing.T) {
		s := s.in(t)
		conn := s.udp()
		for identifier := range byte(8) {
			auth := [16]byte{8, identifier}
			genuine := packetUnder(t, auth, identifier, folk[2].UID, folk[2].Password, true)
			send(t, conn, genuine)
			send(t, conn, packetUnder(t, [16]byte{9, identifier}, identifier, "junk", "junk", false))
			send(t, conn, packetUnder(t, auth, identifier, "junk", "junk", false))
			answer(t, conn, genuine, codec.CodeAccessChallenge)
		}
	})
}

// answer reads replies until one is authentic for the request.
func answer(t *testing.T, conn net.Conn, request []byte, want codec.Code) {
	t.Helper()
	for {
		raw, p := receive(t, conn)
		if codec.IsAuthenticResponse(raw, request, []byte(servers.ClientSecret)) {
			if p.Code != want {
				t.Errorf("got %v, want %v", p.Code, want)
			}
			return
		}
	}
}

// packetUnder is packet under a Request Authenticator of the test's choice.
func packetUnder(t *testing.T, auth [16]byte, identifier byte, username, typed string, sign bool) []byte {
	t.Helper()
	p := codec.New(codec.CodeAccessRequest, []byte(servers.ClientSecret))
	p.Identifier, p.Authenticator = identifier, auth
	if err := rfc2865.UserName_SetString(p, username); err != nil {
		t.Fatal(err)
	}
	if err := rfc2865.UserPassword_SetString(p, typed); err != nil {
		t.Fatal(err)
	}
	if sign {
		return signed(t, p)
	}
	raw, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// signed encodes a packet with a Message-Authenticator.
func signed(t *testing.T, p *codec.Packet) []byte {
	t.Helper()
	if err := rfc2869.MessageAuthenticator_Set(p, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(md5.New, []byte(servers.ClientSecret))
	mac.Write(raw)
	if err := rfc2869.MessageAuthenticator_Set(p, mac.Sum(nil)); err != nil {
		t.Fatal(err)
	}
	if raw, err = p.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	return raw
}

// probe is a Status-Server.
func probe(t *testing.T, identifier byte) []byte {
	t.Helper()
	p := codec.New(codec.CodeStatusServer, []byte(servers.ClientSecret))
	p.Identifier = identifier
	return signed(t, p)
}

// judged is how many requests of a user have a line in the audit.
func (s *site) judged(username string) (n int) {
	s.t.Helper()
	lines, err := s.Log()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range lines {
		if fits(line, map[string]any{"event": "login", "username": username}) {
			n++
		}
	}
	return n
}
