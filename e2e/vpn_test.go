//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// door is a real RADIUS client that shows a person one prompt at a time: Debian's ocserv with
// openconnect in front, or pam_radius_auth.
type door interface {
	Talk(ctx context.Context, user string, answers ...servers.Answer) (servers.Dialogue, error)
}

// doors are the ways in by typing, by name. Each asks the RADIUS servers in their order, and waits as
// briefly as it can: ocserv 1 s, and always sends a second time, pam_radius_auth 3 s.
var doors = map[string]func(t *testing.T, retries int, radius ...string) door{
	"ocserv": func(t *testing.T, retries int, radius ...string) door {
		return servers.StartOcserv(t, servers.OcservOptions{Servers: radius, Retries: retries})
	},
	"pam": func(t *testing.T, retries int, radius ...string) door {
		return servers.StartPAM(t, servers.PAMOptions{Servers: radius, Retries: retries})
	},
}

// typing is the configuration of a client that knows nothing but Reply-Message.
var typing = strings.Replace(clients, "ui = true", "ui = false", 1)

// talk types the answers of a login and checks what was shown: one text per prompt, of which wanted
// are the beginnings.
func talk(t *testing.T, d door, user string, accepted bool, answers []servers.Answer, wanted ...string) servers.Dialogue {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := d.Talk(ctx, user, answers...)
	if err != nil {
		t.Fatal(err)
	}
	fine := got.Accepted == accepted && len(got.Prompts) == len(wanted)
	for i, prompt := range got.Prompts {
		fine = fine && strings.HasPrefix(prompt, wanted[i])
	}
	if !fine {
		t.Fatalf("accepted: %v, prompts: %q, end: %q; want %v, %q", got.Accepted, got.Prompts, got.End, accepted, wanted)
	}
	return got
}

// passwordPrompt is how each door asks for the password: in its own words.
var passwordPrompt = map[string]string{"ocserv": "Please enter your password.", "pam": "Password:"}

const (
	keyPrompt  = "Add this key to your authenticator app: "
	codePrompt = "Enter the code from your authenticator app:"
)

// lines are answers that do not depend on what is asked.
func lines(typed ...string) []servers.Answer {
	answers := make([]servers.Answer, len(typed))
	for i, line := range typed {
		answers[i] = servers.Type(line)
	}
	return answers
}

// TestTypedLogins plays the flows of an authenticator app at a VPN's single prompt.
func TestTypedLogins(t *testing.T) {
	t.Parallel()
	folk := append(people("ocserv", 3), people("pam", 3)...)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.URL())+typing)
	for name, open := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, hello := open(t, 2, s.Radius), passwordPrompt[name]
			folk := people(name, 3)
			t.Run("the first login registers by the key shown", func(t *testing.T) {
				p := folk[0]
				key := registerTyping(t, d, p, hello)
				talk(t, d, p.UID, true, lines(p.Password, code(t, key, 0)), hello, codePrompt)
				got := talk(t, d, p.UID, true, lines(p.Password, wrongCode(t, key, 0), code(t, key, 1)), hello, codePrompt, "Wrong code. 2 attempts left.")
				if !strings.HasSuffix(got.Asked(), codePrompt) {
					t.Errorf("after a wrong code the prompt is %q", got.Asked())
				}
				s.in(t).audit(map[string]any{"username": p.UID, "verdict": "accept", "earned": "password+totp"})
			})
			t.Run("a wrong code registers nothing and leaves the key", func(t *testing.T) {
				p := folk[1]
				var keys []string
				key := func(prompt string) string { keys = append(keys, typedKey(t, prompt)); return keys[0] }
				talk(t, d, p.UID, true, []servers.Answer{
					servers.Type(p.Password),
					func(prompt string) string { return wrongCode(t, key(prompt), 0) },
					func(prompt string) string { return code(t, key(prompt), -1) },
				}, hello, keyPrompt, "Wrong code. 2 attempts left.")
				if len(keys) != 2 || keys[0] != keys[1] {
					t.Errorf("the key changed after a wrong code: %q", keys)
				}
			})
			t.Run("whoever walks away or mistypes is not let in", func(t *testing.T) {
				p := folk[2]
				key := registerTyping(t, d, p, hello)
				talk(t, d, p.UID, false, lines(p.Password), hello, codePrompt)
				talk(t, d, p.UID, false, lines(p.Password, wrongCode(t, key, 0), wrongCode(t, key, 1), wrongCode(t, key, 2)),
					hello, codePrompt, "Wrong code. 2 attempts left.", "Wrong code. One attempt left.")
				s.in(t).audit(map[string]any{"username": p.UID, "code": "attempts_exhausted", "verdict": "reject"})
			})
		})
	}
}

// registerTyping is a first login at a door. It returns the key, with the code of the current time
// step unused.
func registerTyping(t *testing.T, d door, p servers.Person, hello string) (key string) {
	t.Helper()
	talk(t, d, p.UID, true, []servers.Answer{servers.Type(p.Password), func(prompt string) string {
		key = typedKey(t, prompt)
		return code(t, key, -1)
	}}, hello, keyPrompt)
	return key
}

// TestTypedNothing: an empty answer repeats the prompt and costs nothing.
func TestTypedNothing(t *testing.T) {
	t.Parallel()
	folk := append(people("ocserv", 1), people("pam", 1)...)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.URL())+typing)
	for name, open := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, d, hello := people(name, 1)[0], open(t, 2, s.Radius), passwordPrompt[name]
			key := registerTyping(t, d, p, hello)
			talk(t, d, p.UID, true, lines(p.Password, "", wrongCode(t, key, 0), "", code(t, key, 0)),
				hello, codePrompt, codePrompt, "Wrong code. 2 attempts left.", codePrompt)
		})
	}
}
