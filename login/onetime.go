package login

import (
	"crypto/rand"
	"strings"
)

// The form of one-time codes that people keep on paper or are told by telephone: twelve letters and
// digits in groups of four, without those that look alike. 60 bits cannot be guessed.
const (
	oneTimeAlphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base32
	oneTimeLength   = 12
	oneTimeGroup    = 4
)

// RecoveryCodes is how many recovery codes a user gets.
const RecoveryCodes = 10

// NewCode returns a fresh one-time code as it is shown: "kxwp-3fmd-9tqa".
func NewCode() Secret {
	var raw [oneTimeLength]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	var b strings.Builder
	for i, c := range raw {
		if i > 0 && i%oneTimeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(oneTimeAlphabet[c%32])
	}
	return Secret(b.String())
}

// NormalizeCode returns the form of a one-time code under which it is stored, whatever way it was
// typed: letters lower, look-alikes folded, and what [FoldDigits] drops dropped. It is "" when the text
// cannot be such a code.
func NormalizeCode(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'ａ' && r <= 'ｚ' { // full-width
			r = 'a' + r - 'ａ'
		}
		if digit := asciiDigit(r); digit != 0 {
			r = digit
		}
		switch {
		case invisible(r) || separates(r):
			continue
		case r == 'o':
			r = '0'
		case r == 'i', r == 'l':
			r = '1'
		}
		if !strings.ContainsRune(oneTimeAlphabet, r) {
			return ""
		}
		b.WriteRune(r)
	}
	if b.Len() != oneTimeLength {
		return ""
	}
	return b.String()
}

// notACode is what the audit has of an answer that cannot be right.
const notACode = "the answer cannot be a code"

// couldBeCode reports whether an answer is made of digits, however many, or has the form of a one-time code.
// Anything else is no guess: it counts in its login, but not against the person's factor, or whoever has seen
// a State could lock the factor with garbage.
func couldBeCode(answer string) bool { return FoldDigits(answer) != "" || NormalizeCode(answer) != "" }
