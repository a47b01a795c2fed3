//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// startTypedSite starts a Sallyport with one RSA server, whose client knows only what it shows and what
// is typed, and a person at that client.
func startTypedSite(t *testing.T, v vault, profile string) (*site, *servers.PAM) {
	t.Helper()
	config := frontDoor("securid", fmt.Sprintf("profile = %q", profile), "") + forwardsTo(v.secret, v.open(t, "127.0.0.1:0").Addr())
	s := startSite(t, config+"[login]\nreject_delay = \"10ms\"\n"+residents(t, erin))
	return s, servers.StartPAM(t, servers.PAMOptions{Servers: []string{s.Radius}})
}

// types plays erin's login at the prompt: after her password she sees each of the texts and answers it.
func (s *site) types(pam *servers.PAM, steps ...[2]string) servers.Dialogue {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	answers := []servers.Answer{servers.Type(erin.Password)}
	for _, step := range steps {
		answers = append(answers, servers.Type(step[1]))
	}
	d, err := pam.Talk(ctx, erin.UID, answers...)
	if err != nil {
		s.t.Fatal(err)
	}
	for n, step := range steps {
		if n+1 >= len(d.Prompts) || !strings.Contains(d.Prompts[n+1], step[0]) {
			s.t.Fatalf("prompt %d of %q, end %q: want %q", n+1, d.Prompts, d.End, step[0])
		}
	}
	return d
}

const askPasscode = "Enter your PIN followed by the tokencode:"

// TestSecurIDByTyping goes through each dialogue at a VPN's single prompt. The texts of the RSA server
// are shown unchanged, since some clients know the steps by them.
func TestSecurIDByTyping(t *testing.T) {
	t.Parallel()
	accepted := strings.Split(rsatest.PromptAccepted, "\r\n")[0]
	t.Run("a PIN of one's own", func(t *testing.T) {
		v := openVault(rsatest.ModeNewPIN)
		s, pam := startTypedSite(t, v, "plain")
		d := s.types(pam, [2]string{askPasscode, v.passcode(0)}, [2]string{rsatest.PromptNewPIN, "a PIN"},
			[2]string{rsatest.PromptNewPIN, "NewPin12"}, [2]string{rsatest.PromptConfirmPIN, "NewPin12"},
			[2]string{accepted, "NewPin12" + v.code(1)})
		if !d.Accepted || v.PIN(erin.UID) != "NewPin12" {
			t.Errorf("%+v; the PIN is %q", d, v.PIN(erin.UID))
		}
	})
	t.Run("a PIN that the server makes", func(t *testing.T) {
		v := openVault(rsatest.ModeSystemPIN)
		s, pam := startTypedSite(t, v, "plain")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var shown string
		d, err := pam.Talk(ctx, erin.UID, servers.Type(erin.Password), servers.Type(v.passcode(0)), servers.Type("y"),
			func(prompt string) string { shown = prompt; return "y" },
			func(string) string { return v.passcode(1) })
		if err != nil || !d.Accepted || !strings.Contains(shown, v.PIN(erin.UID)) || len(v.PIN(erin.UID)) != 8 {
			t.Errorf("%+v, %v; the PIN was shown as %q", d, err, shown)
		}
		s.audit(map[string]any{"username": erin.UID, "code": "accepted", "earned": "password+passcode"})
	})
	t.Run("R3: the PIN for an on-demand tokencode, in each login", func(t *testing.T) {
		v := openVault(rsatest.ModeOnDemand)
		rsa := v.open(t, "127.0.0.1:0")
		config := frontDoor("securid", "", "") + forwardsTo(v.secret, rsa.Addr()) + "forms = [\"pin+tokencode\", \"tokencode\", \"pin\"]\n"
		s := startSite(t, config+"[login]\nreject_delay = \"10ms\"\n"+residents(t, erin))
		pam := servers.StartPAM(t, servers.PAMOptions{Servers: []string{s.Radius}})
		// One is left at the second prompt.
		s.types(pam, [2]string{askPasscode, "PinPin12"}, [2]string{rsatest.PromptOnDemand, "000000"})
		for minute := range 2 {
			d := s.types(pam, [2]string{askPasscode, "PinPin12"}, [2]string{rsatest.PromptOnDemand, v.code(minute)})
			if !d.Accepted {
				t.Errorf("login %d: %+v", minute+1, d)
			}
		}
		// What holds a tokencode is good once.
		const passcode = "PinPin12000000"
		s.types(pam, [2]string{askPasscode, passcode})
		s.types(pam, [2]string{askPasscode, passcode})
		if pin, once := rsa.Seen("PinPin12"), rsa.Seen(passcode); pin != 3 || once != 1 {
			t.Errorf("the PIN was forwarded %d times, want 3; a passcode %d times, want 1", pin, once)
		}
	})
	for name, typed := range map[string]string{"Enter": "", "its word": "enter"} {
		t.Run("R10: "+name+" for a PIN that the server makes", func(t *testing.T) {
			v := vault{rsatest.New(rsatest.Config{EnterMakesPIN: true}), rsatest.Secret.Reveal()}
			v.AddUser(erin.UID, "", "seed", rsatest.ModeNewPIN)
			s, pam := startTypedSite(t, v, "plain")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var asked, shown string
			d, err := pam.Talk(ctx, erin.UID, servers.Type(erin.Password), servers.Type(v.passcode(0)),
				func(prompt string) string { asked = prompt; return typed },
				func(prompt string) string { shown = prompt; return "y" },
				func(string) string { return v.passcode(1) })
			if err != nil || !d.Accepted || !strings.Contains(shown, v.PIN(erin.UID)) || !strings.HasSuffix(strings.TrimSpace(asked), "(or type: enter)") {
				t.Errorf("%+v, %v; asked %q, then %q", d, err, asked, shown)
			}
			s.audit(map[string]any{"username": erin.UID, "code": "accepted", "earned": "password+passcode"})
		})
	}
	t.Run("the next tokencode", func(t *testing.T) {
		v := openVault(rsatest.ModeNextTokencode)
		s, pam := startTypedSite(t, v, "plain")
		if d := s.types(pam, [2]string{askPasscode, v.passcode(0)}, [2]string{rsatest.PromptNextTokencode, v.code(1)}); !d.Accepted {
			t.Errorf("%+v", d)
		}
	})
	t.Run("wrong and malformed passcodes", func(t *testing.T) {
		v := openVault(rsatest.ModeReady)
		s, pam := startTypedSite(t, v, "plain")
		d := s.types(pam, [2]string{askPasscode, "12345"}, [2]string{sentenceMalformed, "PinPin12000000"},
			[2]string{sentenceRejected + " 2 attempts left. " + askPasscode, v.passcode(0)})
		if !d.Accepted {
			t.Errorf("%+v", d)
		}
	})
}

