package config

import (
	"maps"
	"slices"
)

// merge adds the tree of a later file to that of the earlier ones: tables merge, arrays append, and
// a scalar given twice is a fault, since the order of files is nothing to rely on.
func merge(path string, into, from *node) Faults {
	switch have := into.value.(type) {
	case map[string]*node:
		if more, ok := from.value.(map[string]*node); ok {
			return mergeTables(path, have, more)
		}
	case []*node:
		if more, ok := from.value.([]*node); ok {
			into.value = append(have, more...)
			return nil
		}
	}
	return Faults{from.at.fault(path, "given already at %s: remove one of the two", into.at)}
}

func mergeTables(path string, into, from map[string]*node) Faults {
	var faults Faults
	for _, key := range slices.Sorted(maps.Keys(from)) {
		if have, ok := into[key]; ok {
			faults = append(faults, merge(join(path, key), have, from[key])...)
			continue
		}
		into[key] = from[key]
	}
	return faults
}
