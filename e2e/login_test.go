//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport/e2e/servers"
)

// TestLoginsByRadclient plays every verdict of a login with an authenticator app: Debian's slapd
// behind, Debian's radclient in front.
func TestLoginsByRadclient(t *testing.T) {
	t.Parallel()
	folk := people("user", 10)
	expired := servers.Person{UID: "expired", Password: "password-of-expired", Extra: []string{"pwdChangedTime: 20200101000000Z"}}
	locked := servers.Person{UID: "locked", Password: "password-of-locked", Extra: []string{"pwdAccountLockedTime: 000001010000Z"}}
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: append(folk, expired, locked), PPolicy: true})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients)

	t.Run("the first login registers, the second asks for a code", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[0])
		s.want(s.ask(folk[0].UID, code(t, key, 0), s.begin(folk[0])), "Access-Accept", "accepted", "")
		line := s.audit(map[string]any{"username": "user00", "code": "accepted", "verdict": "accept", "earned": "password+totp"})
		if line["user"] != "user00" || line["client"] != "vpn" || line["trace"] == "" || line["directory_ms"] == nil {
			t.Errorf("audit line: %v", line)
		}
	})
	t.Run("spellings are one user", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[1])
		for i, name := range []string{"USER01", `EXAMPLE\user01`, "user01@example.test"} {
			r := s.want(s.ask(name, folk[1].Password, ""), "Access-Challenge", "prompt", "otp")
			s.want(s.ask(name, wrongCode(t, key, i), r.Get("State")), "Access-Challenge", "otp_invalid", "otp")
		}
		r := s.want(s.ask("User01", folk[1].Password, ""), "Access-Challenge", "prompt", "otp")
		for i := range 2 {
			r = s.want(s.ask("User01", wrongCode(t, key, 7+i), r.Get("State")), "Access-Challenge", "otp_invalid", "otp")
		}
		s.want(s.ask("user01", folk[1].Password, ""), "Access-Reject", "account_locked", "")
	})
	t.Run("wrong password and unknown user look the same outside", func(t *testing.T) {
		s := s.in(t)
		wrong := s.want(s.ask(folk[2].UID, "not-the-password", ""), "Access-Reject", "password_invalid", "")
		unknown := s.want(s.ask("nobody", "not-the-password", ""), "Access-Reject", "password_invalid", "")
		if fmt.Sprint(visible(wrong)) != fmt.Sprint(visible(unknown)) {
			t.Errorf("%v\n%v", wrong, unknown)
		}
		s.audit(map[string]any{"username": folk[2].UID, "code": "password_invalid", "reason": "wrong password"})
		s.audit(map[string]any{"username": "nobody", "code": "password_invalid", "reason": "no such user"})
	})
	t.Run("wrong codes are counted down, and end the login", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[3])
		state := s.begin(folk[3])
		for left := 2; left > 0; left-- {
			r := s.want(s.ask(folk[3].UID, wrongCode(t, key, left), state), "Access-Challenge", "otp_invalid", "otp")
			if r.Get("Sallyport-Attempts-Left") != fmt.Sprint(left) {
				t.Errorf("attempts left %s, want %d", r.Get("Sallyport-Attempts-Left"), left)
			}
			state = r.Get("State")
		}
		s.want(s.ask(folk[3].UID, wrongCode(t, key, 0), state), "Access-Reject", "attempts_exhausted", "")
		s.want(s.ask(folk[3].UID, code(t, key, 0), s.begin(folk[3])), "Access-Accept", "accepted", "")
	})
	t.Run("a code is used once", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[4])
		used := code(t, key, 0)
		s.want(s.ask(folk[4].UID, used, s.begin(folk[4])), "Access-Accept", "accepted", "")
		r := s.want(s.ask(folk[4].UID, used, s.begin(folk[4])), "Access-Challenge", "otp_replayed", "otp")
		if r.Get("Sallyport-Attempts-Left") != "3" {
			t.Errorf("a replay cost an attempt: %v", r)
		}
		s.want(s.ask(folk[4].UID, code(t, key, 1), r.Get("State")), "Access-Accept", "accepted", "")
	})
	t.Run("five wrong codes lock until an administrator unlocks", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[5])
		for n := range 5 {
			if n == 0 || n == 3 {
				s.begin(folk[5])
			}
			s.ask(folk[5].UID, wrongCode(t, key, n), s.begin(folk[5]))
		}
		s.want(s.ask(folk[5].UID, folk[5].Password, ""), "Access-Reject", "account_locked", "")
		s.want(s.ask(folk[5].UID, "not-the-password", ""), "Access-Reject", "password_invalid", "")
		if out, err := s.Run("", "user", "show", `EXAMPLE\USER05`); err != nil || !strings.Contains(out, "locked") {
			t.Errorf("user show: %v\n%s", err, out)
		}
		if out, err := s.Run("", "user", "unlock", "user05"); err != nil {
			t.Fatalf("user unlock: %v\n%s", err, out)
		}
		s.want(s.ask(folk[5].UID, code(t, key, 0), s.begin(folk[5])), "Access-Accept", "accepted", "")
	})
	t.Run("reset leads back to registration and ends what is pending", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[6])
		pending := s.begin(folk[6])
		if out, err := s.Run("", "user", "reset", "user06", "--then", "window", "--yes"); err != nil {
			t.Fatalf("user reset: %v\n%s", err, out)
		}
		s.want(s.ask(folk[6].UID, code(t, key, 0), pending), "Access-Reject", "state_invalid", "")
		s.want(s.ask(folk[6].UID, folk[6].Password, ""), "Access-Challenge", "prompt", "register-totp")
	})
	t.Run("the directory's refusals", func(t *testing.T) {
		s := s.in(t)
		s.want(s.ask(expired.UID, expired.Password, ""), "Access-Reject", "password_expired", "")
		s.want(s.ask(locked.UID, locked.Password, ""), "Access-Reject", "password_invalid", "")
		s.audit(map[string]any{"username": "locked", "code": "account_locked", "verdict": "reject"})
	})
	t.Run("a State is good for its user only, and as it was sealed", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[7])
		state := s.begin(folk[7])
		s.want(s.ask("user06", code(t, key, 0), state), "Access-Reject", "state_invalid", "")
		s.want(s.ask(folk[7].UID, code(t, key, 0), state[:len(state)-2]), "Access-Reject", "state_invalid", "")
		s.want(s.ask(folk[7].UID, code(t, key, 0), state), "Access-Accept", "accepted", "")
	})
	t.Run("R7/a State goes on under another spelling of its user", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[8])
		r := s.want(s.ask(`EXAMPLE\user08`, folk[8].Password, ""), "Access-Challenge", "prompt", "otp")
		r = s.want(s.ask("user08", wrongCode(t, key, 0), r.Get("State")), "Access-Challenge", "otp_invalid", "otp")
		s.want(s.ask("user07@example.test", code(t, key, 0), r.Get("State")), "Access-Reject", "state_invalid", "")
		s.want(s.ask("user08@example.test", code(t, key, 0), r.Get("State")), "Access-Accept", "accepted", "")
	})
	t.Run("R11/the password again under a State is no guess", func(t *testing.T) {
		s := s.in(t)
		key := s.register(folk[9])
		state := s.begin(folk[9])
		for range 3 {
			r := s.want(s.ask(folk[9].UID, folk[9].Password, state), "Access-Challenge", "prompt", "otp")
			if r.Get("Sallyport-Attempts-Left") != "3" {
				t.Errorf("the password counted as a code: %v", r)
			}
			state = r.Get("State")
		}
		s.want(s.ask(folk[9].UID, code(t, key, 0), state), "Access-Accept", "accepted", "")
	})
}

