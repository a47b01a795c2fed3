package config

import (
	"cmp"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sallyport/login"
)

// A setting hides what it holds in one of two ways: by its type, [login.Secret], or by the tag hides of
// its field, for texts in which a secret may stand among other things:
//
//	hides:"url"       user information, path, query and fragment; scheme, host and port are shown
//	hides:"query"     everything but the names of parameters
//	hides:"template"  everything
//
// What stands between {{ and }} is no literal and is shown. A value that is the program's own, a preset's,
// is shown as it is. TestEverySettingIsShownOrHidden knows each setting that does neither.
const hides = "hides"

var action = regexp.MustCompile(`\{\{.*?\}\}`)

// hidden returns a text as it may be shown, and the pieces of it that are masked.
func hidden(how, text string) (shown string, pieces []string) {
	switch how {
	case "url":
		return hiddenURL(text)
	case "query":
		return hiddenQuery(text)
	}
	return hiddenTemplate(text)
}

func hiddenTemplate(text string) (shown string, pieces []string) {
	var b strings.Builder
	literal := func(s string) {
		if s != "" {
			b.WriteString(mask)
			pieces = append(pieces, s)
		}
	}
	last := 0
	for _, at := range action.FindAllStringIndex(text, -1) {
		literal(text[last:at[0]])
		b.WriteString(text[at[0]:at[1]])
		last = at[1]
	}
	literal(text[last:])
	return b.String(), pieces
}

// parameter is a name that may be shown. The rest of it is a value: what ends in = alone may be base64.
var parameter = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.\[\]-]{0,31}=)([^=].*)$`)

func hiddenQuery(text string) (shown string, pieces []string) {
	parts := strings.Split(text, "&")
	for i, part := range parts {
		name := ""
		if m := parameter.FindStringSubmatch(part); m != nil {
			name, part = m[1], m[2]
		}
		value, found := hiddenTemplate(part)
		parts[i], pieces = name+value, append(pieces, found...)
	}
	return strings.Join(parts, "&"), pieces
}

var (
	absolute = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\\]*)([^?#]*)(\?[^#]*)?(#.*)?$`)
	oddPort  = regexp.MustCompile(`:[0-9]*[^0-9\]][^\]]*$`)
	hostPort = regexp.MustCompile(`^[A-Za-z0-9.:\[\]%_-]*$`)
)

func hiddenURL(text string) (shown string, pieces []string) {
	m := absolute.FindStringSubmatch(text)
	if m != nil && (strings.Contains(m[3], "@") || oddPort.MatchString(m[2]) && strings.Contains(m[3]+m[4]+m[5], "@")) {
		_, pieces = hiddenTemplate(text) // a password with a / in it: what is the host cannot be told
		return m[1] + mask, append(pieces, strings.FieldsFunc(text[len(m[1]):], isDelimiter)...)
	}
	if m == nil {
		if hostPort.MatchString(text) {
			return text, nil
		}
		_, pieces = hiddenTemplate(text)
		return mask, append(pieces, strings.FieldsFunc(text, isDelimiter)...)
	}
	add := func(piece string) {
		if piece != "" {
			pieces = append(pieces, piece)
		}
	}
	shown = m[1]
	host := m[2]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, password, _ := strings.Cut(host[:at], ":")
		add(host[:at])
		add(user)
		add(password)
		shown, host = shown+mask+"@", host[at+1:]
	}
	shown += host
	for i, segment := range strings.Split(m[3], "/") {
		if i > 0 {
			shown += "/"
		}
		masked, found := hiddenTemplate(segment)
		shown, pieces = shown+masked, append(pieces, found...)
	}
	if m[4] != "" {
		query, found := hiddenQuery(m[4][1:])
		shown, pieces = shown+"?"+query, append(pieces, found...)
	}
	if m[5] != "" {
		shown += "#" + mask
		add(m[5][1:])
	}
	return shown, pieces
}

func isDelimiter(r rune) bool { return strings.ContainsRune("/?#@:", r) }

// shownHidden is what is shown of a setting with the tag hides; own is what the configuration says of it,
// in contrast to a preset or a default.
func shownHidden(how string, v, own reflect.Value) any {
	if v.IsZero() || own.IsZero() {
		return plain(v)
	}
	text := func(s string) string {
		masked, _ := hidden(how, s)
		return masked
	}
	switch v.Kind() {
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = text(v.Index(i).String())
		}
		return list
	case reflect.Map:
		said := map[string]bool{}
		for it := own.MapRange(); it.Next(); {
			said[http.CanonicalHeaderKey(it.Key().String())] = true
		}
		table := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			name, value := it.Key().String(), it.Value().String()
			if said[http.CanonicalHeaderKey(name)] {
				value = text(value)
			}
			table[name] = value
		}
		return table
	}
	return text(v.String())
}

