package sms

import (
	"math/rand/v2"
	"strings"
	"testing"

	"sallyport/login"
)

// TestD9PastedNumbers: what comes along when a number is copied is passed over, typed or in a directory.
func TestD9PastedNumbers(t *testing.T) {
	n := numbers{region: "PK"}
	for _, text := range []string{
		"+92\u2011300\u20111234567", "\u202a+92 300 1234567\u202c", "＋９２３００１２３４５６７", "＋92\u3000300\u30001234567", "\ufeff+923001234567\u200b",
		"+92\u00ad300\u00ad1234567", "0300\u20131234567", "0300\u22121234567", "0300\uff0d1234567", "（0300）1234567", "+92 [300] 1234567", "+92~300~1234567",
		"+92 300 1234567\r\n", "+92\t300\t1234567", "٠٣٠٠\u20111٢٣٤٥٦٧", "+९२३००१२३४५६७", "\u2066＋92\u2069 (300) 123\u2060-4567", "﹢923001234567",
		"０３００１２３４５６７", "\u2028+92 300 1234567", "+92\u202f300\u202f1234567", "0300．1234567", "➕92 300 1234567",
	} {
		if a, err := n.parse(text); err != nil || a.Text != "+923001234567" {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
	}
}

func TestD10OldAndUncertainNumbers(t *testing.T) {
	for _, c := range []struct {
		region, text, want string
		unsure             bool
		why                string
	}{
		{"", "+52 1 55 1234 5678", "+525512345678", false, ""},
		{"", "+52 55 1234 5678", "+525512345678", false, ""},
		{"", "0052 1 55 1234 5678", "+525512345678", false, ""},
		{"", "+52 1 222 123 4567", "+522221234567", false, ""},
		{"MX", "1 55 1234 5678", "+525512345678", false, ""},
		{"MX", "044 55 1234 5678", "+525512345678", false, ""},
		{"MX", "045 55 1234 5678", "+525512345678", false, ""},
		{"MX", "01 55 1234 5678", "+525512345678", false, ""},
		{"MX", "55 1234 5678", "+525512345678", false, ""},
		{"", "+52 2 55 1234 5678", "", false, "too long"},
		{"", "+52 1 55 1234 56789", "", false, "too long"},
		{"", "+54 11 2345 6789", "+541123456789", true, ""},
		{"AR", "11 2345 6789", "+541123456789", true, ""},
		{"AR", "011 15 2345 6789", "+5491123456789", false, ""},
		{"", "+54 9 11 2345 6789", "+5491123456789", false, ""},
		{"", "+54 351 234 5678", "+543512345678", true, ""},
		{"", "+1 212 555 2368", "+12125552368", false, ""},
		{"", "+229 97 12 34 56", "+2290197123456", false, ""},
		{"", "+84 168 123 4567", "+84381234567", false, ""},
		{"", "+49 30 12345678", "", false, "landline"},
		{"", "+54 800 222 1234", "", false, "not a mobile"},
	} {
		a, err := numbers{region: c.region}.parse(c.text)
		if a.Text != c.want || a.Unsure != c.unsure || (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s %q: %+v, %v; want %q, unsure %v, %q", c.region, c.text, a, err, c.want, c.unsure, c.why)
		}
		if err == nil {
			if again, err := (numbers{region: c.region}).parse(a.Text); err != nil || again != a {
				t.Errorf("%q is read again as %+v, %v", a.Text, again, err)
			}
		}
	}
}

// FuzzPastedNumber: whatever of it stands between its characters, a number stays the same.
func FuzzPastedNumber(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint64(300_000_0000)+seed)
	}
	put := []rune("\u200b\u200e\u2060\ufeff\u00ad\u202a\u202c \t\u00a0\u2009\u3000-\u2010\u2011\u2013\u2212\uff0d.()（）/[]~·")
	n := numbers{region: "PK"}
	f.Fuzz(func(t *testing.T, seed, tail uint64) {
		rng := rand.New(rand.NewPCG(seed, 9))
		number := "+92" + string('3') + digitsOfNumber(tail)
		want, err := n.parse(number)
		if err != nil {
			return
		}
		var b strings.Builder
		for i, r := range number + "." {
			for range rng.IntN(3) {
				b.WriteRune(put[rng.IntN(len(put))])
			}
			switch {
			case r == '.':
			case r == '+' && i == 0:
				b.WriteRune([]rune(plus)[rng.IntN(4)])
			default:
				b.WriteRune([]rune{'0', '٠', '۰', '०', '０'}[rng.IntN(5)] + r - '0')
			}
		}
		if got, err := n.parse(b.String()); err != nil || got != want {
			t.Fatalf("%q: %+v, %v; want %+v", b.String(), got, err, want)
		}
	})
}

// digitsOfNumber is nine digits.
func digitsOfNumber(n uint64) string {
	b := make([]byte, 9)
	for i := range b {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b)
}

// TestD8TheFirstTelephoneThatCanBeUsed: a landline in front, a number without a meaning, one whose kind is not known.
func TestD8TheFirstTelephoneThatCanBeUsed(t *testing.T) {
	f := newFactor(t, threeGateways(), nil)
	for _, c := range []struct {
		first  string
		others []string
		want   string
	}{
		{"", nil, ""},
		{"+49 30 1234567", []string{"+49 1512 3456789"}, "+49 1512 3456789"},
		{"ext. 12", []string{"none", "+92 300 1234567", "+49 1512 3456789"}, "+92 300 1234567"},
		{"+54 11 2345 6789", []string{"+49 1512 3456789"}, "+49 1512 3456789"},
		{"+49 30 1234567", nil, "+49 30 1234567"},
	} {
		if got := f.DirectoryAddress(login.User{Phone: c.first, OtherPhone: c.others}); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.first, c.others, got, c.want)
		}
	}
}
