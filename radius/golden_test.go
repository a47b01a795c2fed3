package radius

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// update says that golden files are written, not compared:
//
//	go test ./radius -run Golden -update
var update = flag.Bool("update", false, "write the golden files in place of comparing with them")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(text), "\n")
	for n, line := range strings.Split(got, "\n") {
		if n >= len(want) || line != want[n] {
			t.Fatalf("%s:%d differs: got %q", path, n+1, line)
		}
	}
	if len(got) != len(text) {
		t.Fatalf("%s is longer", path)
	}
}

// outlined is a reply as lines: each attribute with its place, its length and what in it is not random.
func outlined(packet []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\tcode %d, %d octets\n", packet[0], len(packet))
	for at := headerSize; at < len(packet); at += int(packet[at+1]) {
		kind, value := codec.Type(packet[at]), packet[at+2:at+int(packet[at+1])]
		switch {
		case kind == rfc2869.MessageAuthenticator_Type:
			fmt.Fprintf(&b, "\t%d length %d\n", kind, len(value))
		case kind == rfc2865.VendorSpecific_Type && binary.BigEndian.Uint32(value) == DefaultVendorID:
			number, inner := value[4], value[6:]
			if number == attrOTPAuthURI || number == attrSecretKey { // hidden under a random salt
				fmt.Fprintf(&b, "\t26.%d length %d\n", number, len(inner))
			} else {
				fmt.Fprintf(&b, "\t26.%d length %d %q\n", number, len(inner), inner)
			}
		default:
			fmt.Fprintf(&b, "\t%d length %d %q\n", kind, len(value), value)
		}
	}
	return b.String()
}

// goldenReplies are replies of every kind.
func goldenReplies() map[string]login.Reply {
	replies := map[string]login.Reply{}
	sent := login.Prompt{Step: login.StepOTP, Echo: true, MaskedAddress: "a•••e@example.org", ResendAfter: 59500 * time.Millisecond, Expires: 5 * time.Minute, AttemptsLeft: 3}
	challenge := func(name, factor string, code login.Code, p login.Prompt, message string) {
		replies["challenge "+name] = login.Reply{
			Verdict: login.Challenge, Code: code, Factor: factor, State: strings.Repeat("s", 128), Prompt: p, Message: message, Trace: "0123456789abcdef",
		}
	}
	challenge("app", "totp", login.CodePrompt, login.Prompt{Step: login.StepOTP, Echo: true, Expires: 2 * time.Minute, AttemptsLeft: 3},
		"Enter the code from your authenticator app:")
	challenge("app again", "totp", login.CodeOTPInvalid, login.Prompt{Step: login.StepOTP, Echo: true, Expires: 2 * time.Minute, AttemptsLeft: 1},
		"Wrong code. One attempt left. Enter the code from your authenticator app:")
	challenge("mail", "email", login.CodePrompt, sent, "Enter the code sent to a***e@example.org (r = resend):")
	again := sent
	again.ResendAfter, again.Choices, again.AttemptsLeft = 0, []string{"totp", "email"}, 2
	challenge("mail again", "email", login.CodeOTPInvalid, again,
		"Wrong code. 2 attempts left. Enter the code sent to a***e@example.org (r = resend, b = other method):")
	challenge("choice", "", login.CodePrompt, login.Prompt{Step: login.StepChooseFactor, Echo: true, Choices: []string{"totp", "email", "sms"}, Expires: 10 * time.Minute, AttemptsLeft: 3},
		"Choose a method, 1 = authenticator app, 2 = email, 3 = SMS:")
	challenge("address", "sms", login.CodePrompt, login.Prompt{Step: login.StepRegisterAddress, Echo: true, Expires: 10 * time.Minute, AttemptsLeft: 3},
		"Enter your mobile number:")
	challenge("confirm", "sms", login.CodePrompt, login.Prompt{Step: login.StepConfirmAddress, Echo: true, MaskedAddress: "+49 1512 3456789", Expires: 10 * time.Minute, AttemptsLeft: 3},
		"Send a code to +49 1512 3456789 (y = yes, b = correct it):")
	challenge("passcode", "securid", login.CodePrompt, login.Prompt{Step: login.StepPasscode, Expires: 2 * time.Minute, AttemptsLeft: 3},
		"Enter your PIN followed by the tokencode:")
	for code, message := range map[login.Code]string{
		login.CodePasswordInvalid: "Wrong username or password.", login.CodeAccountLocked: "Too many wrong codes. Try again later, or ask your administrator.",
		login.CodeStateExpired: "This login took too long. Please log in again.", login.CodeRateLimited: "Too many logins at the moment. Try again later.",
	} {
		replies["reject "+string(code)] = login.Reply{Code: code, Message: message, Factor: "totp", Trace: "0123456789abcdef"}
	}
	replies["reject of the zero value"] = login.Reply{}
	replies["accept"] = login.Reply{Verdict: login.Accept, Code: login.CodeAccepted, Message: "You are logged in.", Factor: "totp", Name: "Alice", Groups: []string{"cn=staff,dc=corp"}}
	registered := replies["accept"]
	registered.Registered = true
	registered.Attributes = []login.Attribute{{Type: 25, Value: []byte("class")}}
	replies["accept registered"] = registered
	return replies
}

