package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// The domain that every Samba of this package serves, and its administrator.
const (
	SambaDomain        = "EXAMPLE"
	SambaRealm         = "example.test"
	SambaAdmin         = "Administrator@" + SambaRealm
	SambaAdminPassword = "Admin-Passw0rd-1"
)

// SambaOptions says where a domain controller listens and who is in its domain. The zero value is an
// empty domain on 127.0.0.40.
type SambaOptions struct {
	// Address is the loopback address to listen on; empty means 127.0.0.40. The ports are fixed at
	// 389 and 636, so that two domain controllers need two addresses, and starting one needs root.
	Address string
	// CA issues the certificate; nil makes one in the server's directory.
	CA *CA
	// People and Groups are added to the domain.
	People []SambaPerson
	Groups []SambaGroup
}

// Samba is a running AD domain controller. Methods are safe for concurrent use.
type Samba struct {
	running

	// BaseDN is the domain's suffix; CAFile holds the CA of the server's certificate.
	BaseDN string
	CAFile string

	address string
	config  string
}

// StartSamba starts a domain controller for the duration of a test. It takes about five seconds.
func StartSamba(t T, opt SambaOptions) *Samba {
	t.Helper()
	s, err := NewSamba(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start Samba: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// NewSamba provisions a domain in dir, starts Samba with its LDAP service alone, waits until it
// answers, and adds the people and groups.
func NewSamba(dir string, opt SambaOptions) (*Samba, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.40"
	}
	if opt.CA == nil {
		var err error
		if opt.CA, err = NewCA(dir); err != nil {
			return nil, err
		}
	}
	s := &Samba{BaseDN: "DC=example,DC=test", CAFile: opt.CA.File, address: opt.Address, config: filepath.Join(dir, "smb.conf")}
	certFile, keyFile, err := opt.CA.Issue(opt.Address, "dc1."+SambaRealm)
	if err != nil {
		return nil, err
	}
	if err := provision(dir); err != nil {
		return nil, err
	}
	config := fmt.Sprintf(smbConf, opt.Address, dir, opt.CA.File, certFile, keyFile)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	if err := s.populate(opt.People, opt.Groups); err != nil {
		s.Stop()
		return nil, fmt.Errorf("add people to Samba: %w", err)
	}
	return s, nil
}

// provision makes the domain's database: two seconds.
func provision(dir string) error {
	_, err := run(nil, nil, "samba-tool", "domain", "provision", "--domain="+SambaDomain, "--realm="+SambaRealm, "--dns-backend=NONE",
		"--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1", "--adminpass="+SambaAdminPassword, "--targetdir="+dir)
	return err
}

// smbConf starts the LDAP service alone, on one loopback address.
const smbConf = `[global]
	interfaces = %[1]s/8
	bind interfaces only = Yes
	netbios name = DC1
	realm = EXAMPLE.TEST
	workgroup = EXAMPLE
	server role = active directory domain controller
	server services = ldap
	private dir = %[2]s/private
	lock directory = %[2]s
	state directory = %[2]s/state
	cache directory = %[2]s/cache
	pid directory = %[2]s
	ncalrpc dir = %[2]s/ncalrpc
	binddns dir = %[2]s/bind-dns
	log file = %[2]s/log
	tls cafile = %[3]s
	tls certfile = %[4]s
	tls keyfile = %[5]s
`

func (s *Samba) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	proc, err := startProcess("/usr/sbin/samba", []string{"--interactive", "--model=single", "--configfile=" + s.config, "--debug-stdout"})
	if err != nil {
		return err
	}
	if err := proc.waitFor(context.Background(), net.JoinHostPort(s.address, "389"), net.JoinHostPort(s.address, "636")); err != nil {
		proc.end(syscall.SIGKILL)
		return err
	}
	s.proc = proc
	return nil
}

// URL is the address of plain LDAP, on which StartTLS is offered. Samba refuses passwords there
// without it.
func (s *Samba) URL() string { return "ldap://" + s.address }

// TLSURL is the address of LDAPS.
func (s *Samba) TLSURL() string { return "ldaps://" + s.address }
