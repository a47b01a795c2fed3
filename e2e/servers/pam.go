package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// PAMOptions says how pam_radius_auth asks.
type PAMOptions struct {
	// Servers are addresses and ports, in the order in which they are asked.
	Servers []string
	// Secret is the shared secret; empty means [ClientSecret].
	Secret string
	// Timeout is the wait for each transmission, in whole seconds of at least 3, which is what 0
	// means; Retries is the number of further transmissions to each server.
	Timeout time.Duration
	Retries int
}

// PAM is a PAM service that logs in by pam_radius_auth. It is safe for concurrent use.
type PAM struct {
	// Service is its name.
	Service string
}

// PAMResult is what a login came to.
type PAMResult struct {
	// Accepted tells whether pam_authenticate succeeded.
	Accepted bool
	// Output is what pamtester showed: prompts, messages and the outcome.
	Output string
}

// StartPAM makes a PAM service for the duration of a test.
func StartPAM(t T, opt PAMOptions) *PAM {
	t.Helper()
	p, err := NewPAM(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("make a PAM service: %v", err)
	}
	t.Cleanup(func() { p.Remove() })
	return p
}

// NewPAM makes a PAM service of a unique name, whose pam_radius_auth is configured in dir. The
// service itself must be a file in /etc/pam.d: the library looks nowhere else. Remove takes it away.
func NewPAM(dir string, opt PAMOptions) (*PAM, error) {
	if opt.Secret == "" {
		opt.Secret = ClientSecret
	}
	if opt.Timeout == 0 {
		opt.Timeout = 3 * time.Second
	}
	var lines strings.Builder
	for _, server := range opt.Servers {
		fmt.Fprintf(&lines, "%s %s %d\n", server, opt.Secret, int(opt.Timeout.Seconds()))
	}
	conf := filepath.Join(dir, "pam_radius_auth.conf")
	if err := os.WriteFile(conf, []byte(lines.String()), 0o600); err != nil {
		return nil, err
	}
	module := "pam_radius_auth.so conf=" + conf + " prompt_attribute"
	if opt.Retries > 0 {
		module += " retry=" + strconv.Itoa(opt.Retries)
	}
	p := &PAM{Service: "sallyport-test-" + strings.ToLower(rand.Text()[:10])}
	stack := "auth required " + module + "\naccount required pam_permit.so\nsession required pam_permit.so\n"
	return p, os.WriteFile(p.file(), []byte(stack), 0o644)
}

func (p *PAM) file() string { return filepath.Join("/etc/pam.d", p.Service) }

// Remove takes the service away.
func (p *PAM) Remove() error { return os.Remove(p.file()) }

// Talk logs in with pamtester, as a person at a terminal does. The error says that it could not be run
// or did not end within ctx, never that the login was refused.
func (p *PAM) Talk(ctx context.Context, user string, answers ...Answer) (Dialogue, error) {
	return talk(ctx, exec.CommandContext(ctx, "pamtester", p.Service, user, "authenticate"), strings.TrimSpace, answers)
}

// Login is Talk with answers that do not depend on the prompts.
func (p *PAM) Login(ctx context.Context, user string, answers ...string) (PAMResult, error) {
	lines := make([]Answer, len(answers))
	for i, line := range answers {
		lines[i] = Type(line)
	}
	d, err := p.Talk(ctx, user, lines...)
	return PAMResult{Accepted: d.Accepted, Output: strings.Join(append(d.Prompts, d.End), "\n")}, err
}
