//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	codec "layeh.com/radius"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// tokenCluster is a cluster before a vault.
type tokenCluster struct {
	trio
	vault
	rsa *rsatest.Server
}

// ada has an authenticator app. She comes by a client of her own, at appsAddress.
var ada = servers.Person{UID: "ada", Password: "password-of-ada"}

const appsAddress = "127.0.0.2"

// appsDoor is a client, at another address than the VPN's, whose policy leads to no RSA server.
const appsDoor = `
[[client]]
name = "apps"
address = "` + appsAddress + `"
secret = "` + servers.ClientSecret + `"
message_authenticator = "optional"
ui = true
policy = "apps"

[policy.apps]
directory = "corp"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Example"
`

// startTokenCluster starts a cluster that waits for a second for the RSA server.
func startTokenCluster(t *testing.T, login string) tokenCluster {
	t.Helper()
	v := openVault(rsatest.ModeReady)
	rsa := v.open(t, "127.0.0.1:0")
	config := frontDoor("securid", "ui = true", "") + appsDoor + forwardsTo(v.secret, rsa.Addr()) + "timeout = \"1s\"\n" +
		"[login]\nreject_delay = \"10ms\"\n" + login + residents(t, erin, ada)
	return tokenCluster{startCluster(t, config), v, rsa}
}

// forwarded checks how often the RSA server has judged a passcode.
func (c tokenCluster) forwarded(t *testing.T, passcode string, want int) {
	t.Helper()
	if n := c.rsa.Seen(passcode); n != want {
		t.Errorf("the RSA server has judged the passcode %d times, want %d", n, want)
	}
}

// TestAClusterForwardsAPasscodeOnce gives one answer to all nodes at the same moment, in the same packet
// and in new ones, while the RSA server's first reply gets lost: it is judged once, and all are told the
// same.
func TestAClusterForwardsAPasscodeOnce(t *testing.T) {
	t.Parallel()
	c := startTokenCluster(t, "")
	for _, answer := range []struct {
		name, passcode string
		want           codec.Code
		code           string
	}{
		{"wrong", "PinPin12000000", codec.CodeAccessChallenge, "securid_rejected"},
		{"right", c.passcode(0), codec.CodeAccessAccept, "accepted"},
	} {
		t.Run(answer.name, func(t *testing.T) {
			c.rsa.LoseReplies(1)
			state := stateOf(t, c.trio[0].in(t).passcodePrompt(erin))
			raw := packet(t, 7, erin.UID, answer.passcode, state)
			var all []net.Conn
			for n, node := range c.trio {
				same, other := udpTo(t, node.Radius), udpTo(t, node.Radius)
				send(t, same, raw)
				send(t, other, packet(t, byte(20+n), erin.UID, answer.passcode, state))
				all = append(all, same, other)
			}
			for n, conn := range all {
				if _, p := receive(t, conn); p.Code != answer.want {
					t.Errorf("packet %d got %v, want %v", n, p.Code, answer.want)
				}
			}
			c.forwarded(t, answer.passcode, 1)
			for _, node := range c.trio {
				node.in(t).audit(map[string]any{"username": erin.UID, "code": answer.code, "repeated": true})
			}
		})
	}
}

