//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sallyport/e2e/servers"
)

const (
	sentenceRejected      = "The passcode is not valid."
	sentenceMalformed     = "This cannot be a passcode."
	sentenceMisconfigured = "The RSA SecurID configuration is not valid. Ask your administrator."
	sentenceUnavailable   = "There is a problem with the RSA server. Try again later."
)

var frank = servers.Person{UID: servers.UpstreamAsked, Password: "password-of-frank"}

// TestSecurIDAnswers plays what a FreeRADIUS in the place of the RSA server has to say.
func TestSecurIDAnswers(t *testing.T) {
	t.Parallel()
	s, _ := tokenSiteWithFreeRADIUS(t, servers.UpstreamOptions{})
	r := s.want(s.ask(erin.UID, servers.UpstreamPasscode, s.passcodePrompt(erin)), "Access-Accept", "accepted", "")
	if r.Get("Class") != "0x7374616666" || r.Get("Filter-Id") != "staff" {
		t.Errorf("what the server gave is not passed on: %+v", r)
	}
	s.audit(map[string]any{"username": erin.UID, "code": "accepted", "earned": "password+passcode"})
	state := s.passcodePrompt(erin)
	for typed, left := range []string{" 2 attempts left.", " One attempt left."} {
		r := s.want(s.ask(erin.UID, fmt.Sprintf("PinPin12%06d", typed), state), "Access-Challenge", "securid_rejected", "passcode")
		s.says(r, sentenceRejected+left)
		state = r.Get("State")
	}
	s.says(s.want(s.ask(erin.UID, "PinPin12000009", state), "Access-Reject", "securid_rejected", ""), sentenceRejected)

	r = s.want(s.ask(frank.UID, servers.UpstreamPasscode, s.passcodePrompt(frank)), "Access-Challenge", "prompt", "next-tokencode")
	if r.Get("Reply-Message") != servers.UpstreamPrompt || r.Get("Prompt") != "No-Echo" {
		t.Errorf("the prompt was changed: %+v", r)
	}
	s.want(s.ask(frank.UID, servers.UpstreamNextCode, r.Get("State")), "Access-Accept", "accepted", "")
	s.doctorSays("ready")
}

// TestMalformedPasscodeNeverLeaves types what cannot be a passcode: the person is told at once, it costs
// no attempt, and the RSA server hears nothing of it.
func TestMalformedPasscodeNeverLeaves(t *testing.T) {
	t.Parallel()
	s, upstream := tokenSiteWithFreeRADIUS(t, servers.UpstreamOptions{})
	state := s.passcodePrompt(erin)
	for _, typed := range []string{"PinPin1212345", "PinPin1212345x", "PinPin121234567", "Pin-in12123456", "12345"} {
		r := s.want(s.ask(erin.UID, typed, state), "Access-Challenge", "passcode_malformed", "passcode")
		s.says(r, sentenceMalformed)
		if r.Get("Sallyport-Attempts-Left") != "3" {
			t.Errorf("%q cost an attempt: %+v", typed, r)
		}
		state = r.Get("State")
	}
	s.want(s.ask(erin.UID, servers.UpstreamPasscode, state), "Access-Accept", "accepted", "")
	log, err := os.ReadFile(upstream.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	if ok, bad := strings.Count(string(log), "Login OK"), strings.Count(string(log), "Login incorrect"); ok != 1 || bad != 0 {
		t.Errorf("the RSA server judged %d right and %d wrong passcodes, want 1 and 0", ok, bad)
	}
}

// TestSecurIDFailureTable plays the rows of the table of failures through the daemon: what the person is
// told, what the audit says, what the doctor says.
func TestSecurIDFailureTable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt         servers.UpstreamOptions
		breaks      func(*testing.T, *servers.FreeRADIUS)
		code, told  string
		doctor, why string
	}{
		"wrong secret": {
			opt:  servers.UpstreamOptions{Secret: "another-shared-secret-entirely"},
			code: "securid_misconfigured", told: sentenceMisconfigured, doctor: "wrong_secret", why: "another shared secret",
		},
		"unknown client": {
			opt:  servers.UpstreamOptions{Client: "127.9.9.9"},
			code: "securid_unavailable", told: sentenceUnavailable, doctor: "silent", why: "no reply",
		},
		"nothing listens": {
			breaks: func(_ *testing.T, f *servers.FreeRADIUS) { f.Stop() },
			code:   "securid_unavailable", told: sentenceUnavailable, doctor: "nothing_listens", why: "nothing listens",
		},
		"silent": {
			breaks: stopServer,
			code:   "securid_unavailable", told: sentenceUnavailable, doctor: "silent", why: "no reply",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, upstream := tokenSiteWithFreeRADIUS(t, c.opt)
			if c.breaks != nil {
				c.breaks(t, upstream)
			}
			r := s.want(s.ask(erin.UID, servers.UpstreamPasscode, s.passcodePrompt(erin)), "Access-Reject", c.code, "")
			s.says(r, c.told)
			line := s.audit(map[string]any{"username": erin.UID, "code": c.code, "verdict": "reject"})
			if why, _ := line["reason"].(string); !strings.Contains(why, c.why) {
				t.Errorf("the audit gives the reason %q, want %q in it", why, c.why)
			}
			s.doctorSays(c.doctor)
		})
	}
}

// tokenSiteWithFreeRADIUS is a site with a FreeRADIUS to forward to.
func tokenSiteWithFreeRADIUS(t *testing.T, opt servers.UpstreamOptions) (*site, *servers.FreeRADIUS) {
	t.Helper()
	f := servers.StartFreeRADIUSUpstream(t, opt)
	return startTokenSite(t, forwardsTo(servers.ClientSecret, f.Radius), erin, frank), f
}
