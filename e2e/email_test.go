//go:build e2e

package e2e

import (
	"context"
	"errors"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/factors/email"
	"sallyport/login"
)

// mailConfig submits at mail servers as smtp:// with the account of startMailpit.
func mailConfig(all ...*servers.Mailpit) email.Config {
	c := email.Config{From: "Login <login@corp.example.test>", Username: "sallyport", Password: "submission-1", Timeout: 2 * time.Second}
	for _, m := range all {
		c.CAFile, c.Servers = m.CAFile, append(c.Servers, "smtp://"+m.SMTP)
	}
	return c
}

func startMailpit(t *testing.T, ca *servers.CA) *servers.Mailpit {
	t.Helper()
	return servers.StartMailpit(t, servers.MailpitOptions{CA: ca, Accounts: map[string]string{"sallyport": "submission-1"}})
}

func openMail(t *testing.T, c email.Config) *email.Factor {
	t.Helper()
	f, err := email.New(c, email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sendCode sends a code with some seconds of life and returns the server and the error.
func sendCode(t *testing.T, f *email.Factor, code login.Secret, change func(*login.Message)) (string, error) {
	t.Helper()
	to, err := f.ParseAddress("alice@example.test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	m := login.Message{To: to, Code: code, User: "alice", Life: 5 * time.Minute, Trace: "4f1c"}
	if change != nil {
		change(&m)
	}
	return f.Send(ctx, m)
}

func TestMailIsDeliveredAndReadBack(t *testing.T) {
	for name, c := range map[string]struct {
		implicit bool
		scheme   string
		auth     string
	}{
		"STARTTLS, PLAIN":     {false, "smtp://", "auto"},
		"STARTTLS, LOGIN":     {false, "smtp://", "login"},
		"implicit TLS, PLAIN": {true, "smtps://", "plain"},
	} {
		t.Run(name, func(t *testing.T) {
			m := servers.StartMailpit(t, servers.MailpitOptions{ImplicitTLS: c.implicit, Accounts: map[string]string{"sallyport": "submission-1"}})
			config := mailConfig(m)
			config.Servers, config.Auth = []string{c.scheme + m.SMTP}, c.auth
			f := openMail(t, config)
			server, err := sendCode(t, f, "492817", nil)
			if err != nil || server != c.scheme+m.SMTP {
				t.Fatalf("%q, %v", server, err)
			}
			if code, err := m.Code(t.Context(), "alice@example.test"); err != nil || code != "492817" {
				t.Errorf("code %q, %v", code, err)
			}
			checks := f.Check(t.Context())
			if len(checks) != 1 || checks[0].Err != nil || checks[0].TLS != "TLS 1.3" || checks[0].Mechanism == "" {
				t.Errorf("Check() = %+v", checks)
			}
			all, err := m.Messages(t.Context(), "")
			if err != nil || len(all) != 1 {
				t.Fatalf("%d messages, %v", len(all), err)
			}
			wantMail(t, all[0])
		})
	}
}

// wantMail checks the message that sendCode sends, as Mailpit read it.
func wantMail(t *testing.T, got servers.Mail) {
	t.Helper()
	if *got.From != (mail.Address{Name: "Login", Address: "login@corp.example.test"}) || len(got.To) != 1 || got.To[0].Address != "alice@example.test" {
		t.Errorf("from %v to %v", got.From, got.To)
	}
	if got.Subject != "Your login code for Sallyport" {
		t.Errorf("subject %q", got.Subject)
	}
	if !strings.Contains(got.Text, "    492817") || !strings.Contains(got.HTML, `<bdi dir="ltr">492817</bdi>`) {
		t.Errorf("text %q, HTML %q", got.Text, got.HTML)
	}
	if got.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(got.Header.Get("Message-Id"), "@corp.example.test>") {
		t.Errorf("header %v", got.Header)
	}
	for name, values := range got.Header {
		if strings.Contains(strings.Join(values, " "), "492817") {
			t.Errorf("%s holds the code", name)
		}
	}
	if date, err := got.Header.Date(); err != nil || time.Since(date) > time.Minute {
		t.Errorf("date %v, %v", date, err)
	}
}

func TestMailInArabic(t *testing.T) {
	m := startMailpit(t, nil)
	f := openMail(t, mailConfig(m))
	if _, err := sendCode(t, f, "492817", func(m *login.Message) { m.Language = "ar" }); err != nil {
		t.Fatal(err)
	}
	all, err := m.Messages(t.Context(), "alice@example.test")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	got := all[0]
	if got.Subject != "رمز تسجيل الدخول إلى Sallyport" || !strings.Contains(got.Text, "مرحبًا alice،") || !strings.Contains(got.HTML, `<html lang="ar" dir="rtl">`) {
		t.Errorf("subject %q, text %q, HTML %q", got.Subject, got.Text, got.HTML)
	}
	if code, err := m.Code(t.Context(), "alice@example.test"); err != nil || code != "492817" {
		t.Errorf("code %q, %v", code, err)
	}
}

func TestMailServerRefuses(t *testing.T) {
	m := startMailpit(t, nil)
	server := "smtp://" + m.SMTP
	for name, c := range map[string]struct {
		chaos servers.Chaos
		words string
	}{
		"recipient for good": {servers.Chaos{Recipient: 550}, "RCPT: the server answered 550"},
		"account":            {servers.Chaos{Authentication: 535}, "AUTH: the server answered 535"},
		"sender for good":    {servers.Chaos{Sender: 553}, "MAIL: the server answered 553"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := m.Chaos(t.Context(), c.chaos); err != nil {
				t.Fatal(err)
			}
			f := openMail(t, mailConfig(m))
			start := time.Now()
			_, err := sendCode(t, f, "492817", nil)
			var failed *login.SendError
			if !errors.As(err, &failed) || !failed.Permanent || failed.Server != server || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %q", err, c.words)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("said after %v", took)
			}
		})
	}
	if all, err := m.Messages(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("%d messages, %v", len(all), err)
	}
}

func TestMailServerRefusesForAWhile(t *testing.T) {
	m := startMailpit(t, nil)
	if err := m.Chaos(t.Context(), servers.Chaos{Recipient: 451}); err != nil {
		t.Fatal(err)
	}
	f := openMail(t, mailConfig(m))
	sent := make(chan error, 1)
	go func() {
		_, err := sendCode(t, f, "492817", nil)
		sent <- err
	}()
	refused := func() error {
		if f.Stats().Servers[0].Temporary == 0 {
			return errors.New("not yet")
		}
		return nil
	}
	(&site{t: t}).eventually("a temporary refusal", refused)
	if err := m.Chaos(t.Context(), servers.Chaos{}); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if all, err := m.Messages(t.Context(), "alice@example.test"); err != nil || len(all) != 1 {
		t.Errorf("%d messages, %v", len(all), err)
	}
}

func TestMailPassesByAServerThatHangsOrIsDead(t *testing.T) {
	ca, err := servers.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, b := startMailpit(t, ca), startMailpit(t, ca)
	if err := a.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	f := openMail(t, mailConfig(a, b))
	if server, err := sendCode(t, f, "492817", nil); err != nil || server != "smtp://"+b.SMTP {
		t.Errorf("the first hangs: %q, %v", server, err)
	}
	start := time.Now()
	if server, err := sendCode(t, f, "492818", nil); err != nil || server != "smtp://"+b.SMTP || time.Since(start) > time.Second {
		t.Errorf("the second message: %q, %v after %v", server, err, time.Since(start))
	}
	a.Kill()
	f = openMail(t, mailConfig(a, b))
	if server, err := sendCode(t, f, "492819", nil); err != nil || server != "smtp://"+b.SMTP {
		t.Errorf("the first is dead: %q, %v", server, err)
	}
	if code, err := b.Code(t.Context(), "alice@example.test"); err != nil || code != "492819" {
		t.Errorf("code %q, %v", code, err)
	}
}

func TestMailChecksTheCertificate(t *testing.T) {
	other, err := servers.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		opt   servers.MailpitOptions
		ca    string
		words string
	}{
		"unknown authority": {servers.MailpitOptions{}, other.File, "certificate signed by unknown authority"},
		"wrong name":        {servers.MailpitOptions{Names: []string{"mail.example.test"}}, "", "doesn't contain any IP SANs"},
	} {
		t.Run(name, func(t *testing.T) {
			c.opt.Accounts = map[string]string{"sallyport": "submission-1"}
			m := servers.StartMailpit(t, c.opt)
			config := mailConfig(m)
			if c.ca != "" {
				config.CAFile = c.ca
			}
			_, err := sendCode(t, openMail(t, config), "492817", nil)
			var failed *login.SendError
			if !errors.As(err, &failed) || !failed.Permanent || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %q", err, c.words)
			}
			if name == "wrong name" { // and is right under the name that it bears
				config.ServerName = "mail.example.test"
				if _, err := sendCode(t, openMail(t, config), "492817", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestMailAccountIsRefused(t *testing.T) {
	m := startMailpit(t, nil)
	config := mailConfig(m)
	config.Password = "submission-2"
	_, err := sendCode(t, openMail(t, config), "492817", nil)
	if err == nil || !strings.Contains(err.Error(), "AUTH: the server answered 535") || strings.Contains(err.Error(), "submission-2") {
		t.Errorf("got %v", err)
	}
	config.Auth, config.PasswordFile = "xoauth2", filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(config.PasswordFile, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sendCode(t, openMail(t, config), "492817", nil)
	if err == nil || !strings.Contains(err.Error(), "the server does not offer AUTH XOAUTH2") {
		t.Errorf("got %v", err)
	}
}
