package main

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// administer runs a user verb at the service.
func (s *service) administer(t *testing.T, args ...string) string {
	t.Helper()
	got := runProgram(t, "", append(append([]string{"user"}, args...), "--socket", filepath.Join(s.dir, "admin.sock"))...)
	if got.code != exitOK {
		t.Fatalf("user %s: exit %d: %s", strings.Join(args, " "), got.code, got.stderr)
	}
	return got.stdout
}

// What an administrator issues on one socket is what a person types on another.
func TestWhatAnAdministratorIssuesLetsPeopleIn(t *testing.T) {
	s := serveConfig(t, strings.Replace(small(t), `"first-login"`, `"closed"`, 1))
	const secret, password = "first-canary-of-24-octets", "wonderland-1"
	refused := s.login(t, "alice", secret, password)
	if refused.code == exitOK {
		t.Fatalf("a person without a factor got in:\n%s", refused.stdout)
	}

	key := regexp.MustCompile(`(?m)^uri +otpauth://\S*secret=([A-Z2-7]+)`).FindStringSubmatch(s.administer(t, "enrol", "alice", "--factor", "totp"))
	if key == nil {
		t.Fatal("no key was handed over")
	}
	code, err := totp.GenerateCode(key[1], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.login(t, "alice", secret, password, code); got.code != exitOK {
		t.Errorf("with the key handed over: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}

	bypass := strings.TrimSpace(s.administer(t, "bypass", "alice", "--reason", "telephone lost", "--uses", "2"))
	recovery := strings.Fields(s.administer(t, "recovery-codes", "alice"))
	for name, typed := range map[string]string{"bypass": strings.ToUpper(bypass), "recovery": recovery[9]} {
		if got := s.login(t, "alice", secret, password, typed); got.code != exitOK {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	shown := s.administer(t, "show", "alice")
	for _, want := range []string{`recovery codes +9 uses left, by uid \d+`, `bypass code +1 use left, ends in .*, by uid \d+: telephone lost`} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
	if !strings.Contains(s.stderr.String(), `"reason":"telephone lost"`) {
		t.Errorf("the audit does not say why:\n%s", s.stderr)
	}
	for _, canary := range append(recovery, bypass, key[1]) {
		if strings.Contains(s.stderr.String(), canary) {
			t.Errorf("the log holds a code or a key")
		}
	}
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Errorf("exit status %d", code)
	}
}

// Who changes somebody's factors cannot do it unseen: the person is told at the address that the
// directory holds.
func TestPeopleAreToldWhatAnAdministratorChanged(t *testing.T) {
	shown := newOutput()
	mail, err := openMailbox(&board{w: shown}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mail.close(); err != nil {
			t.Error(err)
		}
	})
	s := serveConfig(t, strings.Replace(small(t), `name = "alice"`, "name = \"alice\"\nmail = \"alice@corp.example\"", 1)+
		"[factors.email]\nservers = \""+mail.url()+"\"\nfrom = \"login@corp.example\"\n")
	s.administer(t, "enrol", "alice", "--factor", "totp")
	shown.await(t, `(?s)alice@corp\.example.*an administrator`)
	s.stderr.await(t, `"event":"delivery","outcome":"taken","factor":"email","notice":"registered"`)
	s.administer(t, "reset", "alice", "--yes")
	s.stderr.await(t, `"notice":"removed"`)
	s.administer(t, "bypass", "alice", "--reason", "telephone lost")
	s.stderr.await(t, `"notice":"bypass"`)
	if strings.Contains(s.stderr.String(), "alice@corp") {
		t.Errorf("the log holds an address:\n%s", s.stderr)
	}
	got := runProgram(t, "", "status", "--socket", filepath.Join(s.dir, "admin.sock"))
	if got.code != exitOK || !strings.Contains(got.stdout, "[ ok ] factors.email\n") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}
