package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

// scriptedLogins replies what the script holds under what was asked: "username/password" for a
// first request, "state/answer" for the next ones.
type scriptedLogins map[string]login.Reply

func (s scriptedLogins) Begin(_ context.Context, r login.Request) (login.Reply, error) {
	return s.reply(r.Username + "/" + r.Password)
}

func (s scriptedLogins) Continue(_ context.Context, a login.Answer) (login.Reply, error) {
	return s.reply(a.State + "/" + a.Text)
}

func (s scriptedLogins) reply(asked string) (login.Reply, error) {
	r, ok := s[asked]
	if !ok {
		return login.Reply{}, fmt.Errorf("the script has nothing for %q", asked)
	}
	return r, nil
}

func (s scriptedLogins) Vouch(string, string) bool { return true }

// nothingLearned is the memory of a server that has no client with the rule "auto".
type nothingLearned struct{}

func (nothingLearned) Learned(string, netip.Addr) bool { return false }
func (nothingLearned) Sighted(string, netip.Addr) (signed, unsigned login.Sighting) {
	return signed, unsigned
}
func (nothingLearned) Learn(context.Context, login.Lesson) error { return nil }

// registrationScript is a first login: a wrong code, a key shown again, then the right code.
func registrationScript() scriptedLogins {
	prompt := login.Prompt{
		Step: login.StepRegisterTOTP, Echo: true, AttemptsLeft: 3, Expires: 10 * time.Minute,
		OTPAuthURI: testURI, SecretKey: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
	}
	again := prompt
	again.AttemptsLeft = 1
	return scriptedLogins{
		"bob/builder-1": {Verdict: login.Challenge, Code: login.CodePrompt, Message: "Add the key:", State: "state-1", Prompt: prompt},
		"state-1/000000": {Verdict: login.Challenge, Code: login.CodeOTPInvalid, Factor: "totp",
			Message: "Wrong code. One attempt left. Enter the code:", State: "state-2", Prompt: again},
		"state-2/r":      {Verdict: login.Challenge, Code: login.CodePrompt, Message: "Enter the code:", State: "state-3", Prompt: again},
		"state-3/755224": {Verdict: login.Accept, Code: login.CodeAccepted, Message: "You are logged in.", Factor: "totp", Registered: true},
		"bob/wrong":      {Code: login.CodePasswordInvalid, Message: "Wrong username or \x1b[2Jpassword."},
	}
}

// startRADIUS serves the script on loopback under the demo's secret and returns the address.
func startRADIUS(t *testing.T, script scriptedLogins, ui bool) string {
	t.Helper()
	return startRADIUSOf(t, radius.DefaultVendorID, script, ui)
}

