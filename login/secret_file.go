package login

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseText returns what a text file holds, without a byte order mark in front. UTF-16, and whatever else
// has NULs, is an error. Errors and warnings of this file never quote what was read.
func ParseText(content []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}), bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		return nil, errUTF16
	case bytes.HasPrefix(content, []byte{0xef, 0xbb, 0xbf}):
		content = content[3:]
	}
	if bytes.IndexByte(content, 0) < 0 {
		return content, nil
	}
	var nuls [2]int // at even and at odd places
	for i, b := range content {
		if b == 0 {
			nuls[i%2]++
		}
	}
	if least := len(content) / 4; least > 0 && (nuls[0] >= least) != (nuls[1] >= least) { // half of every other byte
		return nil, errUTF16
	}
	return nil, errors.New("holds a NUL byte: it must be a text")
}

var errUTF16 = errors.New("is UTF-16, not UTF-8: save it as UTF-8 (in PowerShell: Out-File -Encoding ascii)")

// ParseSecret returns the secret that a file of one line holds: without a byte order mark in front and the
// line's end behind (LF or CRLF, and empty lines), and nothing else is cut. The warning, "" where there is
// none, tells of what nobody sees and what is part of the secret all the same, such as a blank at the end. A file
// that is empty, of several lines or not a text is an error.
//
// Every secret that the program reads from a file is read by this.
func ParseSecret(content []byte) (s Secret, warning string, err error) {
	text, err := ParseText(content)
	if err != nil {
		return "", "", err
	}
	text = bytes.TrimRight(text, "\r\n")
	switch {
	case len(text) == 0:
		return "", "", errors.New("is empty")
	case len(bytes.TrimSpace(text)) == 0:
		return "", "", errors.New("holds nothing but blanks")
	case bytes.ContainsAny(text, "\r\n"):
		return "", "", errors.New("has several lines: it must hold the secret alone, in one line")
	}
	return Secret(text), InvisibleParts(string(text)), nil
}

// InvisibleParts says which characters of a secret nobody sees, and which are likely a mistake: blanks at its ends,
// and control characters and those without a shape anywhere. It is "" where there are none.
func InvisibleParts(secret string) string {
	var parts []string
	add := func(where, piece string) {
		parts = append(parts, fmt.Sprintf("%s %s", where, named(piece)))
	}
	inner := strings.TrimLeftFunc(secret, unicode.IsSpace)
	if cut := secret[:len(secret)-len(inner)]; cut != "" {
		add("begins with", cut)
	}
	shown := strings.TrimRightFunc(inner, unicode.IsSpace)
	if cut := inner[len(shown):]; cut != "" {
		add("ends with", cut)
	}
	for _, r := range shown {
		if r != utf8.RuneError && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			add("holds", string(r))
			break
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " and ") + ": part of the secret, since only the line's end is cut"
}

// named is a run of invisible characters: the bytes, and what they are called.
func named(piece string) string {
	const most = 4
	bytes := fmt.Sprintf("% x", piece[:min(len(piece), most)])
	if len(piece) > most {
		bytes += " …"
	}
	noun := "the byte "
	if len(piece) > 1 {
		noun = "the bytes "
	}
	r, _ := utf8.DecodeRuneInString(piece)
	name := "an invisible character"
	switch {
	case strings.Trim(piece, " ") == "":
		name = "blank"
	case strings.Trim(piece, "\t") == "":
		name = "tab"
	case unicode.IsSpace(r):
		name = "white space"
	case unicode.IsControl(r):
		name = "a control character"
	}
	return noun + bytes + " (" + name + ")"
}
