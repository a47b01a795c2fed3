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
	"syscall"
)

// MailpitOptions says how a Mailpit takes mail. The zero value demands STARTTLS and knows no accounts.
type MailpitOptions struct {
	// Accounts are the users of AUTH PLAIN and LOGIN with their passwords; with none, there is no AUTH.
	Accounts map[string]string
	// ImplicitTLS encrypts from the start, as on port 465, instead of STARTTLS.
	ImplicitTLS bool
	// CA issues the certificate; nil makes one in the server's directory.
	CA *CA
	// Names are the names in the certificate; empty means 127.0.0.1 and localhost.
	Names []string
}

// Mailpit is a running Mailpit, a mail server whose mailboxes are read over an API. Methods are safe
// for concurrent use.
type Mailpit struct {
	running

	// SMTP is the address and port that take mail; CAFile holds the CA of the certificate.
	SMTP   string
	CAFile string

	api  string
	args []string
}

// StartMailpit starts a Mailpit for the duration of a test.
func StartMailpit(t T, opt MailpitOptions) *Mailpit {
	t.Helper()
	m, err := NewMailpit(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start Mailpit: %v", err)
	}
	t.Cleanup(m.Stop)
	return m
}

// NewMailpit starts a Mailpit whose files live in dir, on free ports of 127.0.0.1, and waits until it
// answers. The program is the one that .ci/mailpit builds.
func NewMailpit(dir string, opt MailpitOptions) (*Mailpit, error) {
	if opt.CA == nil {
		var err error
		if opt.CA, err = NewCA(dir); err != nil {
			return nil, err
		}
	}
	if len(opt.Names) == 0 {
		opt.Names = []string{"127.0.0.1", "localhost"}
	}
	m := &Mailpit{CAFile: opt.CA.File}
	for _, address := range []*string{&m.SMTP, &m.api} {
		port, err := FreePort("127.0.0.1")
		if err != nil {
			return nil, err
		}
		*address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	cert, key, err := opt.CA.Issue(opt.Names...)
	if err != nil {
		return nil, err
	}
	m.args = []string{"--smtp", m.SMTP, "--listen", m.api, "--database", filepath.Join(dir, "mailpit.db"),
		"--smtp-tls-cert", cert, "--smtp-tls-key", key, "--smtp-disable-rdns", "--disable-version-check", "--enable-chaos"}
	if opt.ImplicitTLS {
		m.args = append(m.args, "--smtp-require-tls")
	} else {
		m.args = append(m.args, "--smtp-require-starttls")
	}
	if err := m.addAccounts(dir, opt.Accounts); err != nil {
		return nil, err
	}
	return m, m.start()
}

func (m *Mailpit) addAccounts(dir string, accounts map[string]string) error {
	if len(accounts) == 0 {
		return nil
	}
	var lines strings.Builder
	for user, password := range accounts {
		fmt.Fprintf(&lines, "%s:%s\n", user, password)
	}
	file := filepath.Join(dir, "accounts")
	m.args = append(m.args, "--smtp-auth-file", file)
	return os.WriteFile(file, []byte(lines.String()), 0o600)
}

func (m *Mailpit) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	program, err := builtTool("mailpit")
	if err != nil {
		return err
	}
	proc, err := startProcess(program, m.args)
	if err != nil {
		return err
	}
	if err := proc.waitFor(context.Background(), m.SMTP, m.api); err != nil {
		proc.end(syscall.SIGKILL)
		return err
	}
	m.proc = proc
	return nil
}

// Restart starts a server that was killed or stopped again, on the same ports and mailboxes, and waits
// until it answers.
func (m *Mailpit) Restart() error {
	m.Stop()
	return m.start()
}

// builtTool finds a program that was built into .cache/bin of the checkout.
func builtTool(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("this is no folder of the checkout")
		}
		dir = parent
	}
	program := filepath.Join(dir, ".cache", "bin", name)
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%w: `make packages` builds it", err)
	}
	return program, nil
}
