package config

import (
	"regexp"
	"slices"

	"sallyport/cmd/sallyport/internal/near"
)

// unknown says what may have been meant by a key that does not exist.
func unknown(path, key string, known []string) string {
	if slices.Contains(later(), withoutNames(join(path, key))) {
		return "unknown key: not in this version of Sallyport"
	}
	if meant, ok := near.Word(key, known); ok {
		return `unknown key (did you mean "` + meant + `"?)`
	}
	return "unknown key"
}

// withoutNames turns a path into the form of [later]: no indexes, and * for a name of the
// administrator's.
func withoutNames(path string) string {
	path = regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "")
	return regexp.MustCompile(`^(policy|directory)\.[^.]+\.`).ReplaceAllString(path, "$1.*.")
}

// later lists the settings that are documented, but belong to later versions.
func later() []string {
	return []string{
		"portal",
		"client.timeout", "client.retries",
		"policy.*.radius_registration",
	}
}
