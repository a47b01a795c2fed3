package login

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
)

// pasted are characters that come along when a code is copied from a mail, a page or a telephone.
var pasted = []rune{
	'\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u202a', '\u202c', '\u202e', '\u2060', '\u2066', '\u2069', '\ufeff', '\u00ad', '\u061c', '\u180e',
	'\u034f', '\ufe0f', '\u3164', 0xE0020,
	' ', '\t', '\n', '\v', '\f', '\r', '\u0085', '\u00a0', '\u1680', '\u2003', '\u2007', '\u2009', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000',
	'-', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212', '\u207b', '\u02d7', '\u2796', '\ufe58', '\ufe63', '\uff0d', '\u30a0', '\u1806',
}

// zeros are the zeros of all scripts.
func zeros() (all []rune) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Nd, r) && asciiDigit(r) == '0' {
			all = append(all, r)
		}
	}
	return all
}

func TestR8DigitsOfEveryScript(t *testing.T) {
	digits := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := asciiDigit(r)
		if unicode.Is(unicode.Nd, r) != (got != 0) {
			t.Errorf("%U is read as %q", r, got)
		}
		if got == 0 {
			continue
		}
		digits++
		if got != '0' && (r == 0 || asciiDigit(r-1) != got-1) || got == '0' && !unicode.Is(unicode.Nd, r+9) {
			t.Errorf("%U is read as %q, which its neighbours are not in line with", r, got)
		}
	}
	if z := len(zeros()); digits != 10*z || z < 60 {
		t.Errorf("%d digits of %d scripts", digits, z)
	}
	for text, want := range map[string]string{
		"０１２３４５６７８９": "0123456789", "०१२३४५६७८९": "0123456789", "๐๑๒๓๔๕๖๗๘๙": "0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗": "0123456789", "𝟬𝟡": "09", "１2٣": "123",
	} {
		if got := FoldDigits(text); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"①23456", "12345²", "½23456", "Ⅰ23456", "1,234", "123.456", "123_456", "12345O", "123456\x00", "123456\u20e3", "123456\ufffd", "123456\xff", "·123456"} {
		if got := FoldDigits(text); got != "" {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

// disguise writes a code with digits of some script and pasted characters before, between and behind them.
func disguise(rng *rand.Rand, code string, scripts []rune, put ...rune) string {
	var b strings.Builder
	for _, d := range code + "." {
		for range rng.IntN(3) {
			b.WriteRune(put[rng.IntN(len(put))])
		}
		if d != '.' {
			b.WriteRune(scripts[rng.IntN(len(scripts))] + d - '0')
		}
	}
	return b.String()
}

// FuzzCode: whatever is pasted between its digits, a code stays the same; with anything else in it, it is
// none, or another one.
func FuzzCode(f *testing.F) {
	for _, r := range []rune{'\u200b', '-', 'x', '1', '\u0661', '\u0301', '+'} {
		f.Add(uint64(r), "123456", r, uint8(3))
	}
	scripts := zeros()
	f.Fuzz(func(t *testing.T, seed uint64, digits string, put rune, at uint8) {
		var code string
		for _, r := range digits {
			if len(code) < 12 {
				code += string('0' + r%10)
			}
		}
		if code == "" {
			code = "000000"
		}
		rng := rand.New(rand.NewPCG(seed, 8))
		typed := disguise(rng, code, scripts, pasted...)
		if got := FoldDigits(typed); got != code {
			t.Fatalf("%q is read as %q, want %q", typed, got, code)
		}
		password, rest := SplitDigits("password"+strings.TrimLeftFunc(typed, func(r rune) bool { return asciiDigit(r) == 0 }), len(code))
		if password != "password" || FoldDigits(rest) != code {
			t.Fatalf("behind a password %q is read as %q and %q", typed, password, rest)
		}
		if pin := FoldPasscode("Pin\u200bPin"+typed, len(code)); pin != "PinPin"+code {
			t.Fatalf("behind a PIN %q is read as %q, want %q", typed, pin, "PinPin"+code)
		}
		runes := []rune(typed)
		i := int(at) % (len(runes) + 1)
		other := FoldDigits(string(runes[:i]) + string(put) + string(runes[i:]))
		switch {
		case unicode.In(put, unicode.Cf, unicode.White_Space, unicode.Pd):
			if other != code {
				t.Fatalf("with %U in it %q is read as %q", put, typed, other)
			}
		case unicode.In(put, unicode.Nd):
			if len(other) != len(code)+1 {
				t.Fatalf("with the digit %U in it %q is read as %q", put, typed, other)
			}
		case unicode.In(put, unicode.L, unicode.N, unicode.Cc, unicode.Sc, unicode.Mc) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, put):
			if other != "" {
				t.Fatalf("with %U in it %q is read as %q", put, typed, other)
			}
		}
	})
}

func TestR8SplitOfPasswordAndDigits(t *testing.T) {
	for _, c := range []struct {
		text           string
		n              int
		password, code string
	}{
		{"secret123456", 6, "secret", "123456"},
		{"secret123456\u200b", 6, "secret", "123456\u200b"},
		{"secret\u200b123456", 6, "secret", "\u200b123456"},
		{"secret\u202a123\u2011456\u202c", 6, "secret", "\u202a123\u2011456\u202c"},
		{"secret-123 456", 6, "secret-", "123 456"},
		{"se cret1٢３ 456\r\n", 6, "se cret", "1٢３ 456\r\n"},
		{"pass99123456", 6, "pass99", "123456"},
		{"pässwörd123456", 6, "pässwörd", "123456"},
		{"family\U0001f468\u200d\U0001f469123456", 6, "family\U0001f468\u200d\U0001f469", "123456"},
		{"secretabcdef", 6, "secret", "abcdef"},
		{"secretabcdef\u200b", 6, "secret", "abcdef\u200b"},
		{"123456", 6, "123456", ""},
		{"\u200b123456", 6, "\u200b123456", ""},
		{"12345", 6, "12345", ""},
		{"", 6, "", ""},
		{"\xff\xfe123456", 6, "\xff\xfe", "123456"},
	} {
		if password, code := SplitDigits(c.text, c.n); password != c.password || code != c.code {
			t.Errorf("%q: %q and %q, want %q and %q", c.text, password, code, c.password, c.code)
		}
	}
}
