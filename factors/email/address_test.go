package email_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"sallyport/factors/email"
	"sallyport/login"
)

func TestAddresses(t *testing.T) {
	f := newFactor(t, email.Config{}, nil)
	for text, want := range map[string]login.Address{
		"alice@example.org":                      {Text: "alice@example.org", Masked: "a•••e@example.org"},
		"  alice@example.org\t":                  {Text: "alice@example.org", Masked: "a•••e@example.org"},
		"Alice.Smith@EXAMPLE.Org":                {Text: "Alice.Smith@example.org", Masked: "A•••h@example.org"},
		"a@example.org":                          {Text: "a@example.org", Masked: "a•••@example.org"},
		"ab@example.org":                         {Text: "ab@example.org", Masked: "a•••@example.org"},
		"abc@example.org":                        {Text: "abc@example.org", Masked: "a•••c@example.org"},
		"alice+login@example.org":                {Text: "alice+login@example.org", Masked: "a•••n@example.org"},
		"o'hara_&=/x@example.org":                {Text: "o'hara_&=/x@example.org", Masked: "o•••x@example.org"},
		"x@xn--bcher-kva.example":                {Text: "x@xn--bcher-kva.example", Masked: "x•••@xn--bcher-kva.example"},
		"x@3com.example":                         {Text: "x@3com.example", Masked: "x•••@3com.example"},
		strings.Repeat("l", 64) + "@example.org": {Text: strings.Repeat("l", 64) + "@example.org", Masked: "l•••l@example.org"},
	} {
		want.Display = want.Text
		got, err := f.ParseAddress(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// badAddresses are what no mail may be sent to.
func badAddresses() []string {
	return []string{
		"", " ", "@", "a@", "@example.org", "alice", "alice@@example.org", "alice@bob@example.org",
		"alice example.org", "alice@example", "alice@localhost", "alice@.example.org", "alice@example.org.",
		"alice@example..org", "alice@-example.org", "alice@example-.org", "alice@exam_ple.org", "alice@example.org-",
		".alice@example.org", "alice.@example.org", "al..ice@example.org", "alice @example.org", "alice@ example.org",
		"al ice@example.org", "alice@exa mple.org", "alice\t@example.org", "alice@example.org\r\nBcc: bob@example.org",
		"alice@example.org\nRCPT TO:<bob@example.org>", "alice\r@example.org", "alice\x00@example.org", "alice@example.org\x00",
		"alice@example.org\x7f", "\u202ealice@example.org", "alíce@example.org", "alice@exämple.org", "алиса@example.org",
		"alice@例え.example", "alice＠example.org", "alice@example。org", "alice\u200b@example.org", "alice\u00a0@example.org",
		"Alice <alice@example.org>", "<alice@example.org>", "alice@example.org>", "<alice@example.org", "\"alice\"@example.org",
		"\"al ice\"@example.org", "\"alice@x\"@example.org", "\"\"@example.org", "alice@example.org (Alice)", "(Alice)alice@example.org",
		"alice(x)@example.org", "alice@(x)example.org", "alice@[192.0.2.1]", "alice@[IPv6:2001:db8::1]", "alice@192.0.2.1",
		"alice@example.123", "alice@example.org,bob@example.org", "alice@example.org;bob@example.org", "alice@example.org bob@example.org",
		"mailto:alice@example.org", "group:alice@example.org;", "alice%other.example@example.org", "other.example!alice@example.org",
		"-oQ/tmp@example.org", "alice\\@example.org", "alice@example.org\\", "alice@exam/ple.org", "alice@example.org?subject=x",
		"@relay.example:alice@example.org", "=?utf-8?q?alice?=@", "alice@xn--\u0661.example", "alice@xn--.example", "alice@xn--zzzzzzzz99999.example",
		strings.Repeat("l", 65) + "@example.org", "alice@" + strings.Repeat("d", 64) + ".org",
		"alice@" + strings.Repeat("d23456789.", 30) + "org", strings.Repeat("a", 100_000) + "@example.org",
	}
}

func TestBadAddresses(t *testing.T) {
	f := newFactor(t, email.Config{}, nil)
	list := badAddresses()
	if len(list) < 60 {
		t.Fatalf("only %d", len(list))
	}
	for _, text := range list {
		got, err := f.ParseAddress(text)
		if !errors.Is(err, login.ErrAddress) || got != (login.Address{}) {
			t.Errorf("%.80q: %+v, %v", text, got, err)
			continue
		}
		if len(err.Error()) > 160 || len(text) > 12 && strings.Contains(err.Error(), text) {
			t.Errorf("%.80q: the error is too long or quotes it: %v", text, err)
		}
	}
}

func TestAllowedDomains(t *testing.T) {
	f := newFactor(t, email.Config{AllowedDomains: []string{"Corp.Example", "intranet"}}, nil)
	for text, allowed := range map[string]bool{
		"alice@corp.example": true, "alice@CORP.example": true, "alice@intranet": true,
		"alice@example.org": false, "alice@mail.corp.example": false, "alice@evilcorp.example": false,
		"alice@corp.example.evil.example": false, "alice%evil.example@corp.example": false, "alice@localhost": false,
	} {
		if _, err := f.ParseAddress(text); (err == nil) != allowed {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What is accepted is canonical, one address to net/mail as well, and safe in a header and a command.
func FuzzParseAddress(f *testing.F) {
	factor := newFactor(f, email.Config{}, nil)
	for _, text := range badAddresses() {
		f.Add(text)
	}
	f.Add("Alice.Smith@EXAMPLE.Org")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := factor.ParseAddress(text)
		if err != nil {
			if !errors.Is(err, login.ErrAddress) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := factor.ParseAddress(a.Text); err != nil || again != a {
			t.Fatalf("%q: %+v, then %+v, %v", text, a, again, err)
		}
		if strings.ContainsFunc(a.Text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>()[],;:"\`, r) }) {
			t.Fatalf("%q gave %q", text, a.Text)
		}
		parsed, err := mail.ParseAddress(a.Text)
		if err != nil || parsed.Address != a.Text || len(a.Text) > 254 || strings.Count(a.Text, "@") != 1 {
			t.Fatalf("%q gave %q, %v", text, a.Text, err)
		}
	})
}

// TestD8TheFirstAddressThatCanBeUsed: a value that is no address stands in front.
func TestD8TheFirstAddressThatCanBeUsed(t *testing.T) {
	f := newFactor(t, email.Config{AllowedDomains: []string{"example.test"}}, nil)
	for want, u := range map[string]login.User{
		"petra@example.test": {Mail: "petra", OtherMail: []string{"p@elsewhere.test", "petra@example.test", "other@example.test"}},
		"petra":              {Mail: "petra"},
		"":                   {},
	} {
		if got := f.DirectoryAddress(u); got != want {
			t.Errorf("%+v: %q, want %q", u, got, want)
		}
	}
}
