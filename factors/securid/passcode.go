package securid

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sallyport/login"
)

// maxAnswer is the longest answer in characters, maxOctets in octets: what a User-Password holds.
const (
	maxAnswer = 64
	maxOctets = 128
)

// clean returns a passcode as it is forwarded: what was pasted with it is dropped, and digits are ASCII.
// What is no UTF-8 stays as it is, to be refused.
func (c Config) clean(answer string) string {
	passcode := login.FoldPasscode(answer, c.TokencodeLength)
	if c.fitsOne(passcode, FormPINAndTokencode, FormTokencode, FormPIN) || login.FoldDigits(passcode) != "" {
		return passcode
	}
	return strings.TrimSpace(login.FoldText(answer)) // its spaces and dashes may mean something
}

// cleanIn returns an answer of a dialogue as it is forwarded.
func cleanIn(d *login.Dialogue, answer string) string {
	if code := login.FoldDigits(answer); code != "" && d.Step == login.StepNextTokencode {
		return code
	}
	return strings.TrimRight(login.FoldText(answer), "\r\n")
}

// sendable reports whether a cleaned answer can be sent at all: 1 to 64 printable characters.
func sendable(answer string) bool {
	n := utf8.RuneCountInString(answer)
	return n >= 1 && n <= maxAnswer && len(answer) <= maxOctets && utf8.ValidString(answer) &&
		!strings.ContainsFunc(answer, func(r rune) bool { return !unicode.IsPrint(r) })
}

// fits reports whether a cleaned answer has one of the forms.
func (c Config) fits(answer string) bool { return c.fitsOne(answer, c.Forms...) }

// fitsOne reports whether a cleaned answer has one of these forms.
func (c Config) fitsOne(answer string, forms ...string) bool {
	return sendable(answer) && slices.ContainsFunc(forms, func(form string) bool {
		switch form {
		case FormPINAndTokencode:
			return len(answer) == c.PINLength+c.TokencodeLength && isPIN(answer[:c.PINLength]) && isDigits(answer[c.PINLength:])
		case FormTokencode:
			return len(answer) == c.TokencodeLength && isDigits(answer)
		case FormPIN:
			return len(answer) == c.PINLength && isPIN(answer)
		}
		return form == FormAny
	})
}

// reusable reports whether a cleaned answer may be right in more than one login: it has a form that may be,
// and none that holds a tokencode.
func (c Config) reusable(answer string) bool {
	once := []string{FormPINAndTokencode, FormTokencode}
	if !slices.Contains(c.Forms, FormAny) {
		once = slices.DeleteFunc(once, func(form string) bool { return !slices.Contains(c.Forms, form) })
	}
	return c.fitsOne(answer, c.ReusableForms...) && !c.fitsOne(answer, once...)
}

func isPIN(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !isLetter(r) && !isDigit(r) })
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !isDigit(r) })
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
