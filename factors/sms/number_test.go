package sms

import (
	"errors"
	"strings"
	"testing"

	"sallyport/login"
)

// spellings are one number as people in Pakistan write it.
func spellings() []string {
	return []string{
		"+923001234567", "00923001234567", "03001234567", "3001234567",
		"+92 300 1234567", "+92-300-1234567", "+92.300.1234567", "+92/300/1234567", "+92(300)1234567",
		"+92 (300) 123-4567", "+92 (0)300 1234567", "+92 0300 1234567", "(+92) 300 1234567", "+92  300  123 45 67",
		" +923001234567", "+923001234567 ", "\u00a0+92\u00a0300\u00a01234567", "+92\u2009300\u20091234567", "+ 92 300 1234567",
		"00 92 300 1234567", "00-92-300-1234567", "00 (92) 300 1234567", "(0092) 300 1234567", "0092.300.1234567",
		"0300 1234567", "0300-1234567", "0300.1234567", "(0300) 1234567", "0300/1234567", "0300 123 4567", "0 300 123 4567",
		"300 1234567", "300-123-4567", "(300)1234567", "0-3-0-0-1-2-3-4-5-6-7",
		"+٩٢٣٠٠١٢٣٤٥٦٧", "٠٣٠٠١٢٣٤٥٦٧", "٠٣٠٠ ١٢٣٤٥٦٧", "٠٠٩٢٣٠٠١٢٣٤٥٦٧", "+٩٢ (٣٠٠) ١٢٣-٤٥٦٧",
		"+۹۲۳۰۰۱۲۳۴۵۶۷", "۰۳۰۰۱۲۳۴۵۶۷", "۰۳۰۰-۱۲۳۴۵۶۷", "۰۰۹۲۳۰۰۱۲۳۴۵۶۷", "۳۰۰۱۲۳۴۵۶۷",
		"\u200e+923001234567", "\u2066+92 300 1234567\u2069", "\u200f٠٣٠٠١٢٣٤٥٦٧\u200f", "\u202a+923001234567\u202c", "0300\u200f1234567",
		"+92۳۰۰1234567", "03٠٠1234567", "(0300)-123-(4567)", "+92 - 300 - 1234567", "+92..300..1234567", "0300 - 1234567",
		"((0300)) 1234567", "0300 12 34 567", "00 92 (0) 300 1234567", "+92/0300/1234567", "0300.123.45.67", "923001234567",
	}
}

func TestSpellingsAreOneNumber(t *testing.T) {
	all := spellings()
	if len(all) < 60 {
		t.Fatalf("only %d spellings", len(all))
	}
	n := numbers{region: "PK", countries: []string{"PK", "AE"}}
	for _, text := range all {
		a, err := n.parse(text)
		want := login.Address{Text: "+923001234567", Display: "+92 300 1234567", Masked: "+92••••••••67", Country: "PK"}
		if err != nil || a != want {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
	}
}

func TestWhatIsNoUsableNumberIsRefused(t *testing.T) {
	n := numbers{region: "PK", countries: []string{"PK", "AE", "US"}}
	for text, why := range map[string]string{
		"": "enter a telephone number", "  ": "enter a telephone number",
		"0300": "too short", "+92300123": "not valid", "+92": "too short", "1": "too short", "+92300123456789012": "too long",
		"+9230012345678": "not valid", "+999123456789": "no such country code", "+0923001234567": "no such country code",
		"+442071838750": "not sent to that country", "+44 7400 123456": "not sent to that country",
		"+923001234567;ext=5": "digits only", "03001234567x12": "digits only", "0300-CALLME": "digits only", "1-800-FLOWERS": "digits only",
		"0300#1234567": "digits only", "0300\x001234567": "digits only",
		"++923001234567": "digits only", "92+3001234567": "digits only", "+92+3001234567": "digits only",
		"0300,1234567": "digits only", "tel:+923001234567": "digits only", "{{.To}}": "digits only", "＋+923001234567": "digits only",
		"①3001234567": "digits only", "٩+923001234567": "digits only", "\xff\xfe03001234567": "digits only", "0300&to=+1900": "digits only",
		strings.Repeat("0300 1234567 ", 10): "digits only", "+": "digits only", "()": "digits only", "🕿03001234567": "digits only",
		"042 35761999": "landline", "+1 800 356 9377": "not a mobile number", "+971 800 1234": "not a mobile number",
	} {
		a, err := n.parse(text)
		if !errors.Is(err, login.ErrAddress) || !strings.Contains(err.Error(), why) || a != (login.Address{}) {
			t.Errorf("%q: %+v, %v; want %q", text, a, err, why)
		}
		if digits := login.FoldDigits(text); len(digits) > 3 && err != nil && strings.Contains(err.Error(), digits) {
			t.Errorf("%q is quoted: %v", text, err)
		}
	}
}

func TestSiteRulesOfNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		rules      numbers
		text, want string
	}{
		"no region, no country code":        {numbers{}, "03001234567", ""},
		"no region, plus":                   {numbers{}, "+92 300 1234567", "+923001234567"},
		"no region, 00":                     {numbers{}, "0092 300 1234567", "+923001234567"},
		"landline allowed":                  {numbers{region: "PK", landlines: true}, "042 35761999", "+924235761999"},
		"fixed line or mobile":              {numbers{region: "US"}, "(212) 555-2368", "+12125552368"},
		"region's own international prefix": {numbers{region: "AU"}, "0011 92 300 1234567", "+923001234567"},
		"00 where it is not the prefix":     {numbers{region: "AU"}, "00 92 300 1234567", "+923001234567"},
		"Emirates":                          {numbers{region: "PK"}, "+971 50 123 4567", "+971501234567"},
		"a country within a shared code":    {numbers{countries: []string{"US"}}, "+1 876 555 0123", ""},
		"premium rate is never sent to":     {numbers{landlines: true}, "+44 9098 790 879", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.rules.parse(c.text)
			if a.Text != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// What is parsed is E.164, and is read again as itself: a record is the text of an address.
func FuzzNumber(f *testing.F) {
	for _, text := range spellings() {
		f.Add(text)
	}
	f.Add("+1 876 555 0123")
	f.Add("1-800-FLOWERS")
	n := numbers{region: "PK", landlines: true}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := n.parse(text)
		if err != nil {
			if !errors.Is(err, login.ErrAddress) {
				t.Fatal(err)
			}
			return
		}
		if !isE164(a.Text) || a.Masked == "" || strings.Contains(a.Masked, a.Text[len(a.Text)-4:]) {
			t.Fatalf("%q: %+v", text, a)
		}
		if again, err := n.parse(a.Text); err != nil || again != a {
			t.Fatalf("%q: %+v, then %+v, %v", text, a, again, err)
		}
	})
}
