//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// startMailSite starts a Sallyport that sends codes by mail to the addresses of the directory. limits
// are lines of [factors.email.limits].
func startMailSite(t *testing.T, limits string, folk ...servers.Person) (*site, *servers.Mailpit) {
	t.Helper()
	m := servers.StartMailpit(t, servers.MailpitOptions{})
	config := frontDoor("email", "ui = true", `registration = "directory"`) + sendsMail(m) +
		"[factors.email.limits]\n" + limits + residents(t, folk...)
	return startSite(t, config), m
}

// sendsMail is a [factors.email] with this server.
func sendsMail(m *servers.Mailpit) string {
	return fmt.Sprintf("\n[factors.email]\nservers = [%q]\nca_file = %q\nfrom = \"login@corp.example.test\"\n", "smtp://"+m.SMTP, m.CAFile)
}

// mailed waits until a number of codes were mailed to a person, and fails when there are more.
func (s *site) mailed(m *servers.Mailpit, p servers.Person, want int) {
	s.t.Helper()
	got := 0
	s.eventually(fmt.Sprintf("%d codes to %s", want, p.UID), func() error {
		if got = s.codesMailed(m, p); got < want {
			return fmt.Errorf("there are %d", got)
		}
		return nil
	})
	if got > want {
		s.t.Errorf("%d codes were mailed to %s, want %d", got, p.UID, want)
	}
}

// codesMailed counts the codes that a person was mailed; there are notices too.
func (s *site) codesMailed(m *servers.Mailpit, p servers.Person) (n int) {
	s.t.Helper()
	all, err := m.Messages(s.t.Context(), p.Mail)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if strings.Contains(one.Subject, "login code") {
			n++
		}
	}
	return n
}

// resend asks for another code by an empty answer.
func (s *site) resend(p servers.Person, r servers.RadclientReply) servers.RadclientReply {
	s.t.Helper()
	return s.ask(p.UID, "r", r.Get("State"))
}

// crash kills the daemon and starts it again.
func (s *site) crash() {
	s.t.Helper()
	s.Kill()
	if err := s.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// resendAfter checks Sallyport-Resend-After: what is left of a wait that began between two moments.
func (s *site) resendAfter(r servers.RadclientReply, wait time.Duration, from, to time.Time) {
	s.t.Helper()
	got, err := strconv.Atoi(r.Get("Sallyport-Resend-After"))
	least, most := wait-time.Since(from).Truncate(time.Second)-2*time.Second, wait-time.Since(to).Truncate(time.Second)+time.Second
	if after := time.Duration(got) * time.Second; err != nil || after < least || after > most {
		s.t.Errorf("a code may be sent again after %v, %v; want %v to %v", after, err, least, most)
	}
}

// TestAMinuteBetweenSendsHoldsAcrossACrash kills the daemon after a code was sent.
func TestAMinuteBetweenSendsHoldsAcrossACrash(t *testing.T) {
	t.Parallel()
	p := people("user", 1)[0]
	s, m := startMailSite(t, "", p)
	before := time.Now()
	first := s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "otp")
	after := time.Now()
	s.resendAfter(first, time.Minute, before, after)
	s.mailed(m, p, 1)
	s.crash()

	refused := s.want(s.resend(p, first), "Access-Challenge", "resend_too_soon", "otp")
	s.resendAfter(refused, time.Minute, before, after)

	// A first request that is repeated rejoins what it had opened, and nothing more is sent.
	again := s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "otp")
	s.resendAfter(again, time.Minute, before, after)
	if again.Get("State") == first.Get("State") {
		t.Error("another reply came under the same State")
	}
	// From elsewhere it opens another challenge, and has to wait all the same.
	elsewhere, err := s.client.Auth(t.Context(), servers.Attribute{Name: "User-Name", Value: p.UID},
		servers.Attribute{Name: "User-Password", Value: p.Password}, servers.Attribute{Name: "Calling-Station-Id", Value: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	s.resendAfter(s.want(elsewhere, "Access-Challenge", "resend_too_soon", "otp"), time.Minute, before, after)

	sent, err := m.Code(t.Context(), p.Mail)
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.ask(p.UID, sent, again.Get("State")), "Access-Accept", "accepted", "")
	s.mailed(m, p, 1)
}

// TestHourlyLimitHoldsAcrossACrash uses up what a user may be sent in an hour, with a crash before each
// request.
func TestHourlyLimitHoldsAcrossACrash(t *testing.T) {
	t.Parallel()
	p := people("user", 1)[0]
	s, m := startMailSite(t, "between = \"0s\"\nuser = {hour = 3, day = 10}\n", p)
	before := time.Now()
	r := s.want(s.ask(p.UID, p.Password, ""), "Access-Challenge", "prompt", "otp")
	after := time.Now()
	for n := 2; n <= 3; n++ {
		s.crash()
		r = s.want(s.resend(p, r), "Access-Challenge", "prompt", "otp")
	}
	s.mailed(m, p, 3)
	s.crash()
	r = s.want(s.resend(p, r), "Access-Challenge", "rate_limited", "otp")
	s.resendAfter(r, time.Hour, before, after)
	s.mailed(m, p, 3)

	// The newest code is still good.
	sent, err := m.Code(t.Context(), p.Mail)
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.ask(p.UID, sent, r.Get("State")), "Access-Accept", "accepted", "")
}
