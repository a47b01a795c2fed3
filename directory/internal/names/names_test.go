package names_test

import (
	"errors"
	"strings"
	"testing"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

func TestSpellingsOfOnePersonAreOneName(t *testing.T) {
	domains, err := names.NewDomains([]string{"EXAMPLE", "example.test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{
		"alice", "ALICE", "Alice", " alice", "alice ", `EXAMPLE\alice`, `example\ALICE`, "alice@example.test",
		"ALICE@EXAMPLE.TEST", "alice@EXAMPLE", `example.test\alice`, "ａｌｉｃｅ", "Ａlice＠example.test",
	} {
		name, err := domains.Parse(typed)
		if err != nil || !strings.EqualFold(name.Username, "alice") {
			t.Errorf("Parse(%q) = %+v, %v; want alice", typed, name, err)
		}
	}
}

// TestR12TheDirectoryIsAskedForWhatWasTyped: in its case, composed, also what RFC 8265 refuses or would fold away.
func TestR12TheDirectoryIsAskedForWhatWasTyped(t *testing.T) {
	domains, err := names.NewDomains([]string{"EXAMPLE", "example.test", "ПОЧТА"})
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{
		"İpek": "İpek", "I\u0307pek": "İpek", "مريم.khan": "مريم.khan", `EXAMPLE\مريم.khan`: "مريم.khan", "مريم.khan@example.test": "مريم.khan",
		"ΟΔΥΣΣΕΥΣ": "ΟΔΥΣΣΕΥΣ", "straße": "straße", "ame\u0301lie": "amélie", "דוד2": "דוד2", "می\u200cخواهم": "می\u200cخواهم", "☺": "☺", `почта\Иван`: "Иван",
		"Anne  Marie": "Anne Marie", "ﬁona": "fiona",
	} {
		if name, err := domains.Parse(typed); err != nil || name.Username != want {
			t.Errorf("Parse(%+q) = %+q, %v; want %+q", typed, name.Username, err, want)
		}
	}
}

func TestNamesThatNoDirectoryIsAskedFor(t *testing.T) {
	domains, err := names.NewDomains([]string{"EXAMPLE"})
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{
		"", " ", "alice\x00", "al\nice", "al\x7fice", "alice\x1b[2J", "\xff\xfe", strings.Repeat("a", 254), `OTHER\alice`, "alice@other.test",
		`\alice`, `EXAMPLE\`, "@EXAMPLE", "alice@", `EXAMPLE\bob\alice`, "bob@x@EXAMPLE", `EXAMPLE\alice@other.test`, "al\u200bice",
		"alice\u2028", "al\u202eice", "\ufeffalice",
	} {
		if name, err := domains.Parse(typed); !errors.Is(err, login.ErrNoUser) {
			t.Errorf("Parse(%q) = %+v, %v; want ErrNoUser", typed, name, err)
		}
	}
}

func TestWithoutDomainsANameIsTakenWhole(t *testing.T) {
	name, err := names.Domains{}.Parse("Alice@Example.test")
	if err != nil || name.Username != "Alice@Example.test" || name.Login != name.Username {
		t.Errorf("Parse = %+v, %v", name, err)
	}
}

func TestADomainIsAName(t *testing.T) {
	for _, domain := range []string{"", `a\b`, "a@b", "a\x00"} {
		if _, err := names.NewDomains([]string{domain}); err == nil {
			t.Errorf("NewDomains(%q) succeeded", domain)
		}
	}
}
