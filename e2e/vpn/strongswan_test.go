//go:build e2e

package vpn

import (
	"fmt"
	"net"
	"testing"

	"sallyport/e2e/hosts"
	"sallyport/e2e/servers"
	"sallyport/radius"
)

// inner is an address behind the gateway.
const inner = "10.99.9.1"

// charon is strongSwan's daemon on a host.
type charon struct {
	*servers.Program
	host *hosts.Host
	uri  string
}

// swanctl tells the daemon something.
func (s *site) swanctl(c charon, args ...string) {
	s.Helper()
	line := append([]string{"swanctl"}, args...)
	if err := s.run(c.host, nil, append(line, "--uri", c.uri)...); err != nil {
		s.Fatal(err)
	}
}

// charon starts the daemon, with ESP in its own process since not every kernel has it, with plugins besides those that everybody needs, and loads connections.
func (s *site) charon(h *hosts.Host, plugins, settings, connections string) charon {
	s.Helper()
	uri := fmt.Sprintf("unix://%s/%s.vici", s.dir, h.Name)
	config := s.write(h.Name+".strongswan.conf", fmt.Sprintf(`charon-systemd {
	load = random nonce openssl kdf hmac kernel-libipsec kernel-netlink socket-default vici %s
	filelog {
		stderr {
			default = 1
		}
	}
	plugins {
		vici {
			socket = %s
		}
		%s
	}
}
`, plugins, uri, settings))
	c := charon{s.on(h, []string{"STRONGSWAN_CONF=" + config}, "charon-systemd"), h, uri}
	file := s.write(h.Name+".swanctl.conf", connections)
	s.eventually("the daemon on "+h.Name, func() error {
		return s.run(h, nil, "swanctl", "--stats", "--uri", uri)
	}, c.Program)
	s.swanctl(c, "--load-all", "--file", file)
	return c
}

// strongswan starts a gateway for IKEv1 with XAuth, which accounts, and a person's client, who gives the
// password and the code in one.
func (s *site) strongswan() (server, client charon) {
	s.Helper()
	host, port, _ := net.SplitHostPort(s.node.Radius)
	_, accounting, _ := net.SplitHostPort(s.node.Accounting)
	if err := s.run(s.gateway, nil, "ip", "address", "add", inner+"/32", "dev", "lo"); err != nil {
		s.Fatal(err)
	}
	server = s.charon(s.gateway, "eap-radius", fmt.Sprintf(`eap-radius {
			accounting = yes
			accounting_send_class = yes
			retransmit_timeout = 0.5
			servers {
				sallyport {
					address = %s
					auth_port = %s
					acct_port = %s
					secret = %s
				}
			}
		}`, host, port, accounting, servers.ClientSecret), fmt.Sprintf(`connections {
	people {
		version = 1
		local_addrs = %s
		pools = people
		local {
			auth = psk
		}
		remote {
			auth = psk
		}
		remote-xauth {
			auth = xauth-radius
		}
		children {
			inner {
				local_ts = %s/32
			}
		}
	}
}
pools {
	people {
		addrs = 10.77.0.0/24
	}
}
secrets {
	ike {
		secret = a-key-that-all-people-share
	}
}
`, s.gateway.Address, inner))
	client = s.charon(s.home, "xauth-generic", "", fmt.Sprintf(`connections {
	gateway {
		version = 1
		remote_addrs = %s
		vips = 0.0.0.0
		local {
			auth = psk
		}
		local-xauth {
			auth = xauth
			xauth_id = %s
		}
		remote {
			auth = psk
		}
		children {
			inner {
				remote_ts = %s/32
			}
		}
	}
}
secrets {
	ike {
		secret = a-key-that-all-people-share
	}
	xauth {
		id = %s
		secret = "%s,%s"
	}
}
`, s.gateway.Address, user, inner, user, password, s.code()))
	s.swanctl(client, "--initiate", "--child", "inner")
	return server, client
}

// TestC6StrongSwan: a person who logs in at a strongSwan with accounting = yes stays in.
func TestC6StrongSwan(t *testing.T) {
	s := start(t, "append")
	server, client := s.strongswan()
	began := s.accounted("Start", anything, server.Program, client.Program)
	s.reaches(inner, client.Program)
	s.accounted("Interim-Update", moved, server.Program, client.Program)
	s.reaches(inner, client.Program)
	s.swanctl(client, "--terminate", "--ike", "gateway")
	ended := s.accounted("Stop", moved, server.Program)
	for _, r := range []radius.AccountingRecord{began, ended} {
		if r.Username != user || r.SessionID == "" || r.SessionID != began.SessionID || r.Client != "gateway" || r.NASIdentifier != "strongSwan" ||
			r.Address.String() != s.gateway.Address || r.FramedIP != "10.77.0.1" || len(r.Class) != 1 || r.Class[0] != "staff-of-the-test" {
			t.Errorf("%+v", r)
		}
	}
	if ended.SessionSeconds == nil || *ended.SessionSeconds < interim || ended.TerminateCause != "User-Request" {
		t.Errorf("%+v", ended)
	}
}
