package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// line is one prompt that must appear, as a pattern, and what is typed at it: a text, or what a person
// finds out when they are asked.
type line struct {
	prompt string
	typed  string
	find   func(t *testing.T, shown string) string
}

// play logs a person in at the terminal, prompt by prompt, and returns what was shown.
func play(t *testing.T, server, person string, lines ...line) string {
	t.Helper()
	read := 0
	typing := &answers{next: func(shown string) string {
		if len(lines) == 0 {
			t.Fatalf("another prompt than expected:\n%s", shown)
		}
		now := lines[0]
		lines = lines[1:]
		if !regexp.MustCompile(now.prompt).MatchString(shown[read:]) {
			t.Fatalf("no prompt %q in\n%s", now.prompt, shown)
		}
		read = len(shown)
		if now.find != nil {
			return now.find(t, shown)
		}
		return now.typed
	}}
	e := env{typing, typing, &typing.errors, os.Getenv, programName}
	code := run(t.Context(), []string{"login", "--server", server, person}, e)
	shown := typing.shown.String()
	if code != exitOK || len(lines) > 0 || !strings.Contains(shown, "Accepted: You are logged in.") {
		t.Errorf("exit status %d, %d prompts did not come\n%s%s", code, len(lines), shown, typing.errors.String())
	}
	return shown
}

func password(of string) line {
	for _, p := range demoPeople() {
		if p.name == of {
			return line{prompt: `^Password: $`, typed: p.password}
		}
	}
	return line{prompt: "there is nobody named " + of}
}

// onBoard finds what the demo shows in a box: the first group of the pattern, in which │ stands for
// any number of its lines.
func onBoard(demo *program, title, pattern string) func(*testing.T, string) string {
	return func(t *testing.T, _ string) string {
		t.Helper()
		pattern := `\n┌─ ` + title + ` ─+\n` + strings.ReplaceAll(pattern, "…", `(?:│[^\n]*\n)*?`)
		return demo.stdout.await(t, pattern)[1]
	}
}

// What a token's box shows, as [onBoard] finds it.
const (
	tokencodeShown = `│ The token shows (\d{6})\.\n│ There is no PIN yet: type that alone\.\n`
	passcodeShown  = `…│ The PIN is \w{8}: type (\w{8}\d{6})\n`
)

func mailed(demo *program, to string) func(*testing.T, string) string {
	return onBoard(demo, "mailbox", `│ To: `+regexp.QuoteMeta(to)+`\n│ Subject: Your login code for Sallyport demo\n…│ +(\d{6})\n`)
}

func texted(demo *program, to string) func(*testing.T, string) string {
	return onBoard(demo, "phone "+regexp.QuoteMeta(to), `…│ Sallyport demo code: (\d{6})`)
}

func TestDemoSendsMails(t *testing.T) {
	demo, server := startDemo(t)
	play(t, server, "carol", password("carol"),
		line{prompt: `Enter the code sent to c\*+l@example\.org \(r = resend\): $`, typed: "r"},
		line{prompt: `A code was sent a moment ago\..*: $`, typed: "000000"},
		line{prompt: `Wrong code\. 2 attempts left\.`, find: mailed(demo, "carol@example.org")})
	play(t, server, "craig", password("craig"),
		line{prompt: `Enter your email address: $`, typed: "craig at example"},
		line{prompt: `This address cannot be used: .*Enter your email address: $`, typed: "craig@exampel.org"},
		line{prompt: `Send a code to craig@exampel\.org \(y = yes, b = correct it\): $`, typed: "b"},
		line{prompt: `Enter your email address: $`, typed: "craig.private@example.org"},
		line{prompt: `Send a code to craig\.private@example\.org `, typed: "y"},
		line{prompt: `Enter the code sent to c\*+e@example\.org \(r = resend, b = back\): $`, typed: "000000"},
		line{prompt: `Wrong code\. 2 attempts left\.`, find: mailed(demo, "craig.private@example.org")})
	// Whoever registers, the person is told at the address that was known before.
	demo.stdout.await(t, `│ To: craig@example\.org\n│ Subject: `)
}

