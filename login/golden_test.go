package login

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Update says that golden files are written, not compared:
//
//	go test ./login -run Golden -update
//
// A changed golden file is a changed text for clients that match on it: a reason to think twice.
var Update = flag.Bool("update", false, "write the golden files in place of comparing with them")

// Golden compares a text with a file of testdata/golden, or writes it there.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *Update {
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
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(text), "\n")
	for n := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if n < len(gotLines) {
			g = gotLines[n]
		}
		if n < len(wantLines) {
			w = wantLines[n]
		}
		if g != w {
			t.Fatalf("%s:%d differs:\n got %q\nwant %q", path, n+1, g, w)
		}
	}
}

// goldenFactors are the factors and one-time codes that a step may ask for.
func goldenFactors(step Step) []string {
	switch step {
	case StepChooseFactor:
		return []string{""}
	case StepRegisterTOTP:
		return []string{"totp"}
	case StepRegisterAddress, StepConfirmAddress:
		return []string{"email", "sms"}
	case StepOTP:
		return []string{"totp", "email", "sms", CredentialBypass, CredentialRecovery, CredentialInvitation}
	}
	return []string{"securid"}
}

// combination is one of all that a prompt may be asked for.
type combination struct {
	name string
	why  Code
	ui   bool
}

// goldenPrompts yields every combination of facts that a prompt of our own may have.
func goldenPrompts(step Step, factor string) iter.Seq2[combination, Prompt] {
	masked := map[string]string{"sms": "+49•••••••12"}[factor]
	if masked == "" {
		masked = "a•••e@example.org"
	}
	if step == StepConfirmAddress {
		masked = strings.ReplaceAll(masked, "•", "x")
	}
	codes := append(Codes(), CodePrompt)
	few := []Code{CodePrompt, CodeOTPInvalid, CodeSendFailed, CodeResendTooSoon, CodeAddressInvalid, CodeSecurIDRejected, CodeAccountLocked}
	choices := [][]string{nil, {"totp"}, {"email", "sms"}, {"totp", "email", "sms", "securid", "push"}}
	return func(yield func(combination, Prompt) bool) {
		for _, why := range codes {
			for flags := range 1 << 6 {
				if flags > 1 && !slices.Contains(few, why) {
					continue
				}
				has := func(n int) bool { return flags&(1<<n) != 0 }
				for _, address := range []string{"", masked} {
					for _, choices := range choices {
						for left := 1; left <= 2; left++ {
							for _, ui := range []bool{false, true} {
								p := Prompt{
									Step: step, MaskedAddress: address, Choices: choices, AttemptsLeft: left, Issuer: "Corp",
									registering: has(0), renewing: has(1), elsewhere: has(2), clock: has(3), unsure: has(4),
								}
								if has(5) {
									p.detail = "the number is too short"
								}
								if step == StepRegisterTOTP {
									p.SecretKey = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
								}
								c := combination{fmt.Sprint(why, flags, address, choices, left, ui), why, ui}
								if !yield(c, p) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// The prompts of every step and factor: a choice of the texts to read, and a hash over the text of each combination of
// facts.
func TestGoldenPrompts(t *testing.T) {
	var b strings.Builder
	for _, step := range []Step{StepChooseFactor, StepRegisterTOTP, StepRegisterAddress, StepConfirmAddress, StepOTP, StepPasscode} {
		for _, factor := range goldenFactors(step) {
			sum, texts := sha256.New(), map[string]bool{}
			for c, p := range goldenPrompts(step, factor) {
				text := ask(p, factor, c.why, Origin{UI: c.ui})
				io.WriteString(sum, c.name+": "+text+"\n")
				if c.why == CodePrompt || !c.ui && len(p.Choices) == 0 && p.MaskedAddress != "" {
					texts[text] = true // the others are these with another sentence, list or hint
				}
			}
			fmt.Fprintf(&b, "%s of %q, sha256 %x\n", step, factor, sum.Sum(nil))
			for _, text := range slices.Sorted(maps.Keys(texts)) {
				fmt.Fprintf(&b, "\t%s\n", text)
			}
		}
	}
	Golden(t, "prompts.txt", b.String())
}

// What is shown in a prompt is cut where it would crowd it out, and is ASCII.
func TestGoldenFacts(t *testing.T) {
	var b strings.Builder
	long := strings.Repeat("a", 64) + "@" + strings.Repeat("b", 60) + ".example"
	for _, address := range []string{"a•••e@example.org", "+49•••••••12", long, "x@y"} {
		for _, step := range []Step{StepOTP, StepConfirmAddress} {
			for _, factor := range []string{"email", "sms"} {
				p := Prompt{Step: step, MaskedAddress: address, AttemptsLeft: 2, registering: true, unsure: true}
				fmt.Fprintf(&b, "%s of %s to %s: %s\n", step, factor, address, ask(p, factor, CodePrompt, Origin{}))
			}
		}
	}
	for _, issuer := range []string{
		"Corp", "Müller & Söhne Login", "Großmann Łódź", "شركة", "", "Ｃｏｒｐ", strings.Repeat("x", 80), "a\nb", " Æsir Œuvre Øst đĐ ı ",
	} {
		p := Prompt{Step: StepRegisterTOTP, AttemptsLeft: 2, Issuer: issuer, SecretKey: "JBSW Y3DP"}
		fmt.Fprintf(&b, "issuer %q: %s\n", issuer, ask(p, "totp", CodePrompt, Origin{UI: true}))
	}
	Golden(t, "facts.txt", b.String())
}

// What another server asks is relayed, per profile.
func TestGoldenRelayed(t *testing.T) {
	var b strings.Builder
	for _, step := range []Step{StepPasscode, StepNewPIN, StepConfirmPIN, StepNextTokencode} {
		for profile, name := range []string{"plain", "asa-sdi", "upstream"} {
			for _, empty := range []bool{false, true} {
				for _, ui := range []bool{false, true} {
					for _, why := range []Code{CodePrompt, CodeOTPInvalid} {
						p := Prompt{Step: step, Text: "Wait for the tokencode to change – then enter it\xff: ", AttemptsLeft: 2, Choices: []string{"totp", "securid"}, empty: empty}
						text := ask(p, "securid", why, Origin{UI: ui, Profile: Profile(profile)})
						fmt.Fprintf(&b, "%s %s ui=%v empty=%v %s: %q\n", step, name, ui, empty, why, text)
					}
				}
			}
		}
	}
	Golden(t, "relayed.txt", b.String())
}

// The sentence of every code, and what front ends say by themselves.
func TestGoldenSentences(t *testing.T) {
	var b strings.Builder
	for _, c := range append(Codes(), CodePrompt, "no-such-code") {
		fmt.Fprintf(&b, "%s: %s\n", c, sentence(c))
	}
	for name, text := range map[string]string{
		"needs PAP": MessageNeedsPAP, "no password": MessageNoPassword, "malformed": MessageMalformed, "fallback": MessageFallback,
		"wrong password": MessageWrongPassword, "wrong code": MessageWrongCode, "one-shot": MessageAtOnce,
		"account locked": messageAccountLocked, "clock": messageClock,
	} {
		fmt.Fprintf(&b, "%s: %s\n", name, text)
	}
	lines := strings.Split(b.String(), "\n")
	slices.Sort(lines)
	Golden(t, "sentences.txt", strings.Join(lines, "\n"))
}
