package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// The names that every slapd of this package serves.
const (
	BaseDN          = "dc=example,dc=test"
	PeopleDN        = "ou=people," + BaseDN
	GroupsDN        = "ou=groups," + BaseDN
	ServiceDN       = "cn=sallyport,ou=services," + BaseDN
	ServicePassword = "service-password-1"
)

// SlapdOptions says what a slapd serves. The zero value is an empty tree on free ports of 127.0.0.1.
type SlapdOptions struct {
	// Address is the loopback address to listen on; empty means 127.0.0.1.
	Address string
	// Port and TLSPort are the ports of ldap:// and ldaps://; 0 picks free ones.
	Port, TLSPort int
	// People are entries under PeopleDN, with their groups under GroupsDN.
	People []Person
	// Bulk adds this many people named by [BulkUser], whose passwords are [BulkPassword].
	Bulk int
	// LDIF is added as it stands, after everything else.
	LDIF string
	// PPolicy loads the password policy overlay: five failures lock, passwords live 90 days after
	// pwdChangedTime, and pwdReset demands a change.
	PPolicy bool
	// Threads is the number of slapd's worker threads; 0 means 16, slapd's own default.
	Threads int
	// CA issues the certificate; nil makes one in the server's directory.
	CA *CA
	// Names are further names for the certificate, next to the address and localhost.
	Names []string
}

// Slapd is a running slapd. Methods are safe for concurrent use.
type Slapd struct {
	running

	// BaseDN is the suffix served; CAFile holds the CA of the server's certificate.
	BaseDN string
	CAFile string

	address, tlsAddress string
	config              string
}

// StartSlapd starts a slapd for the duration of a test.
func StartSlapd(t T, opt SlapdOptions) *Slapd {
	t.Helper()
	s, err := NewSlapd(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start slapd: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// NewSlapd loads a database in dir, starts slapd on it and waits until it answers. Passwords are
// stored as {SSHA}. Anonymous binds are refused; the account ServiceDN may read everything except
// passwords, everyone else only their own entry.
func NewSlapd(dir string, opt SlapdOptions) (*Slapd, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.1"
	}
	if opt.Threads == 0 {
		opt.Threads = 16
	}
	s := &Slapd{BaseDN: BaseDN, config: filepath.Join(dir, "slapd.conf")}
	for _, p := range []struct {
		port    *int
		address *string
	}{{&opt.Port, &s.address}, {&opt.TLSPort, &s.tlsAddress}} {
		if *p.port == 0 {
			var err error
			if *p.port, err = FreePort(opt.Address); err != nil {
				return nil, err
			}
		}
		*p.address = net.JoinHostPort(opt.Address, strconv.Itoa(*p.port))
	}
	if opt.CA == nil {
		var err error
		if opt.CA, err = NewCA(dir); err != nil {
			return nil, err
		}
	}
	s.CAFile = opt.CA.File
	if err := s.load(dir, opt); err != nil {
		return nil, err
	}
	return s, s.start()
}

// load writes the configuration and fills the database offline.
func (s *Slapd) load(dir string, opt SlapdOptions) error {
	certFile, keyFile, err := opt.CA.Issue(append([]string{opt.Address, "localhost"}, opt.Names...)...)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	config := slapdConfig{Dir: dir, Data: data, CA: opt.CA.File, Cert: certFile, Key: keyFile, Threads: opt.Threads, PPolicy: opt.PPolicy}
	if err := config.write(s.config); err != nil {
		return err
	}
	ldif := filepath.Join(dir, "data.ldif")
	if err := writeLDIF(ldif, opt); err != nil {
		return err
	}
	_, err = run(nil, nil, "/usr/sbin/slapadd", "-q", "-f", s.config, "-l", ldif)
	return err
}

func (s *Slapd) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	listen := fmt.Sprintf("ldap://%s ldaps://%s", s.address, s.tlsAddress)
	proc, err := startProcess("/usr/sbin/slapd", []string{"-d", "0", "-f", s.config, "-h", listen})
	if err != nil {
		return err
	}
	if err := proc.waitFor(context.Background(), s.address, s.tlsAddress); err != nil {
		proc.end(syscall.SIGKILL)
		return err
	}
	s.proc = proc
	return nil
}

// URL is the address of plain LDAP, on which StartTLS is offered.
func (s *Slapd) URL() string { return "ldap://" + s.address }

// TLSURL is the address of LDAPS.
func (s *Slapd) TLSURL() string { return "ldaps://" + s.tlsAddress }

// Restart starts a server that was killed or stopped again, on the same ports and data, and waits
// until it answers.
func (s *Slapd) Restart() error {
	s.Stop()
	return s.start()
}
