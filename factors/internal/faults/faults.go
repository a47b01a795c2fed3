// Package faults names the keys that faults of a configuration are about.
package faults

import "fmt"

// Keyed takes joined errors apart and puts a key and a colon in front of each; nil has none.
func Keyed(key string, err error) (list []error) {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			list = append(list, Keyed(key, e)...)
		}
		return list
	}
	return []error{fmt.Errorf("%s: %w", key, err)}
}
