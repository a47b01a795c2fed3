package sms

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// errLiteral refuses a secret in a template.
var errLiteral = errors.New("holds a secret that check-config would show: set password_file, and write {{.Password}} or {{.Basic}} here")

// checkLiterals refuses a template with a secret written out: a value without a variable under a name
// that is that of a secret. The error does not show the value.
func checkLiterals(text string, p place) error {
	for _, pair := range namedValues(p).FindAllStringSubmatch(inEitherCase(text), -1) {
		name, value := pair[1], strings.TrimSpace(strings.Join(pair[2:], ""))
		if secretLiteral(name, value) {
			return fmt.Errorf("%q %w", name, errLiteral)
		}
	}
	return nil
}

// inEitherCase returns a template with what stands in either case of its conditions.
func inEitherCase(text string) string {
	return regexp.MustCompile(`{{-?\s*(if|else|end)\b[^}]*}}`).ReplaceAllString(text, "")
}

// namedValues finds names (the first group) and their values (the others, all but one of them empty).
func namedValues(p place) *regexp.Regexp {
	switch p {
	case inJSON:
		return regexp.MustCompile(`"([^"\\]*)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([-+.\w]+))`)
	case inXML:
		return regexp.MustCompile(`<?([\w.:-]+)(?:[^<>=]*>([^<>]+)<|\s*=\s*(?:"([^"]*)"|'([^']*)'))`)
	case inText:
		return regexp.MustCompile(`([\w.-]+)[ \t]*[:=][ \t]*(\S+)`)
	}
	return regexp.MustCompile(`([\w.%-]+)=([^&;/]*)`)
}

// secretLiteral reports whether a value looks like a secret under its name. Values of names that are
// often those of a mode ("auth=basic", "identifierKey":"phonenumber") must look like one themselves.
func secretLiteral(name, value string) bool {
	if value == "" || strings.Contains(value, "{{") {
		return false
	}
	words := wordsOf(name)
	for _, word := range words {
		if slices.Contains([]string{"pass", "authorization", "credential", "credentials"}, word) {
			return true
		}
		for _, end := range []string{"password", "passwd", "pwd", "passphrase", "secret", "token", "apikey"} {
			if strings.HasSuffix(word, end) {
				return true
			}
		}
	}
	unclear := slices.Contains(words, "key") || slices.Contains(words, "auth")
	return unclear && strings.ContainsFunc(value, func(r rune) bool { return unicode.IsDigit(r) || unicode.IsUpper(r) })
}

// wordsOf takes a name apart: "X-Api-Key", "api_key" and "apiKey" have the words api and key.
func wordsOf(name string) []string {
	apart := regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "$1 $2")
	return strings.FieldsFunc(strings.ToLower(apart), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
