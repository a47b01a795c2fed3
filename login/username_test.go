package login

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"
)

func TestNormalizeFoldsSpellings(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"as it is", "alice", "alice"},
		{"upper case", "ALICE", "alice"},
		{"full width", "ａｌｉｃｅ", "alice"},
		{"Kelvin sign", "mar\u212A", "mark"},
		{"domain", `EXAMPLE\Alice`, `example\alice`},
		{"principal name", "Alice@Example.Test", "alice@example.test"},
		{"spaces around", "  alice  ", "alice"},
		{"spaces within", "Alice  Liddell", "alice liddell"},
		{"combining accent", "ame\u0301lie", "amélie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Normalize(c.in)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestNormalizeRefusesWhatNoDirectoryShouldBeAsked(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"empty", ""},
		{"only spaces", "   "},
		{"NUL", "ali\x00ce"},
		{"newline", "alice\n"},
		{"escape", "alice\x1b[31m"},
		{"not UTF-8", "ali\xffce"},
		{"too long", strings.Repeat("a", 254)},
		{"bidirectional override", "alice\u202E"},
		{"zero width space", "ali\u200Bce"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Normalize(c.in); err == nil {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestR12SpellingsCountAsOne: what the directory is asked for may differ, what counts is one form, also for names that
// RFC 8265 refuses.
func TestR12SpellingsCountAsOne(t *testing.T) {
	for _, person := range [][]string{
		{"İpek", "I\u0307pek", "i\u0307pek"},
		{"مريم.khan", "مريم.KHAN", "مريم.ｋｈａｎ"},
		{"ΟΔΥΣΣΕΥΣ", "οδυσσευσ"},
		{"Amélie", "AME\u0301LIE", "ame\u0301lie"},
		{"☺Ａ", "☺a"},
	} {
		for _, spelling := range person {
			first, err := Normalize(person[0])
			got, bad := Normalize(spelling)
			if err != nil || bad != nil || got != first {
				t.Errorf("%+q counts as %+q, %+q as %+q; %v, %v", person[0], first, spelling, got, err, bad)
			}
		}
	}
	if a, _ := Normalize("مريم.khan"); a == "" || a == "khan" {
		t.Errorf("%+q", a)
	}
}

// TestR12NamesInEveryUnicodeForm makes names of many scripts, some of which RFC 8265 refuses, and spells each in the four
// normalization forms, in both cases and in wide letters. All spellings count as one, and reach the directory as what
// was typed; two names that differ count as two.
func TestR12NamesInEveryUnicodeForm(t *testing.T) {
	scripts := []string{"abcxyzéüçñøåž", "αβγδώΐ", "абвгдйё", "مريمخان", "אבגדה", "한국어글", "देवनागरी", "ằễộữ", "0123456789._-"}
	wide := func(name string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f && r != '\\' && r != '@' {
				return r - '!' + '！'
			}
			return r
		}, name)
	}
	refused := 0
	counted := map[string]string{}
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 12))
		var b strings.Builder
		for range 1 + rng.IntN(8) {
			script := []rune(scripts[rng.IntN(len(scripts))])
			b.WriteRune(script[rng.IntN(len(script))])
		}
		name := norm.NFKC.String(b.String())
		if nameRule(name) != nil {
			refused++
		}
		want, err := Normalize(name)
		if err != nil {
			t.Fatalf("%+q: %v", name, err)
		}
		if other, taken := counted[want]; taken && other != strings.ToLower(name) {
			t.Fatalf("%+q and %+q count as one", name, other)
		}
		counted[want] = strings.ToLower(name)
		for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
			for _, spelling := range []string{name, strings.ToUpper(name), strings.ToLower(name), wide(name), " " + name + "  "} {
				spelling = form.String(spelling)
				if got, err := Normalize(spelling); err != nil || got != want {
					t.Fatalf("seed %d: %+q counts as %+q, %+q as %+q, %v", seed, name, want, spelling, got, err)
				}
				if got, err := PrepareUsername(spelling); err != nil || !strings.EqualFold(got, name) {
					t.Fatalf("seed %d: the directory is asked for %+q where %+q was typed, %v", seed, got, spelling, err)
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("RFC 8265 refuses only %d of the names: the other half of Normalize is not tried", refused)
	}
}

// TestR12AnExemptionIsNotFoldedFreely: "Ⅷ" counts as "viii", and is not let in as "viii".
func TestR12AnExemptionIsNotFoldedFreely(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := Policy{Exemptions: []Exemption{{Rule: "listed", Users: []string{"viii", "مريم.khan"}, Until: now.Add(time.Hour)}}}
	for name, want := range map[string]bool{"viii": true, "VIII": true, "Ⅷ": false, "مريم.khan": true, "مريم.KHAN": false} {
		if _, ok := p.exemption(User{Name: name}, "vpn", now); ok != want {
			t.Errorf("%q is exempt: %v, want %v", name, ok, want)
		}
	}
}

func TestFoldDigits(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "123456", "123456"},
		{"grouped", "123 456", "123456"},
		{"dashed", "123-456", "123456"},
		{"no-break space", "123\u00a0456", "123456"},
		{"Arabic-Indic", "١٢٣٤٥٦", "123456"},
		{"Persian", "۱۲۳۴۵۶", "123456"},
		{"direction marks", "\u200f123456\u200f", "123456"},
		{"letters", "12345a", ""},
		{"sign", "+123456", ""},
		{"full width", "１２３４５６", "123456"},
		{"Devanagari", "१२३४५६", "123456"},
		{"empty", "", ""},
		{"tab", "123\t456", "123456"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := FoldDigits(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
