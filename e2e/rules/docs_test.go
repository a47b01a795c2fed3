package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link's target and, after #, the heading that is meant.
var link = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)

// markdown returns the pages of the tree, by path.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".md"):
			return nil
		}
		text, err := os.ReadFile(path)
		pages[filepath.Clean(path)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// headings returns the anchors of a page: its headings in lower case, without punctuation, hyphens
// for spaces.
func headings(page string) map[string]bool {
	anchors := map[string]bool{}
	odd := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(page) {
		if marks, text, ok := strings.Cut(line, " "); ok && marks != "" && strings.Trim(marks, "#") == "" {
			text = odd.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "")
			anchors[strings.ReplaceAll(text, " ", "-")] = true
		}
	}
	return anchors
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages := markdown(t)
	followed := 0
	for path, page := range pages {
		for _, l := range link.FindAllStringSubmatch(page, -1) {
			target, anchor := l[1], l[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			followed++
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), filepath.FromSlash(target))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, target)
				continue
			}
			if anchor != "" && !headings(pages[file])[anchor] {
				t.Errorf("%s links to %s#%s, and there is no such heading", path, target, anchor)
			}
		}
	}
	if followed == 0 {
		t.Error("no page has a link")
	}
}

// Every page of docs is reached from the README.
func TestEveryPageIsListed(t *testing.T) {
	pages := markdown(t)
	readme := pages[filepath.Clean(filepath.Join(root, "README.md"))]
	for path := range pages {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.Dir(rel) == "docs" &&
			!strings.Contains(readme, "("+filepath.ToSlash(rel)+")") {
			t.Errorf("the README does not list %s", rel)
		}
	}
}
