package sms

import (
	"strings"
	"testing"
	"unicode/utf16"
)

func TestUnitsOfAPart(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		units   int
		unicode bool
		fits    bool
	}{
		"empty":                          {"", 0, false, true},
		"the whole alphabet":             {gsmAlphabet, 127, false, true},
		"the extension takes two each":   {gsmExtension, 20, false, true},
		"euro":                           {"€", 2, false, true},
		"160 letters":                    {strings.Repeat("a", 160), 160, false, true},
		"161 letters":                    {strings.Repeat("a", 161), 161, false, false},
		"80 braces":                      {strings.Repeat("{", 80), 160, false, true},
		"79 braces and 2 letters":        {strings.Repeat("}", 79) + "ab", 160, false, true},
		"80 braces and a letter":         {strings.Repeat("[", 80) + "a", 161, false, false},
		"line feed is in the alphabet":   {"a\nb", 3, false, true},
		"one Arabic letter makes all 16": {strings.Repeat("a", 69) + "م", 70, true, true},
		"71 with an Arabic letter":       {strings.Repeat("a", 70) + "م", 71, true, false},
		"70 Arabic letters":              {strings.Repeat("م", 70), 70, true, true},
		"Urdu":                           {"پاکستان", 7, true, true},
		"an emoji is two units":          {"😀", 2, true, true},
		"35 emoji":                       {strings.Repeat("😀", 35), 70, true, true},
		"36 emoji":                       {strings.Repeat("😀", 36), 72, true, false},
		"a capital with an accent":       {"À", 1, true, true},
		"a small c with cedilla":         {"ç", 1, true, true},
		"a back quote":                   {"`", 1, true, true},
		"a direction mark":               {"a\u200eb", 3, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			n, unicode := units(c.text)
			if n != c.units || unicode != c.unicode || (fitsOnePart(c.text) == nil) != c.fits {
				t.Errorf("%d units, unicode %t, %v", n, unicode, fitsOnePart(c.text))
			}
		})
	}
}

// A text is counted either in septets, one or two to a character, or in code units; and two texts
// together take as much as each alone.
func FuzzUnits(f *testing.F) {
	for _, text := range []string{"", "abc", "{}", "رمز", "😀", "\xff", "a€م"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, unicode := units(text)
		runes := []rune(text)
		if unicode {
			if n != len(utf16.Encode(runes)) {
				t.Fatalf("%q: %d", text, n)
			}
			return
		}
		if n < len(runes) || n > 2*len(runes) {
			t.Fatalf("%q: %d", text, n)
		}
		if twice, _ := units(text + text); twice != 2*n {
			t.Fatalf("%q: %d, twice %d", text, n, twice)
		}
	})
}
