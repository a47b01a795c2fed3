package email

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	texttemplate "text/template"

	"golang.org/x/text/language"
)

//go:embed templates
var builtin embed.FS

// maxTemplate bounds one file, in octets.
const maxTemplate = 64 << 10

// The names of the files are PAGE.LANGUAGE.PART.
var (
	pageNames = []string{"code", "notice"}
	partNames = []string{"subject", "txt", "html"}
)

// pages are the templates by language, in lower case. They are immutable.
type pages struct {
	byLanguage map[string]*translation
	fallback   *translation
}

// translation is one language.
type translation struct {
	code, notice page
}

// page is the template of one kind of message.
type page struct {
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
}

// loadPages reads the built-in templates and those of a folder, which go first, and tries them all.
func loadPages(folder, fallback string) (*pages, error) {
	inside, err := fs.Sub(builtin, "templates")
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	if err := readFiles(files, inside, "built-in"); err != nil {
		return nil, err
	}
	if folder != "" {
		if err := readFiles(files, os.DirFS(folder), folder); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
	}
	p := &pages{byLanguage: map[string]*translation{}}
	for _, tag := range languagesOf(files) {
		if p.byLanguage[tag], err = parseTranslation(files, tag); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
	}
	if p.fallback = p.byLanguage[strings.ToLower(fallback)]; p.fallback == nil {
		return nil, fmt.Errorf("language: there are no templates in %q, only in %s", fallback,
			strings.Join(slices.Sorted(maps.Keys(p.byLanguage)), ", "))
	}
	return p, nil
}

// file is a template's text and where it stands, for errors.
type file struct {
	place, text string
}

// readFiles adds the templates of a folder to files, by name in lower case. Hidden files are passed
// over: folders that Kubernetes mounts have them.
func readFiles(files map[string]file, folder fs.FS, place string) error {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if !isTemplate(name) {
			return fmt.Errorf("%s is no template's name: they are PAGE.LANGUAGE.PART, such as code.en.txt, with PAGE of %s and PART of %s",
				filepath.Join(place, name), strings.Join(pageNames, ", "), strings.Join(partNames, ", "))
		}
		text, err := readTemplate(folder, name)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(place, name), err)
		}
		files[strings.ToLower(name)] = file{filepath.Join(place, name), text}
	}
	return nil
}

func readTemplate(folder fs.FS, name string) (string, error) {
	f, err := folder.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxTemplate {
		return "", fmt.Errorf("larger than %d octets", maxTemplate)
	}
	return string(text), nil
}

func isTemplate(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) != 3 || !slices.Contains(pageNames, parts[0]) || !slices.Contains(partNames, parts[2]) {
		return false
	}
	_, err := language.Parse(parts[1])
	return err == nil
}

func languagesOf(files map[string]file) []string {
	tags := map[string]bool{}
	for name := range files {
		tags[strings.Split(name, ".")[1]] = true
	}
	return slices.Sorted(maps.Keys(tags))
}

func parseTranslation(files map[string]file, tag string) (*translation, error) {
	var t translation
	for i, to := range []*page{&t.code, &t.notice} {
		if err := to.parse(files, pageNames[i]+"."+tag); err != nil {
			return nil, err
		}
	}
	return &t, t.try()
}

// parse reads the three files of a page.
func (p *page) parse(files map[string]file, prefix string) error {
	var got [3]file
	for i, part := range partNames {
		f, ok := files[prefix+"."+part]
		if !ok {
			return fmt.Errorf("%s.%s is missing: a language has all of its files", prefix, part)
		}
		got[i] = f
	}
	var errs [3]error
	p.subject, errs[0] = texttemplate.New(got[0].place).Parse(got[0].text)
	p.text, errs[1] = texttemplate.New(got[1].place).Parse(got[1].text)
	p.html, errs[2] = htmltemplate.New(got[2].place).Parse(got[2].text)
	return errors.Join(errs[:]...)
}

// pick returns the templates of a language: those of the tag, of the tag without its last subtags
// (RFC 4647 §3.4), or the configured ones.
func (p *pages) pick(tag string) *translation {
	tag = strings.ToLower(tag)
	for tag != "" {
		if t := p.byLanguage[tag]; t != nil {
			return t
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return p.fallback
}
