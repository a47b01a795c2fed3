//go:build e2e

package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"sallyport/e2e/servers"
)

// mailTo hands a message over as it stands.
func mailTo(m *servers.Mailpit, to, text string) error {
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	host, _, err := net.SplitHostPort(m.SMTP)
	if err != nil {
		return err
	}
	c, err := smtp.DialStartTLS(m.SMTP, &tls.Config{RootCAs: roots, ServerName: host})
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail("from@example.test", []string{to}, strings.NewReader("To: "+to+"\r\nSubject: hello\r\n\r\n"+text+"\r\n"))
}

func TestMailpitShowsWhatWasSent(t *testing.T) {
	m := servers.StartMailpit(t, servers.MailpitOptions{})
	if err := mailTo(m, "alice@example.test", "your code\r\n\r\n    123456\r\n\r\nis good for 300 seconds"); err != nil {
		t.Fatal(err)
	}
	if code, err := m.Code(t.Context(), "alice@example.test"); err != nil || code != "123456" {
		t.Errorf("code %q, %v", code, err)
	}
	mails, err := m.Messages(t.Context(), "")
	if err != nil || len(mails) != 1 || mails[0].Header.Get("Subject") != "hello" || mails[0].To[0].Address != "alice@example.test" {
		t.Errorf("%+v, %v", mails, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if code, err := m.Code(ctx, "bob@example.test"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("code of somebody else: %q, %v", code, err)
	}
	if err := m.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mails, err := m.Messages(t.Context(), ""); err != nil || len(mails) != 0 {
		t.Errorf("after Clear: %d messages, %v", len(mails), err)
	}
}

func TestMailpitMisbehavesOnRequest(t *testing.T) {
	m := servers.StartMailpit(t, servers.MailpitOptions{})
	if err := m.Chaos(t.Context(), servers.Chaos{Recipient: 451}); err != nil {
		t.Fatal(err)
	}
	var answer *smtp.SMTPError
	if err := mailTo(m, "alice@example.test", "hello"); !errors.As(err, &answer) || answer.Code != 451 {
		t.Errorf("got %v, want 451", err)
	}
	if err := m.Chaos(t.Context(), servers.Chaos{}); err != nil {
		t.Fatal(err)
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := mailTo(m, "alice@example.test", "hello"); err != nil {
		t.Error(err)
	}
}