func TestDemoSendsTextMessages(t *testing.T) {
	demo, server := startDemo(t)
	play(t, server, "dave", password("dave"),
		line{prompt: `Enter the code sent to .*47 \(r = resend\): $`, find: texted(demo, "+12025550147")})
	play(t, server, "dora", password("dora"),
		line{prompt: `Enter your mobile number: $`, typed: "(202) 555-0162"},
		line{prompt: `Send a code to \+1 202-555-0162 \(y = yes, b = correct it\): $`, typed: "y"},
		line{prompt: `Enter the code sent to .*62 \(r = resend, b = back\): $`, find: texted(demo, "+12025550162")})
}

func TestDemoShowsTokens(t *testing.T) {
	demo, server := startDemo(t)
	const newPIN = "mypin123"
	play(t, server, "erin", password("erin"),
		line{prompt: `Enter your PIN followed by the tokencode: $`, typed: "1234"},
		line{prompt: `This cannot be a passcode\. .*: $`, find: onBoard(demo, "erin's token", passcodeShown)})
	play(t, server, "eric", password("eric"),
		line{prompt: `Enter your PIN followed by the tokencode: $`,
			find: onBoard(demo, "eric's token", tokencodeShown)},
		line{prompt: `Enter a new PIN having 8 alphanumeric characters: $`, typed: "mypin"},
		line{prompt: `Enter a new PIN having 8 alphanumeric characters: $`, typed: newPIN},
		line{prompt: `Please re-enter new PIN: $`, typed: newPIN},
		line{prompt: `PIN Accepted\.\nWait for the token code to change,\nthen enter the new passcode: $`,
			find: onBoard(demo, "eric's token", passcodeShown)})
	if strings.Contains(demo.stderr.String(), newPIN) {
		t.Errorf("the log has the PIN:\n%s", demo.stderr)
	}
}

func TestDemoLetsPeopleChoose(t *testing.T) {
	demo, server := startDemo(t)
	play(t, server, "frank", password("frank"),
		line{prompt: `Choose a method, 1 = authenticator app, 2 = email, 3 = SMS: $`, typed: "3"},
		line{prompt: `Enter your mobile number \(b = other method\): $`, typed: "b"},
		line{prompt: `Choose a method, .*: $`, typed: "email"},
		line{prompt: `Enter your email address`, typed: "frank.private@example.org"},
		line{prompt: `Send a code to frank\.private@example\.org`, typed: "y"},
		line{prompt: `Enter the code sent to`, find: mailed(demo, "frank.private@example.org")})
}

func TestDemoRegistersApps(t *testing.T) {
	_, server := startDemo(t)
	shown := play(t, server, "bob", password("bob"),
		line{prompt: `Add this key to your authenticator app: .*: $`, typed: "000000"},
		line{prompt: `Wrong code\. 2 attempts left\.`, find: func(t *testing.T, shown string) string {
			key := strings.ReplaceAll(strings.TrimSpace(regexp.MustCompile(keyInText).FindString(shown)), " ", "")
			code, err := totp.GenerateCode(key, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return code
		}})
	if !strings.ContainsRune(shown, '█') {
		t.Errorf("no QR code is drawn:\n%s", shown)
	}
}

func TestDemoTellsAttributesWhenAsked(t *testing.T) {
	demo, server := startDemo(t, "--ui")
	shown := play(t, server, "frank", password("frank"),
		line{prompt: `\(1 = totp, 2 = email, 3 = sms\)\nChoose a method: $`, typed: "3"},
		line{prompt: `\(b = other method\)\nEnter your mobile number: $`, typed: "+1 202 555 0188"},
		line{prompt: `\(y = yes, b = correct it\)\nSend a code to \+1 202-555-0188: $`, typed: "y"},
		line{prompt: `\(sent to .*88, another one in (1m|5\ds), 3 attempts left, expires in (10|5)m.*\)\n\(r = resend, b = correct the address\)\n`, typed: "r"},
		line{prompt: `A code was sent a moment ago\.`, find: texted(demo, "+12025550188")})
	if want := "Registered: sms. The next login asks for it.\n"; !strings.Contains(shown, want) {
		t.Errorf("no %q in\n%s", want, shown)
	}
}
