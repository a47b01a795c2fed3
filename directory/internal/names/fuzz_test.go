package names_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"alice", `EXAMPLE\alice`, "alice@example.test", "ａｌｉｃｅ", "K", "\x00", "\xff", `\@`, "a b", "Ⅷ@EXAMPLE"} {
		f.Add(seed)
	}
	domains, err := names.NewDomains([]string{"EXAMPLE", "example.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := domains.Parse(typed)
		if err != nil {
			if !errors.Is(err, login.ErrNoUser) {
				t.Fatalf("Parse(%q) = %v", typed, err)
			}
			return
		}
		if name.Username == "" || !utf8.ValidString(name.Username) || strings.ContainsFunc(name.Username, unicode.IsControl) ||
			strings.ContainsAny(name.Username, `\@`) {
			t.Fatalf("Parse(%q) = %q", typed, name.Username)
		}
		again, err := domains.Parse(name.Login)
		if err != nil || again != name {
			t.Fatalf("Parse(%q) = %+v, but parsed again %+v, %v", typed, name, again, err)
		}
	})
}
