package config

import (
	"fmt"
	"strconv"
	"strings"
)

// A path names a key as people read it: client[0].secret. It is kept as text, since it serves as
// the key of maps and in messages.

// join appends a key to a path. A key that TOML would need quotes for gets them.
func join(path, key string) string {
	if !bare(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// element appends an index to a path, counted from 0.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// parent drops the last key or index of a path.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// quote returns a text as %q writes it, without the quotes.
func quote(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// bare reports whether key is a bare key of TOML.
func bare(key string) bool {
	for _, r := range key {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return key != ""
}
