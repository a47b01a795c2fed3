package login_test

import (
	"strings"
	"testing"

	"sallyport/login"
)

func TestOneTimeCodesAreReadHoweverTheyAreTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"kxwp-3fmd-9tqa": "kxwp3fmd9tqa", "KXWP 3FMD 9TQA": "kxwp3fmd9tqa", "kxwp3fmd9tqa": "kxwp3fmd9tqa",
		"oIl0-oIl0-oIl0": "011001100110", "kxwp-3fmd-9tq": "", "kxwp-3fmd-9tqaa": "", "kxwp-3fmd-9tqu": "",
		"123456": "", "": "", "kxwp-3fmd-9tq\u0661": "kxwp3fmd9tq1",
		"kxwp\u20113fmd\u00a09tqa\u200b": "kxwp3fmd9tqa", "\ufeffＫＸＷＰ３ＦＭＤ９ＴＱＡ": "kxwp3fmd9tqa", "kxwp3fmd9tqa\u20e3": "",
	} {
		if got := login.NormalizeCode(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}

func TestNewCodesAreCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := login.NewCode().Reveal()
		if len(code) != 14 || strings.ReplaceAll(code, "-", "") != login.NormalizeCode(code) || seen[code] {
			t.Fatalf("%q is no new code", code)
		}
		seen[code] = true
	}
}