// goldenClients are clients of every kind by which replies differ.
func goldenClients(t *testing.T) map[string]func(*Config, *Client) {
	rule, err := NewReplyRule(testDictionary(t), []string{"staff"}, map[string][]string{"Class": {"staff"}, "Filter-Id": {"for-{username}"}, "Session-Timeout": {"3600"}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(*Config, *Client){
		"plain":    nil,
		"ui":       func(_ *Config, c *Client) { c.UI = true },
		"utf-8":    func(_ *Config, c *Client) { c.Prompts = PromptsUTF8 },
		"asa-sdi":  func(_ *Config, c *Client) { c.Profile = login.ProfileASASDI },
		"upstream": func(_ *Config, c *Client) { c.Profile = login.ProfileUpstream },
		"append":   func(_ *Config, c *Client) { c.Mode = login.ModeAppend },
		"otp-only": func(_ *Config, c *Client) { c.Mode = login.ModeOTPOnly },
		"replies":  func(_ *Config, c *Client) { c.Replies = []ReplyRule{rule}; c.UI = true },
	}
}

func TestGoldenReplies(t *testing.T) {
	var b strings.Builder
	for _, client := range slices.Sorted(maps.Keys(goldenClients(t))) {
		for _, name := range slices.Sorted(maps.Keys(goldenReplies())) {
			_, reply := serveReplyTo(t, goldenReplies()[name], func(cfg *Config, c *Client) {
				if kind := goldenClients(t)[client]; kind != nil {
					kind(cfg, c)
				}
			})
			fmt.Fprintf(&b, "%s: %s\n%s", client, name, outlined(reply))
		}
	}
	golden(t, "replies.txt", b.String())
}

// What is said to requests that no login decides: those that can be none, those that could not be decided, and
// those of EAP.
func TestGoldenRefusals(t *testing.T) {
	proxy := avp(rfc2865.ProxyState_Type, "proxy")
	name := avp(rfc2865.UserName_Type, "alice")
	microsoft := avp(rfc2865.VendorSpecific_Type, "\x00\x00\x01\x37\x01\x03x")
	requests := map[string][]*codec.AVP{
		"chap":            {unsignedMA(), name, avp(rfc2865.CHAPPassword_Type, strings.Repeat("c", 17)), proxy},
		"ms-chap":         {unsignedMA(), name, microsoft, proxy},
		"eap":             {unsignedMA(), name, avp(rfc2869.EAPMessage_Type, "\x02\x07\x00\x0a\x01alice"), proxy},
		"two states":      {unsignedMA(), name, pap(t, 1, "p"), avp(rfc2865.State_Type, "a"), avp(rfc2865.State_Type, "b"), proxy},
		"two passwords":   {unsignedMA(), name, pap(t, 1, "p"), pap(t, 1, "p"), proxy},
		"two names":       {unsignedMA(), name, name, pap(t, 1, "p"), proxy},
		"authorize only":  {unsignedMA(), name, pap(t, 1, "p"), avp(rfc2865.ServiceType_Type, "\x00\x00\x00\x11"), proxy},
		"no password":     {unsignedMA(), name, proxy},
		"short password":  {unsignedMA(), name, avp(rfc2865.UserPassword_Type, "123"), proxy},
		"unreadable":      {unsignedMA(), name, pap(t, 1, "\x01\x02\x03\x04"), proxy},
		"unreadable code": {unsignedMA(), name, pap(t, 1, "\x01\x02\x03\x04"), avp(rfc2865.State_Type, "a"), proxy},
		"unsigned code":   {name, pap(t, 1, "\x01\x02\x03\x04"), avp(rfc2865.State_Type, "a")},
		"outage":          {unsignedMA(), name, pap(t, 1, "p"), proxy},
	}
	var b strings.Builder
	for _, mode := range []login.Mode{login.ModeChallenge, login.ModeAppend, login.ModeOTPOnly} {
		for _, ui := range []bool{false, true} {
			for _, what := range slices.Sorted(maps.Keys(requests)) {
				for _, code := range []login.Code{login.CodeDirectoryUnavail, login.CodeRateLimited, login.CodeClusterUnavailable, login.CodeSecurIDUnavailable} {
					if !strings.HasPrefix(what, "outage") && code != login.CodeDirectoryUnavail {
						continue
					}
					down := func() (login.Reply, error) {
						return login.Reply{}, &login.UnavailableError{Code: code, Err: errors.New("down")}
					}
					bench := newBench(t, &logins{
						begin:  func(context.Context, login.Request) (login.Reply, error) { return down() },
						resume: func(context.Context, login.Answer) (login.Reply, error) { return down() },
					}, func(_ *Config, c *Client) { c.Mode, c.UI, c.OnOutage = mode, ui, OutageReject })
					replies := bench.exchange(handmade(t, codec.CodeAccessRequest, 1, requests[what]...))
					if len(replies) != 1 {
						fmt.Fprintf(&b, "mode %d ui=%v: %s %s: %d replies\n", mode, ui, what, code, len(replies))
						continue
					}
					fmt.Fprintf(&b, "mode %d ui=%v: %s %s\n%s", mode, ui, what, code, outlined(replies[0]))
				}
			}
		}
	}
	golden(t, "refusals.txt", b.String())
}
