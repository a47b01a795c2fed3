//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/servers"
)

// TestS1AndC2WhoSignsIsLearned has a VPN server that signs, one that cannot, somebody who pretends to be a
// third, and the terminal client beside them all.
func TestS1AndC2WhoSignsIsLearned(t *testing.T) {
	t.Parallel()
	folk := people("user", 3)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	own := func(name, address string) string {
		return fmt.Sprintf("\n[[client]]\nname = %q\naddress = %q\nsecret = %q\nui = true\npolicy = \"staff\"\n", name, address, servers.ClientSecret)
	}
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+strings.Replace(clients, "\"optional\"", "\"auto\"", 1)+own("gates", "127.0.7.0/24"))
	// from asks with attributes of the sender's own; silent is what the caller of radclient sees of a drop.
	from := func(address string, p servers.Person, more ...servers.Attribute) (string, error) {
		attributes := append([]servers.Attribute{
			{Name: "Packet-Src-IP-Address", Value: address}, {Name: "User-Name", Value: p.UID}, {Name: "User-Password", Value: p.Password},
		}, more...)
		r, err := s.client.Auth(t.Context(), attributes...)
		return r.Code, err
	}
	wants := func(what, code string, err error) {
		t.Helper()
		if code != "Access-Challenge" || err != nil {
			t.Errorf("%s: %s, %v", what, code, err)
		}
	}
	signed := servers.Attribute{Name: "Message-Authenticator", Value: "0x00"}

	code, err := from("127.0.7.9", folk[0])
	wants("a server that cannot sign", code, err)
	s.learns("gates", "1 without it")
	code, err = from("127.0.7.5", folk[1], signed)
	wants("a server that signs", code, err)
	s.learns("gates", "1, last ")
	code, err = from("127.0.7.9", folk[0])
	wants("the server that cannot sign, again", code, err)
	if code, err := from("127.0.7.251", folk[2]); err == nil {
		t.Errorf("an address that was never seen is answered without a signature: %s", code)
	}
	s.eventually("the drop's line says what to do", func() error {
		lines, err := s.Log()
		for _, line := range lines {
			if line["reason"] == "message_authenticator_disappeared" && strings.Contains(fmt.Sprint(line["remedy"]), "client forget") {
				return nil
			}
		}
		return fmt.Errorf("no such line: %v", err)
	})

	// The terminal client signs, from an address that it shares with a server that does not.
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(servers.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := s.Run(folk[2].Password+"\n", "login", folk[2].UID, "--server", s.Radius, "--secret-file", secret) // ends at the code
	if !strings.Contains(out, "enter the code") {
		t.Fatalf("sallyport login says %s", out)
	}
	code, err = from("127.0.0.1", folk[2])
	wants("a server at the same address", code, err)
	s.learns("vpn", "1 without it")
}

// learns waits until "client list" says so of a client.
func (s *site) learns(client, want string) {
	s.t.Helper()
	s.eventually("something is learned of "+client, func() error {
		for line := range strings.Lines(s.does("client", "list")) {
			if strings.HasPrefix(line, client+" ") && strings.Contains(line, want) {
				return nil
			}
		}
		return fmt.Errorf("%q is not in\n%s", want, s.does("client", "list"))
	})
}

// TestR2AnotherSharedSecretCostsNobodyAnything has a client that signs nothing and has another shared secret,
// until somebody puts it right.
func TestR2AnotherSharedSecretCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	folk := people("user", 3)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+strings.Replace(clients, "\"optional\"", "\"auto\"", 1))
	conn := s.udp()
	const each = 5
	for n := range each * len(folk) {
		p := codec.New(codec.CodeAccessRequest, []byte("another-shared-secret"))
		person := folk[n%len(folk)]
		if err := errors.Join(rfc2865.UserName_SetString(p, person.UID), rfc2865.UserPassword_SetString(p, person.Password)); err != nil {
			t.Fatal(err)
		}
		packet, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	for range each * len(folk) {
		if n, err := conn.Read(make([]byte, 4096)); err != nil || n == 0 {
			t.Fatalf("a request has no answer: %v", err)
		}
	}
	for _, p := range folk {
		s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "register-totp") // nobody is slowed down
	}
	lines, err := s.Log()
	if err != nil {
		t.Fatal(err)
	}
	hints, unasked := 0, 0
	for _, line := range lines {
		if strings.HasPrefix(fmt.Sprint(line["msg"]), "the shared secrets may differ") {
			hints++
		}
		if line["event"] == "login" && strings.Contains(fmt.Sprint(line["reason"]), "the shared secrets may differ") && line["directory_ms"] == nil {
			unasked++
		}
	}
	if hints != 1 || unasked < each*len(folk)-2 { // one in a hundred looks like a password
		t.Errorf("%d hints, want one; %d of %d requests were asked of nobody", hints, unasked, each*len(folk))
	}
}