// in returns the site for a subtest.
func (s *site) in(t *testing.T) *site { return &site{s.Sallyport, t, s.client} }

// visible is what an outsider sees of a reply.
func visible(r servers.RadclientReply) []servers.Attribute {
	return r.Attributes[1:] // the Message-Authenticator differs in every packet
}

func TestChallengeExpires(t *testing.T) {
	t.Parallel()
	folk := people("user", 1)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients+"\n[login]\nchallenge_life = \"10s\"\n")
	key := s.register(folk[0])
	state := s.begin(folk[0])
	s.eventually("the challenge to expire", func() error {
		r := s.ask(folk[0].UID, "", state) // an empty answer asks again and counts nothing
		if r.Code == "Access-Challenge" {
			return errors.New("still open")
		}
		s.want(r, "Access-Reject", "state_expired", "")
		return nil
	})
	s.want(s.ask(folk[0].UID, code(t, key, 0), state), "Access-Reject", "state_expired", "")
}

// TestLoginsByPAM logs in through pam_radius_auth, which knows nothing but Reply-Message and State.
func TestLoginsByPAM(t *testing.T) {
	t.Parallel()
	folk := people("user", 2)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.URL())+strings.Replace(clients, "ui = true", "ui = false", 1))
	pam := servers.StartPAM(t, servers.PAMOptions{Servers: []string{s.Radius}})
	login := func(answers ...string) servers.PAMResult {
		t.Helper()
		r, err := pam.Login(context.Background(), folk[0].UID, answers...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	// The prompt carries the key. Who comes meanwhile with the same password, and as PAM says no
	// Calling-Station-Id, is shown another one.
	var key string
	d, err := pam.Talk(context.Background(), folk[0].UID, servers.Type(folk[0].Password), func(prompt string) string {
		key = typedKey(t, prompt)
		other, err := s.client.Login(context.Background(), folk[0].UID, folk[0].Password, "")
		if err != nil || typedKey(t, other.Get("Reply-Message")) == key {
			t.Errorf("S13: another first request is shown the key that is being registered (%v)", err)
		}
		return code(t, key, -1)
	})
	if err != nil || !d.Accepted {
		t.Fatalf("registration: %v %v", d, err)
	}
	if r := login(folk[0].Password, code(t, key, 0)); !r.Accepted || !strings.Contains(r.Output, "Enter the code from your authenticator app:") {
		t.Fatalf("second login: %s", r.Output)
	}
	if r := login(folk[0].Password, wrongCode(t, key, 0), code(t, key, 1)); !r.Accepted || !strings.Contains(r.Output, "Wrong code. 2 attempts left.") {
		t.Fatalf("wrong code, then the right one: %s", r.Output)
	}
	for _, c := range []struct {
		name    string
		answers []string
	}{
		{"wrong password", []string{"not-the-password"}},
		{"used code", []string{folk[0].Password, code(t, key, 0), code(t, key, 0), code(t, key, 0)}},
		{"three wrong codes", []string{folk[0].Password, wrongCode(t, key, 1), wrongCode(t, key, 2), wrongCode(t, key, 3)}},
	} {
		if r := login(c.answers...); r.Accepted {
			t.Errorf("%s: accepted: %s", c.name, r.Output)
		}
	}
}

// typedKey finds the TOTP key in a prompt: groups of four base32 characters.
func typedKey(t *testing.T, prompt string) string {
	t.Helper()
	_, rest, ok := strings.Cut(prompt, "authenticator app: ")
	key, _, ok2 := strings.Cut(rest, " Then enter")
	if !ok || !ok2 || len(key) != 39 {
		t.Fatalf("no key in %q", prompt)
	}
	return key
}

// TestDirectoryServerDies kills one of two directory servers in the middle of the logins: all
// complete.
func TestDirectoryServerDies(t *testing.T) {
	t.Parallel()
	folk := people("user", 6)
	ca, err := servers.NewCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := servers.StartSlapd(t, servers.SlapdOptions{People: folk, CA: ca})
	second := servers.StartSlapd(t, servers.SlapdOptions{People: folk, CA: ca})
	s := startSite(t, corp(ca.File, first.TLSURL(), second.TLSURL())+clients)
	for i, p := range folk {
		key := s.register(p)
		state := s.begin(p)
		switch i {
		case 1:
			first.Kill()
		case 3:
			if err := first.Restart(); err != nil {
				t.Fatal(err)
			}
		case 4:
			second.Kill()
		}
		s.want(s.ask(p.UID, code(t, key, 0), state), "Access-Accept", "accepted", "")
	}

	first.Kill()
	if _, err := s.client.Login(context.Background(), folk[0].UID, folk[0].Password, ""); !errors.Is(err, servers.ErrNoReply) {
		t.Errorf("with no directory server the client must be left to try its next server: %v", err)
	}
	s.audit(map[string]any{"username": folk[0].UID, "code": "directory_unavailable", "verdict": "none"})
	s.eventually("/readyz to name the directory", func() error {
		status, body, err := s.Get("/readyz")
		if err != nil || status != 503 || !strings.Contains(body, "corp") {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
}
