package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// What a FreeRADIUS of [StartFreeRADIUSUpstream] knows: one user with one passcode, and one who is
// asked for another code after it.
const (
	UpstreamUser     = "erin"
	UpstreamAsked    = "frank"
	UpstreamPasscode = "PinPin12123456"
	UpstreamNextCode = "654321"
	UpstreamPrompt   = "Wait for the tokencode to change, then enter the new tokencode :"
)

// UpstreamOptions says how a FreeRADIUS treats those who forward to it. The zero value takes all of
// 127.0.0.0/8 under [ClientSecret].
type UpstreamOptions struct {
	// Port is the UDP port of 127.0.0.1; 0 picks a free one.
	Port int
	// Client is the address or network of the one client; empty means 127.0.0.0/8.
	Client string
	// Secret is its shared secret; empty means [ClientSecret].
	Secret string
	// RequireMessageAuthenticator drops requests without it.
	RequireMessageAuthenticator bool
	// RejectDelay is FreeRADIUS's own delay of each Reject; 0 means one second, its default.
	RejectDelay time.Duration
}

// upstreamRaddb is a policy that challenges, like Authentication Manager's: the passcode, and then for
// one user the next tokencode. Its State is FreeRADIUS's own. Nothing is read of /etc/freeradius.
const upstreamRaddb = `
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = {{.Dir}}
logdir = {{.Dir}}
run_dir = {{.Dir}}
pidfile = {{.Dir}}/radiusd.pid
max_request_time = 30
cleanup_delay = 5
max_requests = 4096
hostname_lookups = no
log {
	destination = files
	file = {{.Log}}
	auth = yes
}
security {
	max_attributes = 200
	reject_delay = {{printf "%.3f" .RejectDelay.Seconds}}
	status_server = yes
}
proxy_requests = no
thread pool {
	start_servers = 2
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 4
	max_requests_per_server = 0
}
client upstream {
	ipaddr = {{.Client}}
	secret = {{printf "%q" .Secret}}
	require_message_authenticator = {{if .RequireMessageAuthenticator}}yes{{else}}no{{end}}
}
modules {
	always reject {
		rcode = reject
	}
	always handled {
		rcode = handled
	}
}
server upstream {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		if (&State) {
			if (&session-state:Tmp-String-0 && &session-state:Tmp-String-0 == &User-Name && &User-Password == "` + UpstreamNextCode + `") {
				update control {
					&Auth-Type := Accept
				}
			}
			else {
				reject
			}
		}
		elsif (&User-Password != "` + UpstreamPasscode + `") {
			reject
		}
		elsif (&User-Name == "` + UpstreamUser + `") {
			update control {
				&Auth-Type := Accept
			}
		}
		elsif (&User-Name == "` + UpstreamAsked + `") {
			update control {
				&Auth-Type := Ask
			}
		}
		else {
			reject
		}
	}
	authenticate {
		Auth-Type Ask {
			update session-state {
				&Tmp-String-0 := &User-Name
			}
			update reply {
				&Reply-Message := "` + UpstreamPrompt + `"
				&Prompt := No-Echo
			}
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			handled
		}
	}
	post-auth {
		update reply {
			&Class := 0x7374616666
			&Filter-Id := "staff"
		}
	}
}
`

// StartFreeRADIUSUpstream starts a FreeRADIUS in the place of an RSA server for the duration of a test.
func StartFreeRADIUSUpstream(t T, opt UpstreamOptions) *FreeRADIUS {
	t.Helper()
	f, err := NewFreeRADIUSUpstream(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start freeradius: %v", err)
	}
	t.Cleanup(f.Stop)
	return f
}

// NewFreeRADIUSUpstream writes a configuration of its own into dir, starts the server on it and waits
// until it serves.
func NewFreeRADIUSUpstream(dir string, opt UpstreamOptions) (*FreeRADIUS, error) {
	if opt.Client == "" {
		opt.Client = "127.0.0.0/8"
	}
	if opt.Secret == "" {
		opt.Secret = ClientSecret
	}
	if opt.RejectDelay == 0 {
		opt.RejectDelay = time.Second
	}
	if opt.Port == 0 {
		var err error
		if opt.Port, err = FreeUDPPort("127.0.0.1"); err != nil {
			return nil, err
		}
	}
	f := &FreeRADIUS{
		Radius: net.JoinHostPort("127.0.0.1", strconv.Itoa(opt.Port)), LogFile: filepath.Join(dir, "radius.log"),
		dir: dir, secret: opt.Secret,
	}
	if err := writeUpstreamRaddb(dir, f.LogFile, opt); err != nil {
		return nil, err
	}
	proc, err := startProcess("/usr/sbin/freeradius", []string{"-f", "-d", dir})
	if err != nil {
		return nil, err
	}
	f.proc = proc
	if err := f.waitServing(proc); err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

// waitServing reads the log, since a server that does not know this address answers nothing.
func (f *FreeRADIUS) waitServing(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(f.log(), "Ready to process requests") {
		select {
		case <-proc.done:
			return fmt.Errorf("freeradius ended before it was ready: %s%s", proc.out.String(), f.log())
		case <-ctx.Done():
			return fmt.Errorf("freeradius does not serve: %s", f.log())
		case <-tick.C:
		}
	}
	return nil
}

func writeUpstreamRaddb(dir, log string, opt UpstreamOptions) error {
	if err := os.WriteFile(filepath.Join(dir, "dictionary"), nil, 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "radiusd.conf"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(template.Must(template.New("radiusd.conf").Parse(upstreamRaddb)).Execute(f, struct {
		UpstreamOptions
		Dir, Log string
	}{opt, dir, log}), f.Close())
}