// TestSecurIDForCiscoASA gives a client of profile asa-sdi the texts by which it knows the steps.
func TestSecurIDForCiscoASA(t *testing.T) {
	t.Parallel()
	v := openVault(rsatest.ModeNewPIN)
	s, pam := startTypedSite(t, v, "asa-sdi")
	d := s.types(pam, [2]string{askPasscode, v.passcode(0)}, [2]string{"Enter your new Alpha-Numerical PIN", "NewPin12"},
		[2]string{"Reenter PIN:", "NewPin12"}, [2]string{"PIN Accepted", "NewPin12" + v.code(1)})
	if !d.Accepted {
		t.Errorf("%+v", d)
	}
	v.AddUser(erin.UID, "PinPin12", "another seed", rsatest.ModeNextTokencode)
	if d := s.types(pam, [2]string{askPasscode, v.passcode(0)}, [2]string{"Enter Next PASSCODE", v.code(1)}); !d.Accepted {
		t.Errorf("%+v", d)
	}
}

// TestSecurIDByteForByte gives a client of profile upstream what the RSA server has sent, octet for
// octet, and what its Accept holds.
func TestSecurIDByteForByte(t *testing.T) {
	t.Parallel()
	v := openVault(rsatest.ModeNewPIN)
	s, _ := startTypedSite(t, v, "upstream")
	c := s.dial()
	r := exchange(c, erin.UID, erin.Password, "")
	for _, step := range []struct{ answer, prompt string }{
		{v.passcode(0), rsatest.PromptNewPIN}, {"NewPin12", rsatest.PromptConfirmPIN}, {"NewPin12", rsatest.PromptAccepted},
	} {
		if r == nil {
			t.Fatalf("no reply before %q", step.prompt)
		}
		if r = exchange(c, erin.UID, step.answer, r.State); r == nil || r.Message != step.prompt || r.Prompt.Echo {
			t.Fatalf("got %+v, want %q", r, step.prompt)
		}
	}
	end, err := s.client.Login(t.Context(), erin.UID, "NewPin12"+v.code(1), fmt.Sprintf("0x%x", r.State))
	if err != nil || end.Code != "Access-Accept" || end.Get("Class") != fmt.Sprintf("0x%x", rsatest.Class) || end.Get("Filter-Id") != "rsa-users" {
		t.Errorf("%+v, %v", end, err)
	}
}
