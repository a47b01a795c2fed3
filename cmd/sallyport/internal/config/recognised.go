package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"
)

// Recognised returns a short text by which nodes see whether they have the same policies, factors and
// limits. Secrets, and the names of files, have no part in it.
func (c *Config) Recognised() string {
	tree, ok := c.tree().(map[string]any)
	if !ok {
		return ""
	}
	maps.DeleteFunc(tree, func(table string, _ any) bool {
		return table != "policy" && table != "factors" && table != "login"
	})
	withoutFiles(tree)
	text, err := json.Marshal(tree) // sorts its keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func withoutFiles(tree map[string]any) {
	for key, value := range tree {
		if value == mask || strings.HasSuffix(key, "_file") {
			delete(tree, key)
		}
		if table, ok := value.(map[string]any); ok {
			withoutFiles(table)
		}
	}
}
