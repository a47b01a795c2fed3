//go:build e2e

package vpn

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"sallyport/e2e/servers"
	"sallyport/radius"
)

// openvpn starts a gateway with Debian's openvpn-auth-radius and a person's client, who gives the password
// and the code in one.
func (s *site) openvpn() (server, client *servers.Program) {
	s.Helper()
	ca, err := servers.NewCA(s.dir)
	if err != nil {
		s.Fatal(err)
	}
	cert, key, err := ca.Issue(s.gateway.Address)
	if err != nil {
		s.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.node.Radius)
	_, accounting, _ := net.SplitHostPort(s.node.Accounting)
	ccd := s.dir + "/ccd"
	if err := os.Mkdir(ccd, 0o700); err != nil {
		s.Fatal(err)
	}
	config := s.dir + "/server.conf"
	plugin := s.write("radiusplugin.cnf", fmt.Sprintf(`NAS-Identifier=openvpn
Service-Type=5
Framed-Protocol=1
NAS-Port-Type=5
NAS-IP-Address=%s
OpenVPNConfig=%s
subnet=255.255.255.0
overwriteccfiles=true
server
{
	acctport=%s
	authport=%s
	name=%s
	retry=1
	wait=2
	sharedsecret=%s
}
`, s.gateway.Address, config, accounting, port, host, servers.ClientSecret))
	s.write("server.conf", fmt.Sprintf(`dev tun0
dev-type tun
proto udp
local %s
port 1194
ca %s
cert %s
key %s
dh none
verify-client-cert none
username-as-common-name
server 10.99.0.0 255.255.255.0
topology subnet
client-config-dir %s
status %s/status.log 1
status-version 1
keepalive 2 20
plugin /usr/lib/openvpn/radiusplugin.so %s
verb 4
`, s.gateway.Address, ca.File, cert, key, ccd, s.dir, plugin))
	server = s.on(s.gateway, nil, "openvpn", "--config", config)
	s.printed(server, "Initialization Sequence Completed")
	typed := s.write("typed", fmt.Sprintf("%s\n%s,%s\n", user, password, s.code()))
	client = s.on(s.home, nil, "openvpn", "--client", "--dev", "tun0", "--proto", "udp", "--remote", s.gateway.Address, "1194", "--nobind",
		"--ca", ca.File, "--auth-user-pass", typed, "--auth-retry", "none", "--connect-retry-max", "1", "--explicit-exit-notify", "1")
	return server, client
}

// TestC6OpenVPN: a person who logs in through openvpn-auth-radius stays in. Without an answer to its Start
// the plugin throws people out after two seconds.
func TestC6OpenVPN(t *testing.T) {
	s := start(t, "append")
	server, client := s.openvpn()
	s.printed(client, "Initialization Sequence Completed")
	began := s.accounted("Start", anything, server, client)
	s.reaches("10.99.0.1", client)
	s.accounted("Interim-Update", moved, server, client)
	s.reaches("10.99.0.1", client)
	client.End(syscall.SIGTERM)
	ended := s.accounted("Stop", moved, server)
	for _, r := range []radius.AccountingRecord{began, ended} {
		if r.Username != user || r.SessionID == "" || r.SessionID != began.SessionID || r.Client != "gateway" || r.NASIdentifier != "openvpn" ||
			r.Address.String() != s.gateway.Address || r.CallingStationID != s.home.Address || r.FramedIP != "10.99.0.2" {
			t.Errorf("%+v", r)
		}
	}
	if ended.SessionSeconds == nil || *ended.SessionSeconds < interim { // the plugin sends no cause
		t.Errorf("%+v", ended)
	}
}
