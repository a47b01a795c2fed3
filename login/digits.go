package login

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FoldDigits returns a code as it was meant: what nobody sees, the white space and dashes between its
// groups are dropped, and the decimal digits of every script become ASCII. Anything else makes it no code
// at all, and "" is returned.
func FoldDigits(code string) string {
	var b strings.Builder
	for _, r := range code {
		switch digit := asciiDigit(r); {
		case digit != 0:
			b.WriteRune(digit)
		case invisible(r) || separates(r):
		default:
			return ""
		}
	}
	return b.String()
}

// FoldText returns an answer that may hold letters as it was meant: without what nobody sees, and with ASCII
// digits. What is no UTF-8 stays as it is.
func FoldText(answer string) string {
	if !utf8.ValidString(answer) {
		return answer
	}
	return strings.Map(func(r rune) rune {
		switch digit := asciiDigit(r); {
		case digit != 0:
			return digit
		case invisible(r):
			return -1
		}
		return r
	}, answer)
}

// FoldPasscode returns an answer that ends in a tokencode of n digits, before which a PIN may stand, as it was
// meant: of the PIN only what nobody sees is dropped.
func FoldPasscode(answer string, n int) string {
	if code := FoldDigits(answer); code != "" {
		return code
	}
	if !utf8.ValidString(answer) {
		return answer
	}
	pin, tokencode := SplitDigits(answer, n)
	if code := FoldDigits(tokencode); code != "" {
		return FoldText(strings.TrimRightFunc(pin, func(r rune) bool { return invisible(r) || separates(r) })) + code
	}
	return FoldText(answer)
}

// visible returns what was typed without what nobody sees and the white space around it.
func visible(text string) string {
	if utf8.ValidString(text) {
		text = strings.Map(func(r rune) rune {
			if invisible(r) {
				return -1
			}
			return r
		}, text)
	}
	return strings.TrimSpace(text)
}

// asciiDigit returns a decimal digit of any script as ASCII has it, and 0 for any other character.
func asciiDigit(r rune) rune {
	if r < unicode.MaxASCII {
		if r >= '0' && r <= '9' {
			return r
		}
		return 0
	}
	// Each range begins with a zero and is made of whole runs of ten.
	for _, in := range unicode.Nd.R16 {
		if uint16(r) >= in.Lo && uint16(r) <= in.Hi && r <= 0xFFFF {
			return '0' + (r-rune(in.Lo))%10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if uint32(r) >= in.Lo && uint32(r) <= in.Hi {
			return '0' + (r-rune(in.Lo))%10
		}
	}
	return 0
}

// invisible reports the characters that come with a pasted text and that nobody sees: format characters, as
// the zero-width space, the byte order mark, the soft hyphen and the marks of direction, and the others that
// are to be ignored where they are not supported.
func invisible(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == '\u00AD'
}

// separates reports what people and web pages put between the groups of a code: white space and dashes.
func separates(r rune) bool {
	switch r {
	case '-', ' ':
		return true
	case '\u02D7', '\u2043', '\u2796': // a modifier letter, a bullet and a symbol that look like a minus
		return true
	}
	return unicode.In(r, unicode.White_Space, unicode.Pd, unicode.Dash)
}

// SplitDigits parts a text into what stands before its last n digits, and these with all that nobody sees
// around them. Where the last n characters are not digits, they are taken as they are; n characters or fewer
// have nothing before them.
func SplitDigits(text string, n int) (before, code string) {
	at := len(text)
	for digits := 0; digits < n; {
		r, size := utf8.DecodeLastRuneInString(text[:at])
		switch {
		case size > 0 && asciiDigit(r) != 0:
			digits++
		case size == 0 || !invisible(r) && !separates(r):
			return splitLast(text, n)
		}
		at -= size
	}
	for at > 0 {
		r, size := utf8.DecodeLastRuneInString(text[:at])
		if !opens(r) {
			return text[:at], text[at:]
		}
		at -= size
	}
	return text, ""
}

// opens reports what belongs to a pasted code that follows, and not to the password before it: what nobody
// sees, apart from what joins letters or ends an emoji.
func opens(r rune) bool {
	return invisible(r) && r != '\u200C' && r != '\u200D' && r <= 0xFFFF && !unicode.Is(unicode.Variation_Selector, r)
}

// splitLast parts a text before its last n characters that somebody sees.
func splitLast(text string, n int) (before, code string) {
	at := len(text)
	for at > 0 && n > 0 {
		r, size := utf8.DecodeLastRuneInString(text[:at])
		if !invisible(r) {
			n--
		}
		at -= size
	}
	if at == 0 {
		return text, ""
	}
	return text[:at], text[at:]
}
