package login_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"sallyport/login"
)

// utf16Text encodes a text, little-endian or big-endian, with or without a byte order mark.
func utf16Text(text string, big, mark bool) string {
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b strings.Builder
	for _, u := range units {
		if big {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

func TestR9FormsOfASecretsFile(t *testing.T) {
	const s = "x4Fh2kP0qLw8ZrT6vB1nM9cD"
	for name, test := range map[string]struct{ content, want, warning, err string }{
		"as it is":              {s, s, "", ""},
		"a line":                {s + "\n", s, "", ""},
		"a line of Windows":     {s + "\r\n", s, "", ""},
		"a line of old Macs":    {s + "\r", s, "", ""},
		"empty lines behind":    {s + "\n\n\r\n", s, "", ""},
		"a byte order mark":     {"\xef\xbb\xbf" + s + "\r\n", s, "", ""},
		"blanks inside":         {"correct horse battery", "correct horse battery", "", ""},
		"Latin-1":               {"caf\xe9-" + s, "caf\xe9-" + s, "", ""},
		"UTF-8":                 {"كلمة-" + s, "كلمة-" + s, "", ""},
		"a trailing blank":      {s + " \n", s + " ", "ends with the byte 20 (blank): part of the secret", ""},
		"two trailing blanks":   {s + "  \r\n", s + "  ", "ends with the bytes 20 20 (blank)", ""},
		"many trailing blanks":  {s + "      ", s + "      ", "ends with the bytes 20 20 20 20 … (blank)", ""},
		"a trailing tab":        {s + "\t", s + "\t", "ends with the byte 09 (tab)", ""},
		"a no-break space":      {s + "\u00a0\n", s + "\u00a0", "ends with the bytes c2 a0 (white space)", ""},
		"a leading blank":       {" " + s, " " + s, "begins with the byte 20 (blank)", ""},
		"blanks at both ends":   {" " + s + "\t\n", " " + s + "\t", "begins with the byte 20 (blank) and ends with the byte 09 (tab)", ""},
		"a zero-width space":    {s + "\u200b\n", s + "\u200b", "holds the bytes e2 80 8b (an invisible character)", ""},
		"a mark in the middle":  {"ab\ufeff" + s, "ab\ufeff" + s, "holds the bytes ef bb bf (an invisible character)", ""},
		"two marks in front":    {"\xef\xbb\xbf\xef\xbb\xbf" + s, "\ufeff" + s, "holds the bytes ef bb bf", ""},
		"a tab inside":          {"ab\t" + s, "ab\t" + s, "holds the byte 09 (tab)", ""},
		"an escape inside":      {"ab\x1b[A" + s, "ab\x1b[A" + s, "holds the byte 1b (a control character)", ""},
		"empty":                 {"", "", "", "is empty"},
		"a line's end alone":    {"\r\n", "", "", "is empty"},
		"a mark alone":          {"\xef\xbb\xbf\n", "", "", "is empty"},
		"blanks alone":          {"  \t\n", "", "", "nothing but blanks"},
		"two lines":             {s + "\n" + s + "\n", "", "", "several lines"},
		"two lines of Windows":  {s + "\r\n" + s + "\r\n", "", "", "several lines"},
		"a comment":             {"# the secret\n" + s + "\n", "", "", "several lines"},
		"an empty line before":  {"\n" + s + "\n", "", "", "several lines"},
		"a NUL":                 {s + "\x00", "", "", "holds a NUL byte"},
		"NULs":                  {s + "\x00\x00\x00\x00", "", "", "holds a NUL byte"},
		"little-endian":         {utf16Text(s, false, true), "", "", "is UTF-16"},
		"big-endian":            {utf16Text(s, true, true), "", "", "is UTF-16"},
		"little-endian, plain":  {utf16Text(s+"\r\n", false, false), "", "", "is UTF-16"},
		"big-endian, plain":     {utf16Text(s+"\r\n", true, false), "", "", "is UTF-16"},
		"mostly UTF-16":         {utf16Text("كل"+s, false, false), "", "", "is UTF-16"},
		"a mark of UTF-16 only": {"\xff\xfe", "", "", "is UTF-16"},
	} {
		got, warning, err := login.ParseSecret([]byte(test.content))
		if got.Reveal() != test.want || test.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got.Reveal(), err, test.want, test.err)
		}
		if (warning == "") != (test.warning == "") || !strings.Contains(warning, test.warning) || strings.Contains(warning, s) {
			t.Errorf("%s: warning %q, want %q", name, warning, test.warning)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{"", "a\n", "\xef\xbb\xbfa b ", "\xff\xfea\x00", "a\r\nb", "\x00\x00a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, warning, err := login.ParseSecret(content)
		switch text := s.Reveal(); {
		case err != nil && (s != "" || warning != ""):
			t.Errorf("%q beside %v", text, err)
		case err == nil && (text == "" || strings.ContainsAny(text, "\r\n\x00")):
			t.Errorf("the secret is %q", text)
		case err == nil && !strings.Contains(string(content), text):
			t.Errorf("%q is not in the file", text)
		case err == nil && warning == "" && strings.TrimSpace(text) != text:
			t.Errorf("%q has blanks at an end, unsaid", text)
		}
	})
}
