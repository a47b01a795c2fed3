//go:build e2e

package e2e

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// registering is a [radius.Logins] that challenges alice to register, and accepts any answer.
type registering struct{}

func (registering) Begin(_ context.Context, r login.Request) (login.Reply, error) {
	if r.Username != "alice" || r.Password != "wonderland-1" {
		return login.Reply{Code: login.CodePasswordInvalid, Message: "Wrong username or password."}, nil
	}
	return login.Reply{
		Verdict: login.Challenge, Code: login.CodePrompt, Factor: "totp", State: "a-state", Message: "Code: ",
		Prompt: login.Prompt{
			Step: login.StepRegisterTOTP, Expires: 10 * time.Minute, AttemptsLeft: 3, Choices: []string{"totp", "email"},
			MaskedAddress: "a***e@example.org", ResendAfter: time.Minute,
			OTPAuthURI: login.Secret(longURI), SecretKey: "JBSW Y3DP EHPK 3PXP",
		},
	}, nil
}

func (registering) Continue(_ context.Context, a login.Answer) (login.Reply, error) {
	if a.State != "a-state" || a.Action != login.ActionResend {
		return login.Reply{Code: login.CodeStateInvalid, Message: "Start again."}, nil
	}
	return login.Reply{Verdict: login.Accept, Code: login.CodeAccepted, Message: "Welcome.", Factor: "totp", Registered: true}, nil
}

func (registering) Vouch(string, string) bool { return true }

var longURI = "otpauth://totp/Corp:alice?secret=" + strings.Repeat("JBSWY3DP", 30)

// nothing is a [radius.Memory] that keeps nothing.
type nothing struct{}

func (nothing) Learned(string, netip.Addr) bool                              { return false }
func (nothing) Sighted(string, netip.Addr) (signed, unsigned login.Sighting) { return signed, unsigned }
func (nothing) Learn(context.Context, login.Lesson) error                    { return nil }

func startRADIUS(t *testing.T) *servers.Radclient {
	t.Helper()
	return serveRADIUS(t, registering{})
}

// serveRADIUS serves logins, and what the rules give with their Accepts, to one client.
func serveRADIUS(t *testing.T, logins radius.Logins, rules ...radius.ReplyRule) *servers.Radclient {
	t.Helper()
	s, err := radius.New(radius.Config{
		Listen: []string{"127.0.0.1:0"},
		Clients: []radius.Client{{
			Name: "cx", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Secret: servers.ClientSecret,
			MessageAuthenticator: radius.RuleRequired, UI: true, Replies: rules,
		}},
		RejectDelay: -1,
	}, logins, nothing{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return servers.StartRadclient(t, servers.RadclientOptions{
		Server: s.Addrs()[0].String(), Dictionary: "../radius/dictionary/dictionary.sallyport",
	})
}

func wantAttributes(t *testing.T, r servers.RadclientReply, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := r.Get(name); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

func TestRadclientReadsOurDictionary(t *testing.T) {
	c := startRADIUS(t)
	r, err := c.Login(t.Context(), "alice", "wonderland-1", "")
	if err != nil || r.Code != "Access-Challenge" {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Attributes[0].Name != "Message-Authenticator" {
		t.Errorf("the first attribute is %s", r.Attributes[0].Name)
	}
	wantAttributes(t, r, map[string]string{
		"Reply-Message": "Code: ", "Prompt": "No-Echo", "Session-Timeout": "600",
		"Sallyport-Step": "register-totp", "Sallyport-Factor": "totp", "Sallyport-Code": "prompt",
		"Sallyport-Secret-Key": "JBSW Y3DP EHPK 3PXP", "Sallyport-Masked-Address": "a***e@example.org",
		"Sallyport-Resend-After": "60", "Sallyport-Attempts-Left": "3",
	})
	if got := strings.Join(r.All("Sallyport-OTPAuth-URI"), ""); got != longURI {
		t.Errorf("Sallyport-OTPAuth-URI = %q", got)
	}
	if got := strings.Join(r.All("Sallyport-Choices"), " "); got != "totp email" {
		t.Errorf("Sallyport-Choices = %q", got)
	}
	r, err = c.Auth(t.Context(), servers.Attribute{Name: "Message-Authenticator", Value: "0x00"},
		servers.Attribute{Name: "User-Name", Value: "alice"}, servers.Attribute{Name: "State", Value: r.Get("State")},
		servers.Attribute{Name: "Sallyport-Action", Value: "resend"})
	if err != nil || r.Code != "Access-Accept" {
		t.Fatalf("%+v, %v", r, err)
	}
	wantAttributes(t, r, map[string]string{"Sallyport-Registered": "1", "Sallyport-Factor": "totp", "Sallyport-Code": "accepted"})
}

func TestRadclientIsRejectedAndProbes(t *testing.T) {
	c := startRADIUS(t)
	r, err := c.Login(t.Context(), "alice", "wrong", "")
	if err != nil || r.Code != "Access-Reject" {
		t.Errorf("%+v, %v", r, err)
	}
	wantAttributes(t, r, map[string]string{"Reply-Message": "Wrong username or password.", "Sallyport-Code": "password_invalid"})
	if r, err = c.Status(t.Context()); err != nil || r.Code != "Access-Accept" {
		t.Errorf("Status-Server: %+v, %v", r, err)
	}
}
