package directory

import (
	"fmt"
	"reflect"

	"sallyport/login"
)

// misplaced returns a fault for each key of a struct that is set although it belongs to tables of
// another type only.
func misplaced(keys any, typ string) []error {
	v := reflect.ValueOf(keys)
	set := map[string]bool{}
	for i := range v.NumField() {
		set[v.Type().Field(i).Tag.Get("toml")] = !v.Field(i).IsZero()
	}
	var faults []error
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		_, secret := v.Field(i).Interface().(login.Secret)
		// A secret that was read from its file stands under both keys.
		if set[key] && !(secret && set[key+"_file"]) {
			faults = append(faults, fmt.Errorf("%s: only for type = %q", key, typ))
		}
	}
	return faults
}
