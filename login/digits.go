package login

import (
	"strings"
	"unicode"
)

// FoldDigits returns a code as it was meant: spaces and dashes that people type between groups are
// dropped, and the digits of Arabic (U+0660) and Persian (U+06F0) keyboards become ASCII. Anything
// else that is not an ASCII digit makes it no code at all, and "" is returned.
func FoldDigits(code string) string {
	var b strings.Builder
	for _, r := range code {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '\u0660' && r <= '\u0669':
			b.WriteRune('0' + r - '\u0660')
		case r >= '\u06F0' && r <= '\u06F9':
			b.WriteRune('0' + r - '\u06F0')
		case r == '-' || unicode.Is(unicode.Zs, r) || isDirectionMark(r):
		default:
			return ""
		}
	}
	return b.String()
}

// isDirectionMark reports the invisible marks that phones put around a code copied from
// right-to-left text.
func isDirectionMark(r rune) bool {
	return r == '\u200E' || r == '\u200F' || r == '\u061C' || (r >= '\u2066' && r <= '\u2069') || (r >= '\u202A' && r <= '\u202E')
}
