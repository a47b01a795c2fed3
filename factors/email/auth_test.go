package email_test

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"sallyport/factors/email"
)

const host = "mail.example.test"

// account is a configuration that logs in at a server of an authority.
func account(a *authority, servers ...string) email.Config {
	return email.Config{Servers: servers, CAFile: a.file, Username: "login@example.test", Password: "hunter2-secret"}
}

func onlyHunter(_, user, secret string) error {
	if user == "login@example.test" && secret == "hunter2-secret" {
		return nil
	}
	return smtp.ErrAuthFailed
}

func TestMechanisms(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct {
		auth    string
		offered []string
		want    string
	}{
		"auto, both":         {"", []string{"LOGIN", "XOAUTH2", "PLAIN"}, "PLAIN"},
		"auto, LOGIN only":   {"auto", []string{"XOAUTH2", "LOGIN"}, "LOGIN"},
		"plain":              {"plain", []string{"PLAIN"}, "PLAIN"},
		"login before PLAIN": {"login", []string{"PLAIN", "LOGIN"}, "LOGIN"},
		"oauthbearer":        {"oauthbearer", []string{"PLAIN", "OAUTHBEARER"}, "OAUTHBEARER"},
		"xoauth2":            {"xoauth2", []string{"PLAIN", "XOAUTH2"}, "XOAUTH2"},
	} {
		for _, scheme := range []string{"smtp", "smtps"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &mailServer{mechanisms: c.offered, login: onlyHunter}
					server := scheme + "://" + host
					address := map[string]string{"smtp": host + ":587", "smtps": host + ":465"}[scheme]
					config := account(a, server)
					config.Auth = c.auth
					f := newFactor(t, config, network{address: m.serve(t, a.issue(t, host), scheme == "smtps")})
					got, err := send(t, f)
					if err != nil || got != scheme+"://"+address || len(m.received()) != 1 {
						t.Fatalf("%q, %v, %d messages", got, err, len(m.received()))
					}
					if want := []string{c.want + " login@example.test hunter2-secret"}; !slices.Equal(m.logins, want) {
						t.Errorf("logins %q, want %q", m.logins, want)
					}
					check := f.Check(t.Context())
					if len(check) != 1 || check[0].Err != nil || check[0].Mechanism != c.want || check[0].TLS != "TLS 1.3" || check[0].Server != got {
						t.Errorf("Check() = %+v", check)
					}
					if len(m.received()) != 1 {
						t.Error("Check sent something")
					}
				})
			})
		}
	}
}

func TestNoAccountMeansNoAUTH(t *testing.T) {
	a := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{mechanisms: []string{"PLAIN"}}
		f := newFactor(t, email.Config{CAFile: a.file}, network{host + ":587": m.serve(t, a.issue(t, host), false)})
		if _, err := send(t, f); err != nil || len(m.logins) != 0 {
			t.Errorf("%v, logins %q", err, m.logins)
		}
	})
}

func TestRefusedAccount(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct {
		auth, words string
		offered     []string
	}{
		"auto":            {"auto", "AUTH: the server answered 535 5.7.8", []string{"PLAIN"}},
		"login":           {"login", "AUTH: the server answered 535 5.7.8", []string{"LOGIN"}},
		"xoauth2":         {"xoauth2", "AUTH: the server answered 535 5.7.8", []string{"XOAUTH2"}},
		"oauthbearer":     {"oauthbearer", "AUTH: the server refused the access token", []string{"OAUTHBEARER"}},
		"none that fits":  {"auto", "AUTH: the server offers neither AUTH PLAIN nor AUTH LOGIN", []string{"CRAM-MD5"}},
		"xoauth2 missing": {"xoauth2", "AUTH: the server does not offer AUTH XOAUTH2", []string{"PLAIN", "LOGIN"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mailServer{mechanisms: c.offered, login: func(_, _, _ string) error { return smtp.ErrAuthFailed }}
				config := account(a, "smtp://"+host)
				config.Auth = c.auth
				f := newFactor(t, config, network{host + ":587": m.serve(t, a.issue(t, host), false)})
				_, err := send(t, f)
				wantFailure(t, err, "smtp://"+host+":587", true, c.words)
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v shows the password", err)
				}
				if len(m.logins) > 1 {
					t.Errorf("%d attempts to log in with one message", len(m.logins))
				}
				if check := f.Check(t.Context()); check[0].Err == nil || !strings.Contains(check[0].Err.Error(), c.words) {
					t.Errorf("Check() = %+v", check)
				}
			})
		})
	}
}

// One server refuses the account and the other is busy: the busy one is waited for, and the account is
// not tried again and again.
func TestFaultyServerIsLeftOut(t *testing.T) {
	a := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{mechanisms: []string{"PLAIN"}, login: func(_, _, _ string) error { return smtp.ErrAuthFailed }}
		busy := &mailServer{mechanisms: []string{"PLAIN"}, rcpt: func(n int) error {
			if n < 3 {
				return refuse(451, smtp.EnhancedCode{4, 3, 0})
			}
			return nil
		}}
		f := newFactor(t, account(a, "smtp://"+host, "smtp://"+host+":588"), network{
			host + ":587": m.serve(t, a.issue(t, host), false), host + ":588": busy.serve(t, a.issue(t, host), false)})
		if server, err := send(t, f); err != nil || server != "smtp://"+host+":588" || len(m.logins) != 1 {
			t.Errorf("%q, %v, %d logins at the faulty server", server, err, len(m.logins))
		}
	})
}

