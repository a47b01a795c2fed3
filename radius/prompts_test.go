package radius

import (
	"strings"
	"testing"

	"sallyport/login"
)

func TestPromptsHaveTheCharactersThatTheClientShows(t *testing.T) {
	const masked, relayed = "Code sent to a•••e@bücher.example: ", "Wait for the tokencode to change – then enter it\xff: "
	for _, c := range []struct {
		name          string
		prompts       Prompts
		profile       login.Profile
		message, text string
		want          string
	}{
		{"ASCII as it is", PromptsASCII, login.ProfilePlain, "Code: \r\n", "", "Code: \r\n"},
		{"stars for bullets", PromptsASCII, login.ProfilePlain, masked, "", "Code sent to a***e@b?cher.example: "},
		{"UTF-8", PromptsUTF8, login.ProfilePlain, masked, "", masked},
		{"relayed to ASCII", PromptsASCII, login.ProfilePlain, "Tokencode: ", relayed, "Wait for the tokencode to change ? then enter it?: "},
		{"SDI", PromptsASCII, login.ProfileASASDI, masked, "", "Code sent to a***e@b?cher.example: "},
		{"relayed byte for byte", PromptsASCII, login.ProfileUpstream, "Tokencode: ", relayed, relayed},
		{"long relayed text", PromptsASCII, login.ProfileUpstream, "m", strings.Repeat("ü", 300) + "\x80", strings.Repeat("ü", 300) + "\x80"},
	} {
		rep := login.Reply{Verdict: login.Challenge, State: "s", Message: c.message, Prompt: login.Prompt{Text: login.Secret(c.text)}}
		req, reply := serveReplyTo(t, rep, func(_ *Config, cl *Client) { cl.Prompts, cl.Profile = c.prompts, c.profile })
		if got := open(t, req, reply).Message; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The address is for machines that read it, in the octets that it has.
func TestMaskedAddressIsSentAsItIs(t *testing.T) {
	rep := registering()
	rep.Prompt.MaskedAddress = "a•••e@example.org"
	req, reply := serveReply(t, rep, true)
	if got := open(t, req, reply).Prompt.MaskedAddress; got != rep.Prompt.MaskedAddress {
		t.Errorf("got %q", got)
	}
}

func TestClientWithoutChallengesIsRejectedInPlaceOfOne(t *testing.T) {
	for _, mode := range []login.Mode{login.ModeAppend, login.ModeOTPOnly} {
		req, reply := serveReplyTo(t, registering(), func(_ *Config, c *Client) { c.Mode, c.UI = mode, true })
		r := open(t, req, reply)
		if r.Verdict != login.Reject || r.Message != login.MessageFallback || r.State != "" || r.Code != "" || r.Prompt.SecretKey != "" {
			t.Errorf("mode %d: got %+v", mode, r.Reply)
		}
	}
}
