package login

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPurposesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]Purpose{}
	for i, name := range purposeNames {
		p := Purpose(i)
		if other, taken := seen[name]; taken || (name == "") != (p == 0) {
			t.Errorf("purpose %d has the name %q, and so has %d", p, name, other)
		}
		seen[name] = p
	}
}

// TestEachPurposeHasOneUse counts the places of the program, without its tests, that name a purpose.
func TestEachPurposeHasOneUse(t *testing.T) {
	constant := regexp.MustCompile(`\bPurpose[A-Z]\w*`)
	uses := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "ledgertest" || d.Name() == "e2e" || d.Name() == ".git" || d.Name() == ".cache"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "purpose.go":
			return nil
		}
		text, err := os.ReadFile(path)
		for _, name := range constant.FindAllString(string(text), -1) {
			uses[name] = append(uses[name], path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(uses), len(purposeNames)-1; got != want {
		t.Errorf("%d purposes are used, and there are %d", got, want)
	}
	for name, places := range uses {
		if len(places) != 1 {
			t.Errorf("%s is used in %v: each use needs a purpose of its own", name, places)
		}
	}
}
