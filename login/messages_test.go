package login

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestEveryCodeHasItsSentence(t *testing.T) {
	fallback := sentence("no such code")
	for _, c := range Codes() {
		s := sentence(c)
		if s == "" || s == fallback {
			t.Errorf("%s has no sentence of its own", c)
		}
		checkText(t, s)
	}
}

func TestSentencesOfFrontEndsFitTheSmallestClient(t *testing.T) {
	for _, s := range []string{MessageNeedsPAP, MessageNoPassword, MessageMalformed, MessageFallback, MessageAtOnce} {
		checkText(t, s)
	}
}

func TestD13TheIssuerIsNamed(t *testing.T) {
	for issuer, want := range map[string]string{
		"Corp": "Corp", "Müller & Söhne Login": "Muller & Sohne Login", "Großmann Łódź": "Grossmann Lodz", "شركة": "this account", "": "this account",
		"Ｃｏｒｐ": "Corp", strings.Repeat("x", 80): strings.Repeat("x", 57) + "...", "a\nb": "this account",
	} {
		p := Prompt{Step: StepRegisterTOTP, AttemptsLeft: 2, Issuer: issuer, clock: true}
		for _, why := range []Code{CodePrompt, CodeOTPInvalid} {
			text := ask(p, "totp", why, Origin{UI: true})
			if !strings.Contains(text, "Add "+want+" to your authenticator app, then enter the code it shows:") || strings.Contains(text, "Sallyport") {
				t.Errorf("%q: %q", issuer, text)
			}
			checkText(t, text)
		}
	}
}

func TestPromptsFitTheSmallestClient(t *testing.T) {
	key := Secret(strings.TrimSpace(strings.Repeat("ABCD ", 8)))
	choices := []string{"totp", "email", "sms", "securid"}
	long := strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60) + ".example"
	for _, step := range stateSteps()[1:] {
		for _, why := range append(Codes(), CodePrompt) {
			for _, ui := range []bool{true, false} {
				for _, factor := range append(choices, CredentialBypass, CredentialRecovery, CredentialInvitation) {
					p := Prompt{Step: step, AttemptsLeft: 2, Choices: choices}
					if step == StepRegisterTOTP {
						p.SecretKey = key
					}
					if factor == "email" {
						p.MaskedAddress, p.registering, p.renewing, p.elsewhere, p.unsure, p.clock = long, true, true, step == StepOTP, true, true
					}
					text := ask(p, factor, why, Origin{UI: ui})
					checkText(t, text)
					if strings.Contains(text, "ABCD") != (step == StepRegisterTOTP && !ui) {
						t.Errorf("%s ui=%v: the key stands where it should not, or is missing: %q", step, ui, text)
					}
				}
			}
		}
	}
}

// checkText: one Reply-Message, ASCII, and none of the words that Cisco's SDI profile reacts to.
func checkText(t *testing.T, s string) {
	t.Helper()
	if len(s) == 0 || len(s) > 200 {
		t.Errorf("length %d: %q", len(s), s)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("not ASCII: %q", s)
	}
	for _, reserved := range []string{"Reenter PIN:", "New PIN Accepted"} {
		if strings.Contains(s, reserved) {
			t.Errorf("holds %q, which means something else to Cisco clients", reserved)
		}
	}
}

func TestDirectoryRefusalsLookAlikeOutside(t *testing.T) {
	for _, err := range []error{ErrNoUser, ErrPassword, ErrDisabled, ErrLocked, ErrNotPermitted} {
		if got := public(RefusalCode(err)); got != CodePasswordInvalid {
			t.Errorf("%v is told as %s", err, got)
		}
	}
	for _, err := range []error{ErrPasswordExpired, ErrPasswordMustChange} {
		if got := public(RefusalCode(err)); got == CodePasswordInvalid {
			t.Errorf("%v: the owner of the password is not told", err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := Secret("canary")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "prompt", Prompt{SecretKey: s, Expires: time.Second})
	for _, shown := range []string{
		fmt.Sprint(s), fmt.Sprintf("%q %v %+v %#v %s", s, s, s, s, s), fmt.Sprintf("%+v %#v", Prompt{OTPAuthURI: s}, Prompt{SecretKey: s}), log.String(),
	} {
		if strings.Contains(shown, "canary") {
			t.Errorf("shown: %s", shown)
		}
	}
	if s.Reveal() != "canary" {
		t.Error("Reveal does not reveal")
	}
}
