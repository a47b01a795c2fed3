package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// FreeRADIUSOptions says what a FreeRADIUS does. Only LDAPURL and TOTPKey are needed.
type FreeRADIUSOptions struct {
	// Address is the loopback address to listen on; empty means 127.0.0.1.
	Address string
	// Port is the UDP port; 0 picks a free one.
	Port int
	// Secret is the shared secret of all of 127.0.0.0/8; empty means [ClientSecret].
	Secret string
	// LDAPURL is the LDAP server whose people log in, with the tree and the service account of
	// this package; CAFile verifies its certificate when the URL is ldaps://.
	LDAPURL, CAFile string
	// TOTPKey is everyone's TOTP key, in base32.
	TOTPKey string
	// Threads is the number of worker threads, each with a connection to search and one to bind;
	// 0 means 32, FreeRADIUS's own default.
	Threads int
}

// FreeRADIUS is a running FreeRADIUS that checks the password by search and bind, answers with an
// Access-Challenge, and takes the code of rlm_totp. Methods are safe for concurrent use.
type FreeRADIUS struct {
	running

	// Radius is the address listened on.
	Radius string
	// LogFile is where the server writes.
	LogFile string

	dir    string
	secret string
}

// StartFreeRADIUS starts a FreeRADIUS for the duration of a test.
func StartFreeRADIUS(t T, opt FreeRADIUSOptions) *FreeRADIUS {
	t.Helper()
	f, err := NewFreeRADIUS(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start freeradius: %v", err)
	}
	t.Cleanup(f.Stop)
	return f
}

// NewFreeRADIUS writes a configuration of its own into dir, starts the server on it and waits until
// it answers Status-Server.
func NewFreeRADIUS(dir string, opt FreeRADIUSOptions) (*FreeRADIUS, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.1"
	}
	if opt.Secret == "" {
		opt.Secret = ClientSecret
	}
	if opt.Threads == 0 {
		opt.Threads = 32
	}
	if opt.Port == 0 {
		var err error
		if opt.Port, err = FreeUDPPort(opt.Address); err != nil {
			return nil, err
		}
	}
	f := &FreeRADIUS{
		Radius: net.JoinHostPort(opt.Address, strconv.Itoa(opt.Port)), LogFile: filepath.Join(dir, "radius.log"),
		dir: dir, secret: opt.Secret,
	}
	if err := writeRaddb(dir, f.LogFile, opt); err != nil {
		return nil, err
	}
	proc, err := startProcess("/usr/sbin/freeradius", []string{"-f", "-d", dir})
	if err != nil {
		return nil, err
	}
	f.proc = proc
	if err := f.waitReady(proc); err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

// waitReady asks by Status-Server (RFC 5997) until an answer comes.
func (f *FreeRADIUS) waitReady(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	rc, err := NewRadclient(filepath.Join(f.dir, "radclient"), RadclientOptions{
		Server: f.Radius, Secret: f.secret, Timeout: 200 * time.Millisecond, Tries: 1,
	})
	if err != nil {
		return err
	}
	for {
		if _, err = rc.Status(ctx); err == nil {
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("freeradius ended before it was ready: %s%s", proc.out.String(), f.log())
		case <-ctx.Done():
			return fmt.Errorf("freeradius does not answer: %w: %s", err, f.log())
		default:
		}
	}
}

func (f *FreeRADIUS) log() string {
	text, err := os.ReadFile(f.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}
