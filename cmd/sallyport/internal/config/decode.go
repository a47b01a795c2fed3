package config

import (
	"encoding"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// decoder fills a struct from a tree. It goes on after a fault, where the decoder of the TOML
// library stops at the first value of the wrong type.
//
// The rules: a field's key is its toml tag, and a field without one is no setting; durations are
// texts ("90s"); a single value stands for an array of one.
type decoder struct {
	faults   Faults
	warnings Faults
	// spared are the secrets that could not be looked at, and need not be here.
	spared Faults
	// literals are the files in which a secret itself stands.
	literals []string
	// opened are the files that secrets were read from.
	opened []opened
	// places remembers where each key stood, for the checks that come later.
	places map[string]place
	files  files
}

func (d *decoder) fault(n *node, path, format string, args ...any) {
	d.faults = append(d.faults, n.at.fault(path, format, args...))
}

// value decodes n into v.
func (d *decoder) value(path string, n *node, v reflect.Value) {
	d.places[path] = n.at
	if _, ok := v.Interface().(time.Duration); ok {
		d.duration(path, n, v)
		return
	}
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		d.moment(path, n, t)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(path, n, u)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(path, n, v.Elem())
	case reflect.Struct:
		d.table(path, n, v)
	case reflect.Map:
		d.tables(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.scalar(path, n, v)
	}
}

// table decodes a table into a struct.
func (d *decoder) table(path string, n *node, v reflect.Value) {
	table, ok := n.value.(map[string]*node)
	if !ok {
		d.fault(n, path, "must be a table, not %s", kindOf(n.value))
		return
	}
	if s, ok := v.Addr().Interface().(interface{ setDefaults() }); ok {
		s.setDefaults()
	}
	fields := fieldsOf(v.Type())
	for _, key := range slices.Sorted(maps.Keys(table)) {
		i, known := fields[key]
		if !known {
			d.fault(table[key], join(path, key), "%s", unknown(path, key, slices.Sorted(maps.Keys(fields))))
			continue
		}
		d.value(join(path, key), table[key], v.FieldByIndex(i))
	}
	d.paths(v, fields)
	d.secrets(path, n, v, fields)
}

// paths lets relative paths begin at the configuration's folder, wherever the program was started.
func (d *decoder) paths(v reflect.Value, fields map[string][]int) {
	for key, i := range fields {
		isPath := strings.HasSuffix(key, "_file") || slices.Contains([]string{"data_dir", "socket", "templates", "dictionaries"}, key)
		switch field := v.FieldByIndex(i); {
		case !isPath:
		case field.Kind() == reflect.String:
			d.path(field)
		case field.Kind() == reflect.Slice:
			for j := range field.Len() {
				d.path(field.Index(j))
			}
		}
	}
}

func (d *decoder) path(v reflect.Value) {
	if file := v.String(); file != "" && !filepath.IsAbs(file) {
		v.SetString(filepath.Join(d.files.folder, file))
	}
}

// tables decodes a table of tables by name, such as [directory.NAME].
func (d *decoder) tables(path string, n *node, v reflect.Value) {
	table, ok := n.value.(map[string]*node)
	if !ok {
		d.fault(n, path, "must be a table, not %s", kindOf(n.value))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		entry := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, name), table[name], entry)
		v.SetMapIndex(reflect.ValueOf(name), entry)
	}
}

func (d *decoder) list(path string, n *node, v reflect.Value) {
	items, ok := n.value.([]*node)
	if !ok {
		items = []*node{n}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		name := path
		if ok {
			name = element(path, i)
		}
		d.value(name, item, list.Index(i))
	}
	v.Set(list)
}

func (d *decoder) duration(path string, n *node, v reflect.Value) {
	text, _ := n.value.(string)
	length, err := time.ParseDuration(text)
	switch {
	case err != nil:
		d.fault(n, path, `must be a duration in quotes, such as "90s" or "2m30s"`)
	case length < 0:
		d.fault(n, path, "must not be negative")
	default:
		v.SetInt(int64(length))
	}
}

// moment decodes a time. A date is the end of that day: what holds until Friday holds on Friday. It is
// that of UTC, so that all nodes read the same.
func (d *decoder) moment(path string, n *node, t *time.Time) {
	switch value := n.value.(type) {
	case time.Time:
		*t = value
	case toml.LocalDate:
		*t = value.AsTime(time.UTC).AddDate(0, 0, 1)
	default:
		d.fault(n, path, "must be a date, such as 2027-01-31, or a time with its zone, such as 2027-01-31T18:00:00Z")
	}
}

func (d *decoder) text(path string, n *node, u encoding.TextUnmarshaler) {
	text, ok := n.value.(string)
	if !ok {
		d.fault(n, path, "must be a text in quotes, not %s", kindOf(n.value))
		return
	}
	if err := u.UnmarshalText([]byte(text)); err != nil {
		d.fault(n, path, "%v", err)
	}
}

func (d *decoder) scalar(path string, n *node, v reflect.Value) {
	switch value := n.value.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(value)
			return
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(value)
			return
		}
	case int64:
		if v.CanInt() && !v.OverflowInt(value) {
			v.SetInt(value)
			return
		}
		if v.CanUint() && value >= 0 && !v.OverflowUint(uint64(value)) {
			v.SetUint(uint64(value))
			return
		}
	}
	d.fault(n, path, "must be %s, not %s", wanted(v.Kind()), kindOf(n.value))
}

// fieldsOf returns the index of each field that is a setting, by key. The settings of an embedded
// struct are those of the struct around it.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("toml"); key != "" && key != "-" {
			fields[key] = f.Index
		}
	}
	return fields
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a text in quotes"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number that fits"
}

// kindOf names what was found, without showing it.
func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64:
		return "this number"
	case float64:
		return "a fraction"
	case []*node:
		return "an array"
	case map[string]*node:
		return "a table"
	}
	return "a date or time"
}
