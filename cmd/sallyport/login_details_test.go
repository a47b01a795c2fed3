package main

import (
	"testing"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

func TestWhatTheAttributesTellIsSaid(t *testing.T) {
	two := []string{"email", "sms"}
	for name, tt := range map[string]struct {
		prompt        login.Prompt
		registering   bool
		details, keys string
	}{
		"a server that tells nothing": {},
		"a code that was sent": {
			prompt: login.Prompt{
				Step: login.StepOTP, MaskedAddress: "a•••e@example.org", ResendAfter: 42 * time.Second, AttemptsLeft: 2, Expires: time.Minute,
			},
			details: "sent to a•••e@example.org, another one in 42s, 2 attempts left, expires in 1m", keys: "r = resend",
		},
		"a code that may be sent again": {
			prompt:  login.Prompt{Step: login.StepOTP, MaskedAddress: "a•••e@example.org", Choices: two, AttemptsLeft: 1},
			details: "sent to a•••e@example.org, one attempt left", keys: "r = resend, b = other method",
		},
		"the first code to an address": {
			prompt:      login.Prompt{Step: login.StepOTP, MaskedAddress: "a•••e@example.org", Choices: two},
			registering: true,
			details:     "sent to a•••e@example.org", keys: "r = resend, b = correct the address",
		},
		"an address to confirm": {
			prompt: login.Prompt{Step: login.StepConfirmAddress, MaskedAddress: "alice@example.org"}, registering: true,
			keys: "y = yes, b = correct it",
		},
		"a choice":   {prompt: login.Prompt{Step: login.StepChooseFactor, Choices: two}, keys: "1 = email, 2 = sms"},
		"a passcode": {prompt: login.Prompt{Step: login.StepPasscode, AttemptsLeft: 3}, details: "3 attempts left"},
	} {
		r := &radius.Response{Reply: login.Reply{Prompt: tt.prompt}}
		if got := detailsOf(r); got != tt.details {
			t.Errorf("%s: details are %q, want %q", name, got, tt.details)
		}
		if got := keysOf(r, tt.registering); got != tt.keys {
			t.Errorf("%s: keys are %q, want %q", name, got, tt.keys)
		}
	}
}

func TestAPromptOfSeveralLinesStaysReadable(t *testing.T) {
	for text, want := range map[string]string{
		"PIN Accepted.\r\nWait,\rthen enter:\r\n": "PIN Accepted.\nWait,\nthen enter: ",
		"Clear\x1b[2J:": "Clear?[2J: ",
		"":              "Answer: ",
	} {
		if got := promptOf(&radius.Response{Reply: login.Reply{Message: text}}); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