func TestTemporaryAUTHFailureIsTriedAgain(t *testing.T) {
	a := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		n := 0
		m := &mailServer{mechanisms: []string{"PLAIN"}, login: func(_, _, _ string) error {
			if n++; n < 3 {
				return refuse(454, smtp.EnhancedCode{4, 7, 0})
			}
			return nil
		}}
		f := newFactor(t, account(a, "smtp://"+host), network{host + ":587": m.serve(t, a.issue(t, host), false)})
		if _, err := send(t, f); err != nil || n != 3 {
			t.Errorf("%v after %d logins", err, n)
		}
	})
}

// The program that renews the token writes a new one between two mails.
func TestTokenIsReadForEachConnection(t *testing.T) {
	a := newAuthority(t)
	file := filepath.Join(t.TempDir(), "token")
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{mechanisms: []string{"XOAUTH2"}}
		config := account(a, "smtp://"+host)
		config.Auth, config.Password, config.PasswordFile = "xoauth2", "token-of-the-start", file
		f := newFactor(t, config, network{host + ":587": m.serve(t, a.issue(t, host), false)})
		for _, token := range []string{"token-1", "token-2"} {
			if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := send(t, f); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{"XOAUTH2 login@example.test token-1", "XOAUTH2 login@example.test token-2"}; !slices.Equal(m.logins, want) {
			t.Errorf("logins %q, want %q", m.logins, want)
		}
		for _, odd := range []string{"", "\n", "two\ntokens", "nul\x00"} {
			if err := os.WriteFile(file, []byte(odd), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := send(t, f)
			wantFailure(t, err, "smtp://"+host+":587", true, "AUTH: password_file: ")
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		_, err := send(t, f)
		wantFailure(t, err, "smtp://"+host+":587", true, "no such file")
	})
}

// An attacker between us and the server takes STARTTLS out of the answer (RFC 3207 §6), or answers it
// with an error.
func TestStrippedSTARTTLSGetsNothing(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct {
		ehlo, starttls, words string
		permanent             bool
	}{
		"stripped": {"250-hello\r\n250 AUTH PLAIN LOGIN", "", "STARTTLS: the server does not offer STARTTLS", true},
		"refused":  {"250-hello\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS", "502 5.5.1 alice", "STARTTLS: the server answered 502 5.5.1", true},
		"later":    {"250-hello\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS", "454 4.7.0 alice", "STARTTLS: the server answered 454 4.7.0", false},
		"no TLS":   {"250-hello\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS", "220 go\r\n250-injected\r\n250 AUTH PLAIN", "TLS: the server does not speak TLS", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{greeting: "220 hello", answers: map[string]string{"EHLO": c.ehlo, "STARTTLS": c.starttls}}
				f := newFactor(t, account(a, "smtp://"+host), network{host + ":587": s.answer})
				_, err := send(t, f)
				wantFailure(t, err, "smtp://"+host+":587", c.permanent, c.words)
				if said := s.said(); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
					t.Errorf("said in the clear:\n%s", said)
				}
				<-time.After(time.Minute) // the server finds the connection closed
			})
		})
	}
}

func TestCertificateIsChecked(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	old := a.issue(t, host)
	old.MaxVersion = tls.VersionTLS11
	for name, c := range map[string]struct {
		tls   *tls.Config
		words string
	}{
		"unknown authority": {other.issue(t, host), "certificate signed by unknown authority"},
		"wrong name":        {a.issue(t, "other.example.test"), "certificate is valid for other.example.test, not " + host},
		"TLS 1.1":           {old, "protocol version"},
	} {
		for _, scheme := range []string{"smtp", "smtps"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := &mailServer{mechanisms: []string{"PLAIN"}}
					f := newFactor(t, account(a, scheme+"://"+host+":25"), network{host + ":25": m.serve(t, c.tls, scheme == "smtps")})
					_, err := send(t, f)
					wantFailure(t, err, scheme+"://"+host+":25", true, c.words)
					if len(m.logins)+len(m.received()) != 0 {
						t.Errorf("logins %q, %d messages", m.logins, len(m.received()))
					}
					if err := f.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), c.words) {
						t.Errorf("Ready() = %v", err)
					}
				})
			})
		}
	}
}

func TestServerNameReplacesTheHost(t *testing.T) {
	a := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{mechanisms: []string{"PLAIN"}}
		config := account(a, "smtps://192.0.2.7")
		config.ServerName = host
		f := newFactor(t, config, network{"192.0.2.7:465": m.serve(t, a.issue(t, host), true)})
		if _, err := send(t, f); err != nil {
			t.Error(err)
		}
	})
}

// Check reports each server, those behind silent ones too; nothing is learned from it.
func TestCheckAsksEveryServer(t *testing.T) {
	a := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{mechanisms: []string{"PLAIN"}, login: onlyHunter}
		const quiet = "silent.example.test"
		f := newFactor(t, account(a, "smtp://down.example.test", "smtp://"+quiet, "smtp://"+quiet, "smtp://"+quiet, "smtp://"+host), network{
			quiet + ":587": silent, host + ":587": m.serve(t, a.issue(t, host), false)})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		got := f.Check(ctx)
		if len(got) != 5 || got[0].Err == nil || got[1].Err == nil || got[2].Err == nil || got[3].Err == nil || got[4].Err != nil {
			t.Fatalf("%+v", got)
		}
		if !strings.Contains(got[0].Err.Error(), "connect: dial tcp: connection refused") || !errors.Is(got[1].Err, context.DeadlineExceeded) {
			t.Errorf("%+v", got)
		}
		for _, s := range f.Stats().Servers {
			if !s.Up || s.Sent+s.Temporary+s.Permanent != 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}
