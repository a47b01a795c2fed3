package sms

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/factors/internal/faults"
	"sallyport/factors/internal/files"
	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// builtin are the texts that the program brings along, texts/KIND.LANGUAGE.txt.
//
//go:embed texts/*.txt
var builtin embed.FS

// kindCode is the text with a code; the other kinds are those of [login.NoticeKind].
const kindCode = "code"

// What is bounded: the size of a text's file in octets, and the minutes that a text may name.
const (
	maxTextFile = 4 << 10
	maxMinutes  = 99
)

func kinds() []string {
	return []string{kindCode, string(login.NoticeRegistered), string(login.NoticeReplaced), string(login.NoticeRemoved),
		string(login.NoticeBypass), string(login.NoticeRecovery), string(login.NoticeRecoveryUsed)}
}

// texts are all messages in all languages. They are not changed after newTexts.
type texts struct {
	brand, fallback, domain string
	byName                  map[string]template // "code.en"
}

// newTexts reads the texts and makes sure that each fits one SMS part with the longest values.
func newTexts(c Config) (*texts, error) {
	t := &texts{brand: c.Brand, fallback: c.Language, domain: c.AutofillDomain, byName: make(map[string]template)}
	own, err := fs.Sub(builtin, "texts")
	if err != nil {
		return nil, err
	}
	if err := t.read(own, "built-in"); err != nil {
		return nil, err
	}
	if c.Templates != "" {
		if err := t.read(os.DirFS(c.Templates), c.Templates); err != nil {
			return nil, errors.Join(faults.Keyed("templates", err)...)
		}
	}
	// After all are read, so that a site can replace those that its brand is too long for.
	if err := t.check(c.Digits); err != nil {
		return nil, err
	}
	for _, kind := range kinds() {
		if _, ok := t.byName[kind+"."+c.Language]; !ok {
			return nil, fmt.Errorf("language: there is no text %s.%s.txt; put one into the folder that templates names", kind, c.Language)
		}
	}
	return t, nil
}

// read adds the texts of a folder. Every fault is reported.
func (t *texts) read(folder fs.FS, place string) error {
	list, err := files.Folder(folder, place, maxTextFile, checkName)
	wrong := []error{err}
	for _, f := range list {
		if err := t.add(strings.TrimSuffix(f.Name, suffix), f.Text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", f.Place, err))
		}
	}
	return errors.Join(wrong...)
}

// suffix ends the names of texts.
const suffix = ".txt"

// checkName says what files are to be called: a misspelt name would leave the built-in text in use.
func checkName(file string) error {
	name, ok := strings.CutSuffix(file, suffix)
	kind, language, _ := strings.Cut(name, ".")
	if ok && slices.Contains(kinds(), kind) && language != "" && language == base(language) {
		return nil
	}
	return fmt.Errorf("is not named KIND.LANGUAGE.txt; the kinds are %s", strings.Join(kinds(), ", "))
}

func (t *texts) add(name, text string) error {
	variables := []string{"Brand", "By"}
	if strings.HasPrefix(name, kindCode+".") {
		variables = []string{"Brand", "Code", "Minutes", "Many"}
	}
	parsed, err := parseTemplate(text, inText, variables)
	if err != nil {
		return err
	}
	t.byName[name] = parsed
	return nil
}

// code returns the message with a code. More than 99 minutes are told as 99.
func (t *texts) code(language string, code login.Secret, life time.Duration) (string, error) {
	minutes := min(sentcode.Minutes(life), maxMinutes)
	v := values{"Brand": t.brand, "Code": code.Reveal(), "Minutes": strconv.Itoa(minutes)}
	if minutes > 1 {
		v["Many"] = "true"
	}
	text, err := t.named(kindCode, language).render(v)
	if err != nil || t.domain == "" {
		return text, err
	}
	// The last line by which browsers know whose code it is (WICG, "Origin-bound one-time codes").
	if bound := text + "\n@" + t.domain + " #" + code.Reveal(); fitsOnePart(bound) == nil {
		return bound, nil
	}
	return text, nil
}

// notice returns the message of a notice.
func (t *texts) notice(n login.Notice) (string, error) {
	if n.Kind == kindCode || !slices.Contains(kinds(), string(n.Kind)) {
		return "", fmt.Errorf("there is no text for the notice %q", n.Kind)
	}
	return t.named(string(n.Kind), n.Language).render(values{"Brand": t.brand, "By": n.By})
}

// named returns the text of a kind in a language, or else in the site's.
func (t *texts) named(kind, language string) template {
	if found, ok := t.byName[kind+"."+base(language)]; ok {
		return found
	}
	return t.byName[kind+"."+t.fallback]
}

// base is the language of a BCP 47 tag without script and region: "ur" of "ur-PK".
func base(tag string) string {
	language, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	return strings.ToLower(language)
}
