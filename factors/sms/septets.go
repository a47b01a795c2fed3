package sms

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// What one SMS part holds: 140 octets (3GPP TS 23.040 §9.2.3.24), as septets or as 16-bit units.
const (
	partSeptets = 160
	partUnits   = 70
)

// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1). A character of the
// extension takes two septets.
const (
	gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// units returns how much of a part a text takes: septets, or where a character is not in the GSM
// alphabet the code units of UCS-2.
func units(text string) (n int, unicode bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmAlphabet, r):
			n++
		case strings.ContainsRune(gsmExtension, r):
			n += 2
		default:
			return len(utf16.Encode([]rune(text))), true
		}
	}
	return n, false
}

// fitsOnePart returns nil when a text fits one SMS part, else an error with the count.
func fitsOnePart(text string) error {
	n, unicode := units(text)
	switch {
	case unicode && n > partUnits:
		return fmt.Errorf("takes %d of the %d characters that one SMS holds when a character is not in the GSM alphabet", n, partUnits)
	case !unicode && n > partSeptets:
		return fmt.Errorf("takes %d of the %d characters that one SMS holds", n, partSeptets)
	}
	return nil
}
