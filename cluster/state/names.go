package state

import (
	"slices"
	"strings"
)

// maxNames bounds the names of which one copy is shared: clients and factors, a handful.
const maxNames = 4096

// names are the clients and factors that were seen, in order. What is decoded shares these copies,
// which saves an allocation for each. A published names never changes.
type names []string

// find returns the shared copy of a name.
func (n names) find(name []byte) (string, bool) {
	i, ok := slices.BinarySearchFunc(n, name, compareOctets)
	if !ok {
		return "", false
	}
	return n[i], true
}

// compareOctets does without the copy that a conversion makes outside a comparison.
func compareOctets(s string, b []byte) int {
	switch {
	case s < string(b):
		return -1
	case s == string(b):
		return 0
	}
	return 1
}

// with returns names with one more, where it is new and there is room.
func (n names) with(name string) names {
	i, ok := slices.BinarySearch(n, name)
	if ok || len(n) >= maxNames {
		return n
	}
	return slices.Insert(slices.Clone(n), i, strings.Clone(name))
}
