package securid

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAnswer is the longest answer in characters, maxOctets in octets: what a User-Password holds.
const (
	maxAnswer = 64
	maxOctets = 128
)

// clean returns an answer as it is forwarded: without the line's end, and with ASCII digits. What is
// no UTF-8 stays as it is, to be refused.
func clean(answer string) string {
	if !utf8.ValidString(answer) {
		return answer
	}
	return strings.Map(asciiDigit, strings.TrimRight(answer, "\r\n"))
}

// asciiDigit turns the digits of Arabic (U+0660) and Persian (U+06F0) keyboards into ASCII.
func asciiDigit(r rune) rune {
	switch {
	case r >= '\u0660' && r <= '\u0669':
		return '0' + r - '\u0660'
	case r >= '\u06F0' && r <= '\u06F9':
		return '0' + r - '\u06F0'
	}
	return r
}

// sendable reports whether a cleaned answer can be sent at all: 1 to 64 printable characters.
func sendable(answer string) bool {
	n := utf8.RuneCountInString(answer)
	return n >= 1 && n <= maxAnswer && len(answer) <= maxOctets && utf8.ValidString(answer) &&
		!strings.ContainsFunc(answer, func(r rune) bool { return !unicode.IsPrint(r) })
}

// fits reports whether a cleaned answer has one of the forms.
func (c Config) fits(answer string) bool {
	return sendable(answer) && slices.ContainsFunc(c.Forms, func(form string) bool {
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

func isPIN(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !isLetter(r) && !isDigit(r) })
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !isDigit(r) })
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
