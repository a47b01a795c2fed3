package servers

import (
	"errors"
	"os"
	"path/filepath"
	"text/template"
)

// raddb is the whole configuration: nothing of /etc/freeradius is read.
//
// Search and bind have a pool each, for a connection that has bound as a person must bind as the
// service account again before it can search. Replies are kept for five seconds (cleanup_delay) as
// by default, so max_requests must hold five seconds of requests at full load, two for each login.
// The socket's buffer holds what arrives while all threads wait for slapd; as large as Linux gives.
// The State of a challenge is FreeRADIUS's own; what it stands for is kept in session-state.
const raddb = `
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = {{.Dir}}
logdir = {{.Dir}}
run_dir = {{.Dir}}
pidfile = {{.Dir}}/radiusd.pid
max_request_time = 30
cleanup_delay = 5
max_requests = 262144
hostname_lookups = no
log {
	destination = files
	file = {{.Log}}
	auth = no
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
proxy_requests = no
thread pool {
	start_servers = {{.Threads}}
	max_servers = {{.Threads}}
	min_spare_servers = 1
	max_spare_servers = {{.Threads}}
	max_requests_per_server = 0
	max_queue_size = 65536
	auto_limit_acct = no
}
client loopback {
	ipaddr = 127.0.0.0/8
	secret = {{printf "%q" .Secret}}
	require_message_authenticator = no
}
modules {
	always reject {
		rcode = reject
	}
	always handled {
		rcode = handled
	}
{{range $instance := .Instances}}	ldap {{$instance}} {
		server = {{printf "%q" $.LDAPURL}}
		identity = "` + ServiceDN + `"
		password = "` + ServicePassword + `"
		base_dn = "` + PeopleDN + `"
		user_dn = "LDAP-UserDn"
		update {
		}
		user {
			base_dn = "${..base_dn}"
			filter = "(uid=%{User-Name})"
		}
		options {
			chase_referrals = no
			res_timeout = 10
			srv_timelimit = 3
			net_timeout = 1
		}
{{if $.CAFile}}		tls {
			ca_file = {{printf "%q" $.CAFile}}
			require_cert = "demand"
		}
{{end}}		pool {
			start = {{$.Threads}}
			min = {{$.Threads}}
			max = {{$.Threads}}
			spare = 0
			uses = 0
			retry_delay = 1
			lifetime = 0
			idle_timeout = 0
		}
	}
{{end}}	totp {
	}
}
server twofactor {
	listen {
		type = auth
		ipaddr = {{.Address}}
		port = {{.Port}}
		recv_buff = 4194304
	}
	authorize {
		if (&State) {
			if (&session-state:Tmp-String-0 && (&session-state:Tmp-String-0 == &User-Name)) {
				update control {
					&Auth-Type := TOTP
					&TOTP-Secret := {{printf "%q" .TOTPKey}}
				}
				update request {
					&TOTP-Password := &User-Password
				}
			}
			else {
				reject
			}
		}
		else {
			ldapsearch
			if (notfound) {
				reject
			}
			update control {
				&Auth-Type := LDAP
			}
		}
	}
	authenticate {
		Auth-Type LDAP {
			ldapbind
			if (ok) {
				update session-state {
					&Tmp-String-0 := &User-Name
				}
				update reply {
					&Reply-Message := "Enter your one-time code: "
				}
				update control {
					&Response-Packet-Type := Access-Challenge
				}
				handled
			}
		}
		Auth-Type TOTP {
			totp
		}
	}
}
`

func writeRaddb(dir, log string, opt FreeRADIUSOptions) error {
	// The dictionary of the raddb directory is read after FreeRADIUS's own.
	if err := os.WriteFile(filepath.Join(dir, "dictionary"), nil, 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "radiusd.conf"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(template.Must(template.New("radiusd.conf").Parse(raddb)).Execute(f, struct {
		FreeRADIUSOptions
		Dir, Log  string
		Instances []string
	}{opt, dir, log, []string{"ldapsearch", "ldapbind"}}), f.Close())
}
