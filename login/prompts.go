package login

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ask returns the text of a prompt. A client that shows nothing else can do everything by typing: the
// text says what to type. Clients such as OpenVPN match on its beginning, so a prompt that repeats an
// error keeps the sentence in front.
func ask(p Prompt, factor string, why Code, o Origin) string {
	if p.Text != "" {
		text := relayed(p, o.Profile)
		if p.empty && o.Profile == ProfilePlain && !o.UI { // some clients send no empty answer
			text += " (or type: " + EmptyWord + ")"
		}
		return text
	}
	text := question(p, factor, o.UI)
	if !o.UI {
		text += keys(p, factor)
	}
	text += ":"
	if why == CodePrompt {
		if p.renewing {
			return "Your administrator asks you to register again. " + text
		}
		return text
	}
	trouble := sentence(why)
	switch {
	case why == CodeResendTooSoon && p.elsewhere:
		trouble = "A code was sent a moment ago for another login. Wait a little, then ask for one here."
	case why == CodeSendFailed && len(p.Choices) > 1:
		trouble = "The code could not be sent. Try again, or use another method."
	case why == CodeAddressInvalid && p.detail != "":
		trouble = "This " + addressName(factor) + " cannot be used: " + p.detail + "."
	}
	trouble += attempts(why, p.AttemptsLeft)
	if p.clock && why == CodeOTPInvalid {
		trouble += " " + messageClock
	}
	return trouble + " " + text
}

// question is what the person is asked, without the colon.
func question(p Prompt, factor string, ui bool) string {
	switch p.Step {
	case StepChooseFactor:
		return "Choose a method" + listed(p.Choices, ui)
	case StepRegisterTOTP:
		if ui {
			return "Add " + accountName(p.Issuer) + " to your authenticator app, then enter the code it shows"
		}
		return "Add this key to your authenticator app: " + p.SecretKey.Reveal() + " Then enter the code it shows"
	case StepRegisterAddress:
		if factor == "sms" {
			return "Enter your mobile number"
		}
		return "Enter your email address"
	case StepConfirmAddress:
		if p.unsure {
			return "Send a code to " + plain(p.MaskedAddress) + ", which may be a landline"
		}
		return "Send a code to " + plain(p.MaskedAddress)
	case StepPasscode:
		return "Enter your PIN followed by the tokencode"
	}
	switch {
	case factor == CredentialInvitation:
		return "Enter the invitation code from your administrator"
	case factor == CredentialBypass:
		return "Enter the bypass code from your administrator"
	case factor == CredentialRecovery:
		return "Enter a recovery code"
	case p.MaskedAddress != "":
		return "Enter the code" + sentTo(p)
	}
	return "Enter the code from your authenticator app"
}

// keys says what else may be typed than an answer.
func keys(p Prompt, factor string) string {
	var hints []string
	switch {
	case p.Step == StepConfirmAddress:
		hints = append(hints, "y = yes", "b = correct it")
	case p.Step == StepOTP && p.MaskedAddress != "":
		hints = append(hints, "r = resend")
	}
	switch {
	case p.Step == StepOTP && p.MaskedAddress != "" && p.registering:
		hints = append(hints, "b = back")
	case len(p.Choices) > 1 && p.Step != StepChooseFactor && p.Step != StepConfirmAddress:
		hints = append(hints, "b = other method")
	}
	if len(hints) == 0 {
		return ""
	}
	return " (" + strings.Join(hints, ", ") + ")"
}

// addressName is what people call an address of a factor.
func addressName(factor string) string {
	if factor == "sms" {
		return "number"
	}
	return "address"
}

// sentTo says where a code was sent.
func sentTo(p Prompt) string {
	if p.MaskedAddress == "" {
		return ""
	}
	return " sent to " + plain(p.MaskedAddress)
}

// plain is an address as ASCII shows it, cut where it would crowd the prompt out.
func plain(address string) string {
	const most = 60
	address = strings.ReplaceAll(address, "•", "*")
	if len(address) > most {
		address = address[:most-3] + "..."
	}
	return address
}

// accountName is what an authenticator app lists, in ASCII; where that cannot show the issuer's name it is
// not named.
func accountName(issuer string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(inASCII.Replace(issuer)))
	if name = strings.TrimSpace(name); name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "this account"
	}
	return plain(name)
}

// inASCII has the letters that no decomposition leads to ASCII.
var inASCII = strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "AE", "ø", "o", "Ø", "O", "œ", "oe", "Œ", "OE", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ı", "i")

// listed is the choices with the numbers to type.
func listed(choices []string, ui bool) string {
	if ui {
		return ""
	}
	var b strings.Builder
	for i, name := range choices {
		fmt.Fprintf(&b, ", %d = %s", i+1, methodName(name))
	}
	return b.String()
}

// methodName is what people call a factor.
func methodName(factor string) string {
	switch factor {
	case "totp":
		return "authenticator app"
	case "email":
		return "email"
	case "sms":
		return "SMS"
	case "securid":
		return "RSA SecurID"
	}
	return factor
}

// relayed is the text of another server as a client of this profile needs it: unchanged, or with the
// words in front by which a Cisco ASA recognises the step. The text stays, since it may show a PIN.
func relayed(p Prompt, profile Profile) string {
	words := map[Step]string{
		StepNewPIN: "Enter your new Alpha-Numerical PIN", StepConfirmPIN: "Reenter PIN:", StepNextTokencode: "Enter Next PASSCODE",
	}[p.Step]
	if profile != ProfileASASDI || words == "" {
		return p.Text.Reveal()
	}
	return words + " " + p.Text.Reveal()
}

func attempts(why Code, left int) string {
	switch {
	case why != CodeOTPInvalid && why != CodeSecurIDRejected:
		return ""
	case left == 1:
		return " One attempt left."
	default:
		return fmt.Sprintf(" %d attempts left.", left)
	}
}