// startRADIUSOf does so with the attributes of a vendor.
func startRADIUSOf(t *testing.T, vendor uint32, script scriptedLogins, ui bool) string {
	t.Helper()
	s, err := radius.New(radius.Config{
		Listen: []string{"127.0.0.1:0"}, RejectDelay: -1, VendorID: vendor,
		Clients: []radius.Client{{
			Name: "test", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Secret: demoSecret, MessageAuthenticator: radius.RuleRequired, UI: ui,
		}},
	}, script, nothingLearned{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s.Addrs()[0].String()
}

// outcome is what a verb did.
type outcome struct {
	code           int
	stdout, stderr string
}

// runOne runs one verb with the given stdin.
func runOne(t *testing.T, v verb, stdin string, args ...string) outcome {
	t.Helper()
	var out, errs strings.Builder
	e := env{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
	code, say := exitCode(dispatch(t.Context(), e, "sallyport", []verb{v}, append([]string{v.name}, args...)))
	if say != nil {
		complain(&errs, say)
	}
	return outcome{code, out.String(), errs.String()}
}

func TestLoginReadsTheAttributesOfAnotherVendor(t *testing.T) {
	server := startRADIUSOf(t, 12345, registrationScript(), true)
	for vendor, shown := range map[string]bool{"12345": true, "32473": false} {
		got := runOne(t, loginVerb(), "builder-1\n000000\nr\n755224\n", "bob", "--server", server, "--vendor-id", vendor)
		if strings.Contains(got.stdout, "Key: JBSW") != shown {
			t.Errorf("--vendor-id %s: exit status %d\n%s%s", vendor, got.code, got.stdout, got.stderr)
		}
	}
}

func TestAFirstLoginAtTheTerminal(t *testing.T) {
	server := startRADIUS(t, registrationScript(), true)
	got := runOne(t, loginVerb(), "builder-1\n000000\nr\n755224\n", "bob", "--server", server, "--verbose")
	if got.code != exitOK {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	for _, want := range []string{
		"Password: \n", "Key: JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP\n", "(3 attempts left, expires in 10m)\nAdd the key: ",
		"(one attempt left, expires in 10m)\nWrong code. One attempt left. Enter the code: ",
		"Accepted: You are logged in.\nRegistered: totp.",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
	var drawn strings.Builder
	m, err := qrMatrix(testURI)
	if err != nil {
		t.Fatal(err)
	}
	drawQR(&drawn, m, false)
	if !strings.Contains(got.stdout, drawn.String()) {
		t.Errorf("no QR code in\n%s", got.stdout)
	}
	for _, want := range []string{
		"-> Access-Request\n   User-Name = bob\n   User-Password = [redacted]\n   NAS-Identifier = sallyport-login\n",
		"<- Access-Challenge after ", "Sallyport-Step = register-totp", "Sallyport-Secret-Key = [redacted]",
		"Sallyport-Attempts-Left = 1", "Sallyport-Code = otp_invalid", "State = (7 octets)", "Message-Authenticator = right",
		"<- Access-Accept after ", "Sallyport-Registered = 1", "using the demo's shared secret",
	} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("no %q in\n%s", want, got.stderr)
		}
	}
	for _, secret := range []string{"builder-1", "755224", "JBSW", "state-1", demoSecret} {
		if strings.Contains(got.stderr, secret) {
			t.Errorf("--verbose shows %q", secret)
		}
	}
}

func TestARejectEndsTheLoginWithStatusOne(t *testing.T) {
	server := startRADIUS(t, registrationScript(), false)
	got := runOne(t, loginVerb(), "bob\nwrong\n", "--server", server)
	if want := "Username: \nPassword: \nRejected: Wrong username or ?[2Jpassword.\n"; got.code != exitFailed || got.stdout != want {
		t.Errorf("exit %d, %q", got.code, got.stdout)
	}
}

func TestAnAnswerThatCannotBeSentIsAskedForAgain(t *testing.T) {
	long := strings.Repeat("x", 129)
	stdin := strings.Join([]string{long, "builder-1", long, "000000", "r", "755224"}, "\n") + "\n"
	got := runProgram(t, stdin, "login", "bob", "--no-qr", "--server", startRADIUS(t, registrationScript(), false))
	if n := strings.Count(got.stdout, "That is 129 octets long; RADIUS carries at most 128.\n"); n != 2 || got.code != exitOK {
		t.Errorf("exit %d: said %d times in\n%s%s", got.code, n, got.stdout, got.stderr)
	}
}

func TestTheCodeIsNotDrawnWithNoQR(t *testing.T) {
	server := startRADIUS(t, registrationScript(), true)
	got := runOne(t, loginVerb(), "builder-1\n", "bob", "--server", server, "--no-qr")
	if strings.ContainsRune(got.stdout, '█') || !strings.Contains(got.stdout, "Key: JBSW") {
		t.Errorf("got\n%s", got.stdout)
	}
	if got.code != exitFailed || !strings.Contains(got.stderr, "stdin ended before the login did") {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
}

func TestAKeyInTheTextIsDrawnToo(t *testing.T) {
	const text = "Add this key to your authenticator app: JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP Then enter the code it shows:"
	server := startRADIUS(t, scriptedLogins{"bob/builder-1": {
		Verdict: login.Challenge, Message: text, State: "state-1", Prompt: login.Prompt{Step: login.StepRegisterTOTP, Echo: true},
	}}, false)
	got := runOne(t, loginVerb(), "builder-1\n", "bob", "--server", server, "--verbose")
	m, err := qrMatrix("otpauth://totp/Sallyport?issuer=Sallyport&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	if err != nil {
		t.Fatal(err)
	}
	var drawn strings.Builder
	drawQR(&drawn, m, false)
	if !strings.Contains(got.stdout, drawn.String()) || !strings.Contains(got.stdout, text) {
		t.Errorf("got\n%s", got.stdout)
	}
	if strings.Contains(got.stderr, "JBSW") {
		t.Errorf("--verbose shows the key:\n%s", got.stderr)
	}
}

func TestATranscriptHoldsWhatWouldBeTyped(t *testing.T) {
	caller, err := radius.Dial(radius.CallerConfig{Server: startRADIUS(t, registrationScript(), true), Secret: demoSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	var out strings.Builder
	accepted, err := runDialogue(t.Context(), &out, dialogueConfig{
		exchange: caller.Exchange, username: "bob", transcript: true, now: time.Now,
		answer: func(_ context.Context, q question) (string, error) {
			switch {
			case q.step == login.StepPassword:
				return "builder-1", nil
			case q.reply.State == "state-1":
				return "000000", nil
			case q.reply.State == "state-2":
				return "r", nil
			}
			return "755224", nil
		},
	})
	want := `Username: bob
Password: builder-1
Key: JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP
(3 attempts left, expires in 10m)
Add the key: 000000
(one attempt left, expires in 10m)
Wrong code. One attempt left. Enter the code: r
(one attempt left, expires in 10m)
Enter the code: 755224
Accepted: You are logged in.
Registered: totp. The next login asks for it.
`
	if err != nil || !accepted || out.String() != want {
		t.Errorf("accepted %v, %v, transcript\n%s", accepted, err, out.String())
	}
}

func TestAWrongSharedSecretIsSaidSo(t *testing.T) {
	server := startRADIUS(t, registrationScript(), false)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("another-secret-of-24-octets\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	secret, err := sharedSecret(env{stderr: io.Discard}, []string{server}, file)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := radius.Dial(radius.CallerConfig{Server: server, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	_, err = runDialogue(ctx, io.Discard, dialogueConfig{
		exchange: caller.Exchange, username: "bob", now: time.Now,
		answer: func(context.Context, question) (string, error) { return "builder-1", nil },
	})
	code, say := exitCode(loginError(err))
	if code != exitUnreachable || !strings.Contains(say.Error(), "same shared secret (--secret-file)") {
		t.Errorf("exit %d: %v", code, say)
	}
}

func TestAClosedPortIsSaidSo(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := conn.LocalAddr().String()
	conn.Close()
	got := runOne(t, loginVerb(), "builder-1\n", "bob", "--server", server)
	if got.code != exitUnreachable || !strings.Contains(got.stderr, "nothing listens on "+server) {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
}

func TestTheSharedSecretIsNeverGuessedForAnotherMachine(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		want int
		say  string
	}{
		"another machine":      {[]string{"--server", "192.0.2.1"}, exitUsage, "--secret-file is needed"},
		"a name of a machine":  {[]string{"--server", "localhost.example"}, exitUsage, "--secret-file is needed"},
		"a file that is empty": {[]string{"--secret-file", empty}, exitFailed, "is empty"},
		"a file that is not":   {[]string{"--secret-file", empty + "x"}, exitFailed, "read the shared secret"},
		"two users":            {[]string{"alice", "bob"}, exitUsage, `"bob" is too much`},
	} {
		t.Run(name, func(t *testing.T) {
			got := runOne(t, loginVerb(), "", tt.args...)
			if got.code != tt.want || !strings.Contains(got.stderr, tt.say) {
				t.Errorf("exit %d: %s", got.code, got.stderr)
			}
		})
	}
}

func TestAnAddressWithoutPortGetsThePortOfRADIUS(t *testing.T) {
	for given, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:1812", "192.0.2.1:1645": "192.0.2.1:1645", "::1": "[::1]:1812",
		"[::1]": "[::1]:1812", "[::1]:1645": "[::1]:1645", "radius.example": "radius.example:1812",
	} {
		if got := withPort(given); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
}

// The second server is asked with the State of the first, as a NAS does whose first server has died.
func TestTheNextServerGoesOnWhereOneIsSilent(t *testing.T) {
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := gone.LocalAddr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	server := startRADIUS(t, registrationScript(), true)
	got := runOne(t, loginVerb(), "builder-1\n000000\nr\n755224\n", "bob", "--server", silent, "--server", server, "--no-qr")
	if got.code != exitOK || !strings.Contains(got.stdout, "Accepted: ") {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	// It is asked once: the one that answered is asked from then on.
	if want := "nothing listens on " + silent + ": is the server running?; " + server + " is asked"; strings.Count(got.stderr, want) != 1 {
		t.Errorf("want %q once in\n%s", want, got.stderr)
	}
}
