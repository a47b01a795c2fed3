package login

import (
	"strings"
	"testing"
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
