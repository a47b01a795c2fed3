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

// ocserv starts a gateway with Debian's ocserv, which accounts, and a person's openconnect, who types the
// password and then the code.
func (s *site) ocserv() (server, client *servers.Program) {
	s.Helper()
	ca, err := servers.NewCA(s.dir)
	if err != nil {
		s.Fatal(err)
	}
	cert, key, err := ca.Issue(s.gateway.Address)
	if err != nil {
		s.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(s.node.Radius)
	s.write("servers", host+" "+servers.ClientSecret+"\n")
	radcli := s.write("radiusclient.conf", fmt.Sprintf(`nas-identifier ocserv
authserver %s
acctserver %s
servers %s/servers
dictionary /etc/radcli/dictionary
default_realm
radius_timeout 1
radius_retries 2
bindaddr *
`, s.node.Radius, s.node.Accounting, s.dir))
	config := s.write("ocserv.conf", fmt.Sprintf(`auth = "radius[config=%[1]s]"
acct = "radius[config=%[1]s]"
listen-host = %[2]s
tcp-port = 443
run-as-user = nobody
run-as-group = daemon
socket-file = %[3]s/socket
pid-file = %[3]s/pid
server-cert = %[4]s
server-key = %[5]s
isolate-workers = false
use-occtl = false
max-clients = 16
max-ban-score = 0
rate-limit-ms = 0
auth-timeout = 240
stats-report-time = %[6]d
device = vpns
ipv4-network = 192.168.77.0
ipv4-netmask = 255.255.255.0
cisco-client-compat = true
`, radcli, s.gateway.Address, s.dir, cert, key, interim))
	server = s.on(s.gateway, nil, "ocserv", "--foreground", "--debug", "2", "--config", config)
	s.printed(server, "listening (TCP) on")
	script := s.write("script", `#!/bin/sh
[ "$reason" = connect ] || exit 0
ip link set "$TUNDEV" up mtu "$INTERNAL_IP4_MTU"
ip address add "$INTERNAL_IP4_ADDRESS" peer 192.168.77.1 dev "$TUNDEV"
`)
	if err := os.Chmod(script, 0o700); err != nil {
		s.Fatal(err)
	}
	typed := s.write("typed", password+"\n"+s.code()+"\n")
	client = s.on(s.home, nil, "sh", "-c", fmt.Sprintf("exec openconnect --no-dtls --no-system-trust --cafile %s --user %s --passwd-on-stdin --interface tun0 --script %s https://%s <%s",
		ca.File, user, script, s.gateway.Address, typed))
	return server, client
}

// TestC6Ocserv: a person who logs in at an ocserv that accounts stays in.
func TestC6Ocserv(t *testing.T) {
	s := start(t, "challenge")
	server, client := s.ocserv()
	began := s.accounted("Start", anything, server, client)
	s.reaches("192.168.77.1", client)
	s.accounted("Interim-Update", moved, server, client)
	s.reaches("192.168.77.1", client)
	client.End(syscall.SIGINT)
	ended := s.accounted("Stop", moved, server)
	for _, r := range []radius.AccountingRecord{began, ended} {
		if r.Username != user || r.SessionID == "" || r.SessionID != began.SessionID || r.Client != "gateway" || r.NASIdentifier != "ocserv" ||
			r.Address.String() != s.gateway.Address || r.CallingStationID != s.home.Address {
			t.Errorf("%+v", r)
		}
	}
	if ended.SessionSeconds == nil || *ended.SessionSeconds < interim || ended.TerminateCause != "User-Request" || ended.FramedIP == "" {
		t.Errorf("%+v", ended)
	}
}
