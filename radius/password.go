package radius

import (
	"bytes"
	"crypto/md5"
	"errors"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxPassword is the longest User-Password (RFC 2865 §5.2).
const maxPassword = 128

var errPasswordLength = errors.New("User-Password is not 16 to 128 octets in steps of 16")

// revealPassword undoes User-Password hiding (RFC 2865 §5.2). Only the padding is cut: the codec
// would cut at the first NUL, and so take "right\x00anything" for "right". An attribute without octets
// is an empty answer: the section asks for 16 at least, but radcli sends it so when a person types
// nothing.
func revealPassword(hidden, secret []byte, auth [authSize]byte) ([]byte, error) {
	if len(hidden) > maxPassword || len(hidden)%16 != 0 {
		return nil, errPasswordLength
	}
	plain := make([]byte, len(hidden))
	h := md5.New()
	last := auth[:]
	for at := 0; at < len(hidden); at += 16 {
		h.Reset()
		h.Write(secret)
		h.Write(last)
		var pad [16]byte
		h.Sum(pad[:0])
		for i := range pad {
			plain[at+i] = hidden[at+i] ^ pad[i]
		}
		last = hidden[at : at+16]
	}
	return bytes.TrimRight(plain, "\x00"), nil
}

// text decodes what a client sent in its character set. What is not UTF-8 comes from a Windows or Western European
// machine: 0x80 to 0x9F are no characters of ISO 8859-1, so they are those of Windows-1252 ("€" is 0x80), which
// agrees with it everywhere else. Its five holes (0x81, 0x8D, 0x8F, 0x90, 0x9D) become U+FFFD: no password.
func (c Charset) text(raw []byte) string {
	if c == CharsetUTF8 || c == CharsetAuto && utf8.Valid(raw) {
		return string(raw)
	}
	decoded, _ := charmap.Windows1252.NewDecoder().Bytes(raw) // each byte has its code point, so this cannot fail
	return string(decoded)
}

// unreadable says why a User-Password cannot be a password, "" where it can be one: most of what another
// shared secret makes of it cannot. A code may come with white space about it. While the secret is doubted,
// what is neither ASCII nor UTF-8 is none either: by chance, one of twelve random ones reads as Windows-1252.
func (c Charset) unreadable(plain []byte, isCode, doubted bool) string {
	if bytes.IndexByte(plain, 0) >= 0 {
		return "the User-Password holds a NUL"
	}
	isUTF8 := utf8.Valid(plain)
	if c == CharsetUTF8 && !isUTF8 {
		return "the User-Password is not UTF-8, which is the client's charset"
	}
	if !isUTF8 && doubted {
		return "the User-Password is not UTF-8, and others of this client could not be read just now"
	}
	for _, r := range c.text(plain) {
		switch {
		case r == utf8.RuneError && !isUTF8:
			return "the User-Password holds bytes that are no characters of Windows-1252"
		case unicode.IsControl(r) && !(isCode && r < utf8.RuneSelf && unicode.IsSpace(r)):
			return "the User-Password holds control characters"
		}
	}
	return ""
}
