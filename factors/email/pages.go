package email

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	texttemplate "text/template"

	"golang.org/x/text/language"

	"sallyport/factors/internal/faults"
	"sallyport/factors/internal/files"
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
	all := map[string]files.File{}
	if err := addFiles(all, inside, "built-in"); err != nil {
		return nil, err
	}
	if folder != "" {
		if err := addFiles(all, os.DirFS(folder), folder); err != nil {
			return nil, errors.Join(faults.Keyed("templates", err)...)
		}
	}
	p := &pages{byLanguage: map[string]*translation{}}
	for _, tag := range languagesOf(all) {
		if p.byLanguage[tag], err = parseTranslation(all, tag); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
	}
	if p.fallback = p.byLanguage[strings.ToLower(fallback)]; p.fallback == nil {
		return nil, fmt.Errorf("language: there are no templates in %q, only in %s", fallback,
			strings.Join(slices.Sorted(maps.Keys(p.byLanguage)), ", "))
	}
	return p, nil
}

// addFiles adds the templates of a folder to all, by name in lower case.
func addFiles(all map[string]files.File, folder fs.FS, place string) error {
	list, err := files.Folder(folder, place, maxTemplate, checkName)
	for _, f := range list {
		all[strings.ToLower(f.Name)] = f
	}
	return err
}

// checkName says what files are to be called: a misspelt name would leave the built-in template in use.
func checkName(name string) error {
	if isTemplate(name) {
		return nil
	}
	return fmt.Errorf("is no template's name: they are PAGE.LANGUAGE.PART, such as code.en.txt, with PAGE of %s and PART of %s",
		strings.Join(pageNames, ", "), strings.Join(partNames, ", "))
}

func isTemplate(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) != 3 || !slices.Contains(pageNames, parts[0]) || !slices.Contains(partNames, parts[2]) {
		return false
	}
	_, err := language.Parse(parts[1])
	return err == nil
}

func languagesOf(all map[string]files.File) []string {
	tags := map[string]bool{}
	for name := range all {
		tags[strings.Split(name, ".")[1]] = true
	}
	return slices.Sorted(maps.Keys(tags))
}

func parseTranslation(all map[string]files.File, tag string) (*translation, error) {
	var t translation
	for i, to := range []*page{&t.code, &t.notice} {
		if err := to.parse(all, pageNames[i]+"."+tag); err != nil {
			return nil, err
		}
	}
	return &t, t.try()
}

// parse reads the three files of a page.
func (p *page) parse(all map[string]files.File, prefix string) error {
	var got [3]files.File
	for i, part := range partNames {
		f, ok := all[prefix+"."+part]
		if !ok {
			return fmt.Errorf("%s.%s is missing: a language has all of its files", prefix, part)
		}
		got[i] = f
	}
	var errs [3]error
	p.subject, errs[0] = texttemplate.New(got[0].Place).Parse(got[0].Text)
	p.text, errs[1] = texttemplate.New(got[1].Place).Parse(got[1].Text)
	p.html, errs[2] = htmltemplate.New(got[2].Place).Parse(got[2].Text)
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
