package ldap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// textTemplate is a text with {placeholders}. It is immutable.
type textTemplate struct {
	parts []templatePart
}

// templatePart is a literal text, followed by a placeholder unless name is empty.
type templatePart struct {
	literal, name string
}

// parseTemplate splits text at its placeholders and refuses those that are not allowed.
func parseTemplate(text string, allowed ...string) (textTemplate, error) {
	var t textTemplate
	for {
		literal, rest, open := strings.Cut(text, "{")
		if strings.Contains(literal, "}") {
			return textTemplate{}, fmt.Errorf("a brace is closed that was not opened in %q", text)
		}
		if !open {
			t.parts = append(t.parts, templatePart{literal: literal})
			return t, nil
		}
		name, rest, closed := strings.Cut(rest, "}")
		if !closed || !slices.Contains(allowed, name) {
			return textTemplate{}, fmt.Errorf("unknown placeholder {%s}; known are {%s}", name, strings.Join(allowed, "}, {"))
		}
		t.parts = append(t.parts, templatePart{literal: literal, name: name})
		text = rest
	}
}

// names returns the placeholders.
func (t textTemplate) names() []string {
	var found []string
	for _, p := range t.parts {
		if p.name != "" {
			found = append(found, p.name)
		}
	}
	return found
}

// expand returns the text with value(name), which must be escaped already, for each placeholder.
func (t textTemplate) expand(value func(name string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.name != "" {
			b.WriteString(value(p.name))
		}
	}
	return b.String()
}

// filter returns the text as a search filter, with the values escaped (RFC 4515 §3).
func (t textTemplate) filter(value func(name string) string) string {
	return t.expand(func(name string) string { return ldap.EscapeFilter(value(name)) })
}

// anyone returns the text as a search filter that leaves out who: each value may be anything.
func (t textTemplate) anyone() string {
	return t.expand(func(string) string { return "*" })
}