// piece is a part of a setting that is not to be seen.
type piece struct {
	key, text string
	// whole is set where the setting is nothing but a secret.
	whole bool
}

// hiddenPieces returns what is masked where the configuration is shown.
func (c *Config) hiddenPieces() (all []piece) {
	for path, setting := range c.texts() {
		switch {
		case setting.secret:
			all = append(all, piece{path, setting.text, true})
		case setting.hides != "":
			_, pieces := hidden(setting.hides, setting.text)
			for _, p := range pieces {
				all = append(all, piece{path, p, false})
			}
		}
	}
	for i, client := range c.Clients {
		for j, r := range client.Reply {
			path := element(element("client", i)+".reply", j) + ".attributes"
			for name, values := range r.Attributes {
				for _, value := range values {
					if c.masked(name, value) {
						all = append(all, piece{join(path, name), value, false})
					}
				}
			}
		}
	}
	return all
}

// setting is a text that the configuration gives.
type setting struct {
	text   string
	secret bool
	hides  string
}

// texts yields every text of the configuration with its key, in no order.
func (c *Config) texts() func(yield func(string, setting) bool) {
	return func(yield func(string, setting) bool) { walk("", reflect.ValueOf(*c), "", yield) }
}

func walk(path string, v reflect.Value, how string, yield func(string, setting) bool) bool {
	if s, ok := v.Interface().(login.Secret); ok {
		return s == "" || yield(path, setting{text: s.Reveal(), secret: true})
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || walk(path, v.Elem(), how, yield)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(v.Type()) {
			if key := f.Tag.Get("toml"); key != "" && key != "-" && f.IsExported() {
				if !walk(join(path, key), v.FieldByIndex(f.Index), f.Tag.Get(hides), yield) {
					return false
				}
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if !walk(join(path, it.Key().String()), it.Value(), how, yield) {
				return false
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if !walk(element(path, i), v.Index(i), how, yield) {
				return false
			}
		}
	case reflect.String:
		return v.Len() == 0 || yield(path, setting{text: v.String(), hides: how})
	}
	return true
}

// ordinary is a piece that is rather a word than a secret: it stands in messages for what it means.
var ordinary = regexp.MustCompile(`^([a-z]{0,7}|.{0,3}|v?[0-9.]{1,5}|https?://?)$`)

var token = regexp.MustCompile(`[A-Za-z0-9_+/.~-]{8,}`)

// redactor replaces the pieces in any text, however they are written there.
func redactor(pieces []piece, wholeOnly bool) *strings.Replacer {
	var texts []string
	for _, p := range pieces {
		if p.whole || !wholeOnly {
			texts = append(texts, written(p.text)...)
		}
		if !p.whole && !wholeOnly { // "Bearer SECRET": a part may quote what follows
			texts = append(texts, token.FindAllString(p.text, -1)...)
		}
	}
	texts = slices.DeleteFunc(texts, ordinary.MatchString)
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) // the longest first
	var pairs []string
	for _, text := range slices.Compact(texts) {
		pairs = append(pairs, text, mask)
	}
	return strings.NewReplacer(pairs...)
}

// written returns the forms in which a text may be quoted: trimmed, and with or without the escapes of Go and
// of URLs.
func written(text string) []string {
	forms := []string{text, strings.TrimSpace(text)}
	if s, err := url.PathUnescape(text); err == nil {
		forms = append(forms, s)
	}
	if s, err := url.QueryUnescape(text); err == nil {
		forms = append(forms, s)
	}
	for _, s := range slices.Clone(forms) {
		quoted := quote(s)
		forms = append(forms, quoted, url.PathEscape(s), url.QueryEscape(s), url.User(s).String())
	}
	return forms
}

// Redactor masks in any text what is masked where the configuration is shown.
func (c *Config) Redactor() *strings.Replacer { return redactor(c.hiddenPieces(), false) }

// redact masks it in faults, whatever part has made them.
func (c *Config) redact(faults Faults) {
	if len(faults) == 0 {
		return
	}
	r := c.Redactor()
	for i := range faults {
		faults[i].Message = r.Replace(faults[i].Message)
	}
}
