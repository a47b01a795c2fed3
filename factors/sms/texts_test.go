package sms

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

func textsOf(t *testing.T, c Config) *texts {
	t.Helper()
	x, err := newTexts(c.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEveryTextOfEveryLanguageFitsOnePart(t *testing.T) {
	x := textsOf(t, Config{Digits: 8})
	for _, language := range []string{"en", "ar", "ur", "ur-PK", "AR_sa", "de", ""} {
		for _, life := range []time.Duration{0, time.Minute, 5 * time.Minute, 99 * time.Minute, 24 * time.Hour} {
			text, err := x.code(language, "13579246", life)
			if err != nil || fitsOnePart(text) != nil || !strings.Contains(text, "13579246") || strings.Contains(text, "{{") {
				t.Errorf("%s, %v: %q, %v, %v", language, life, text, err, fitsOnePart(text))
			}
		}
		seen := map[string]bool{}
		for _, kind := range []login.NoticeKind{login.NoticeRegistered, login.NoticeReplaced, login.NoticeRemoved,
			login.NoticeBypass, login.NoticeRecovery, login.NoticeRecoveryUsed} {
			for _, by := range []string{"", "an administrator"} {
				text, err := x.notice(login.Notice{Kind: kind, Language: language, By: by})
				if err != nil || fitsOnePart(text) != nil || !strings.Contains(text, "Sallyport") {
					t.Errorf("%s, %s: %q, %v, %v", language, kind, text, err, fitsOnePart(text))
				}
				seen[text] = true
			}
		}
		if len(seen) < 10 {
			t.Errorf("%s: notices read alike: %v", language, seen)
		}
	}
}

func TestCodeTextReadsAsAgreed(t *testing.T) {
	x := textsOf(t, Config{Brand: "Corp"})
	for life, want := range map[time.Duration]string{
		5 * time.Minute:  "Corp code: 135792. Do not share it. Good for 5 minutes.",
		61 * time.Second: "Corp code: 135792. Do not share it. Good for 1 minute.",
	} {
		if got, err := x.code("en", "135792", life); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, language := range []string{"ar", "ur"} {
		text, err := x.code(language, "135792", 5*time.Minute)
		if n, unicode := units(text); err != nil || !unicode || n > partUnits {
			t.Errorf("%s: %q: %d, %v", language, text, n, err)
		}
	}
}

func TestAutofillLineIsAddedWhereItFits(t *testing.T) {
	x := textsOf(t, Config{AutofillDomain: "login.corp.example"})
	english, err := x.code("en", "135792", 5*time.Minute)
	if err != nil || !strings.HasSuffix(english, "\n@login.corp.example #135792") || fitsOnePart(english) != nil {
		t.Errorf("%q, %v", english, err)
	}
	urdu, err := x.code("ur", "135792", 5*time.Minute)
	if err != nil || strings.Contains(urdu, "@") || fitsOnePart(urdu) != nil {
		t.Errorf("%q, %v", urdu, err)
	}
}

func TestUnknownNoticeIsAnError(t *testing.T) {
	for _, kind := range []login.NoticeKind{"", "code", "other"} {
		if text, err := textsOf(t, Config{}).notice(login.Notice{Kind: kind}); err == nil {
			t.Errorf("%s: %q", kind, text)
		}
	}
}

func TestSiteReplacesTextsAndAddsLanguages(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"code.en.txt": "Your {{.Brand}} code is {{.Code}}\n", "code.de.txt": "{{.Brand}}-Code: {{.Code}}", ".code.en.txt.swp": "not a text",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := textsOf(t, Config{Templates: folder, Brand: "Corp"})
	for language, want := range map[string]string{"en": "Your Corp code is 135792", "de-AT": "Corp-Code: 135792", "fr": "Your Corp code is 135792"} {
		if got, err := x.code(language, "135792", time.Minute); err != nil || got != want {
			t.Errorf("%s: %q, %v", language, got, err)
		}
	}
}

func TestAFolderThatIsGoneIsNamed(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "none")
	if _, err := newTexts(Config{Templates: gone}.withDefaults()); err == nil || err.Error() != "templates: "+gone+": no such file or directory" {
		t.Error(err)
	}
}

func TestBadTextsAreRefusedAtTheStart(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"too long":          {"code.en.txt", "{{.Code}}" + strings.Repeat("a", 155), "takes 161 of the 160"},
		"too long, Arabic":  {"code.ar.txt", "{{.Code}}" + strings.Repeat("م", 65), "takes 71 of the 70"},
		"too long by brand": {"registered.en.txt", "{{.Brand}}" + strings.Repeat("a", 152), "takes 161 of the 160"},
		"one branch long":   {"removed.en.txt", "{{if .By}}" + strings.Repeat("a", 161) + "{{end}}b", "takes 162 of the 160"},
		"no code":           {"code.en.txt", "hello", "does not always hold {{.Code}}"},
		"code at times":     {"code.en.txt", "{{if .Many}}{{.Code}}{{else}}none{{end}}", "does not always hold {{.Code}}"},
		"unknown variable":  {"code.en.txt", "{{.Code}} {{.User}}", "{{.User}} is not known here"},
		"a function":        {"code.en.txt", `{{printf "%s" .Code}}`, `function "printf" not defined`},
		"a built-in":        {"code.en.txt", `{{.Code}}{{len .Brand}}`, `function "len" not defined`},
		"a loop":            {"code.en.txt", "{{range .Code}}x{{end}}", "only"},
		"a chain":           {"code.en.txt", "{{.Code.Reveal}}", "only"},
		"a variable":        {"code.en.txt", "{{$x := .Code}}{{$x}}", "only"},
		"another template":  {"code.en.txt", `{{define "x"}}{{end}}{{.Code}}`, "only"},
		"control character": {"code.en.txt", "{{.Code}}\x1b[31m", "control characters"},
		"not UTF-8":         {"code.en.txt", "{{.Code}}\xff", "control characters"},
		"empty":             {"removed.en.txt", "\n", "is empty"},
		"huge":              {"removed.en.txt", strings.Repeat("a", 5000), "larger than 4096 octets"},
		"another file":      {"README", "how to", "is not named"},
		"misspelt kind":     {"cod.en.txt", "{{.Code}}", "is not named"},
		"no language":       {"code.txt", "{{.Code}}", "is not named"},
		"region":            {"code.en-US.txt", "{{.Code}}", "is not named"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := newTexts(Config{Templates: folder}.withDefaults())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
	for name, c := range map[string]Config{
		"language without texts": {Language: "fr"},
	} {
		if _, err := newTexts(c.withDefaults()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestABrandThatIsTooLongIsOneFault(t *testing.T) {
	faultOf := func(brand string) string {
		_, err := newTexts(Config{Brand: brand}.withDefaults())
		if err == nil {
			return ""
		}
		return err.Error()
	}
	longest := strings.Repeat("C", 17)
	if fault := faultOf(longest); fault != "" {
		t.Error(fault)
	}
	for brand, want := range map[string]string{
		longest + "C":              `brand: too long for 1 of the texts, each of which is to fit one SMS: at most 17 characters, or put shorter texts into the folder that templates names: \S+\.txt`,
		strings.Repeat("Corp", 20): `brand: too long for \d\d of the texts, each of which is to fit one SMS: at most 17 characters, or put shorter texts into the folder that templates names: [^\n]+`,
		"Corp \u2014 Login":        `brand: a character is not in the GSM alphabet, so \d of the texts are too long for one SMS; choose another, or put shorter texts into the folder that templates names: bypass\.en\.txt, [^\n]+`,
	} {
		if fault := faultOf(brand); !regexp.MustCompile("^" + want + "$").MatchString(fault) {
			t.Errorf("%s: %s", brand, fault)
		}
	}
}