// TestAPasscodeOfADeadNodeIsNotForwardedAgain kills the node, which leads, that has forwarded a passcode and has no
// reply yet. What became of it is unknown: the others say so, and the server sees it no second time, in
// that login or another.
func TestAPasscodeOfADeadNodeIsNotForwardedAgain(t *testing.T) {
	t.Parallel()
	c := startTokenCluster(t, "")
	first := c.leader()
	rest := c.but(first)
	printed := first.passcodePrompt(erin)
	passcode := c.passcode(0)
	c.rsa.LoseReplies(100) // all that this node asks for
	raw := packet(t, 7, erin.UID, passcode, stateOf(t, printed))
	send(t, first.udp(), raw)
	first.eventually("the passcode to reach the RSA server", func() error {
		if c.rsa.Seen(passcode) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	first.Kill()
	c.rsa.LoseReplies(0) // so that a second forward would be accepted
	for _, node := range rest {
		var reply servers.RadclientReply
		hasty := servers.StartRadclient(t, servers.RadclientOptions{Server: node.Radius, Dictionary: dictionary, Timeout: time.Second})
		node.eventually("a reply of "+node.Name, func() (err error) {
			reply, err = hasty.Login(t.Context(), erin.UID, passcode, printed)
			return err
		})
		node.says(node.want(reply, "Access-Reject", "securid_unavailable", ""), sentenceUnavailable)
		again := node.udp() // the very packet that the dead node had
		send(t, again, raw)
		if _, p := receive(t, again); p.Code != codec.CodeAccessReject {
			t.Errorf("%s answers the packet with %v", node.Name, p.Code)
		}
		node.want(node.ask(erin.UID, passcode, node.passcodePrompt(erin)), "Access-Challenge", "otp_replayed", "passcode")
	}
	c.forwarded(t, passcode, 1)
}

// quorumless is how long the clusters of these tests forward without a quorum.
const quorumless = 15 * time.Second

// TestWithoutAQuorumPasscodesGoOn kills two nodes of three. The third forwards passcodes for as long as it may,
// accepts no code of an app, and tells its clients by Status-Server which of them it serves. When one node
// is back, all is as before within three seconds.
func TestWithoutAQuorumPasscodesGoOn(t *testing.T) {
	t.Parallel()
	c := startTokenCluster(t, fmt.Sprintf("securid_without_quorum = %q\n", quorumless))
	last := c.but(c.leader())[0]
	rest := c.but(last)
	apps := appsAt(t, last)
	last.want(last.ask(erin.UID, c.passcode(-1), last.passcodePrompt(erin)), "Access-Accept", "accepted", "") // who was never seen would get no answer later
	key := apps.register(ada)
	state, fresh := apps.begin(ada), code(t, key, 0)
	for _, node := range rest {
		node.Kill()
	}
	lost := time.Now()
	last.servedFrom(appsAddress, false)
	last.servedFrom("127.0.0.1", true)

	app := apps.udpFrom(appsAddress)
	send(t, app, packet(t, 7, ada.UID, fresh, stateOf(t, state)))
	send(t, app, packet(t, 8, ada.UID, ada.Password, ""))
	passcode := c.passcode(0)
	prompt := last.passcodePrompt(erin)
	last.want(last.ask(erin.UID, passcode, prompt), "Access-Accept", "accepted", "")
	last.want(last.ask(erin.UID, passcode, prompt), "Access-Accept", "accepted", "") // in a new packet
	c.forwarded(t, passcode, 1)
	last.audit(map[string]any{"username": erin.UID, "code": "accepted", "without_quorum": true})

	last.servedFrom("127.0.0.1", false)
	if after := time.Since(lost); after < quorumless {
		t.Errorf("passcodes were forwarded for %v only, want %v", after, quorumless)
	}
	silent(t, app)
	began := time.Now()
	if err := rest[0].Launch(); err != nil {
		t.Fatal(err)
	}
	last.eventually("the code that was not answered", func() error {
		r, err := apps.client.Login(t.Context(), ada.UID, fresh, state)
		if err == nil {
			last.want(r, "Access-Accept", "accepted", "")
		}
		return err
	})
	const want = 3 * time.Second
	if took := time.Since(began); took > want {
		t.Errorf("%v from the start of a node to the first Accept, want at most %v", took, want)
	} else {
		t.Logf("%v from the start of a node to the first Accept", took.Round(10*time.Millisecond))
	}
	passcode = c.passcode(1)
	last.want(last.ask(erin.UID, passcode, last.passcodePrompt(erin)), "Access-Accept", "accepted", "")
}

// appsAt is a node with a radclient of the apps' address, which asks twice a second.
func appsAt(t *testing.T, s *site) *site {
	return &site{s.Sallyport, t, servers.StartRadclient(t, servers.RadclientOptions{
		Server: s.Radius, Source: appsAddress, Dictionary: dictionary, Timeout: 500 * time.Millisecond, Tries: 2,
	})}
}

// udpFrom opens a socket of an address of this machine towards the site.
func (s *site) udpFrom(source string) net.Conn {
	s.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(source)}}
	conn, err := dialer.DialContext(s.t.Context(), "udp", s.Radius)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// silent fails the test when there is a reply on a socket.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if n, err := conn.Read(make([]byte, 4096)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("there is a reply of %d octets, or the end of the socket: %v", n, err)
	}
}

// servedFrom waits until Status-Server from an address is answered, or is not. That is asked three times,
// so that it is no matter of how often a client may ask.
func (s *site) servedFrom(source string, want bool) {
	s.t.Helper()
	client := servers.StartRadclient(s.t, servers.RadclientOptions{
		Server: s.Radius, Source: source, Timeout: 500 * time.Millisecond, Tries: 3,
	})
	s.eventually(fmt.Sprintf("Status-Server from %s to be answered: %t", source, want), func() error {
		_, err := client.Status(context.Background())
		switch {
		case (err == nil) == want && (want || errors.Is(err, servers.ErrNoReply)):
			return nil
		case err == nil:
			return errors.New("it is answered")
		}
		return err
	})
}
