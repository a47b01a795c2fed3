package login

import (
	"strings"
	"testing"
	"time"
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
