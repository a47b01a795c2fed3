package config

import (
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"sallyport/login"
)

// WriteTOML writes the settings in effect, defaults included, with secrets masked.
func (c *Config) WriteTOML(w io.Writer) error {
	return toml.NewEncoder(w).SetIndentTables(false).Encode(c.tree())
}

// WriteJSON writes what [Config.WriteTOML] does as JSON.
func (c *Config) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(c.tree())
}

func (c *Config) tree() any {
	shown := *c
	shown.Clients = c.maskedClients()
	v := reflect.ValueOf(shown)
	tree := plainStruct(v, v)
	withoutSecrets(redactor(c.hiddenPieces(), true), tree)
	// These two are set by being empty.
	if c.Status.Listen == "" {
		tree["status"] = map[string]any{"listen": ""}
	}
	if table, ok := tree["radius"].(map[string]any); ok && len(c.Radius.AccountingListen) == 0 {
		table["accounting_listen"] = []string{}
	}
	return tree
}

// withoutSecrets masks a secret wherever it stands once more, such as in a user name that is the password too.
func withoutSecrets(r *strings.Replacer, value any) any {
	switch v := value.(type) {
	case string:
		return r.Replace(v)
	case map[string]any:
		for key := range v {
			if key != "type" && !strings.HasSuffix(key, "_file") { // words of ours, and names of files
				v[key] = withoutSecrets(r, v[key])
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutSecrets(r, v[i])
		}
	}
	return value
}

// mask stands for a secret that is set.
const mask = "*****"

// plain turns a value into what encoders show as people write it: secrets masked, durations as
// text, settings that say nothing left out (nil).
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	}
	switch value := v.Interface().(type) {
	case interface{ Effective() any }: // a part's table
		return plainStruct(reflect.ValueOf(value.Effective()), v)
	case login.Secret:
		if value == "" {
			return nil
		}
		return mask
	case time.Duration:
		return value.String()
	case time.Time:
		if value.IsZero() {
			return nil
		}
		return value
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err != nil {
			return nil
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Struct:
		return plainStruct(v, v)
	case reflect.Map:
		return plainMap(v)
	case reflect.Slice:
		return plainSlice(v)
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
	}
	return v.Interface()
}

// plainStruct turns a table into a map. Own is the table as the configuration has it, where v is what is in
// effect.
func plainStruct(v, own reflect.Value) map[string]any {
	table := map[string]any{}
	fields, owned := fieldsOf(v.Type()), fieldsOf(own.Type())
	for key, i := range fields {
		if f, ok := fields[key+"_file"]; ok && v.FieldByIndex(f).Len() > 0 {
			if v.FieldByIndex(i).Type() == reflect.TypeFor[login.Secret]() {
				continue // the file is named instead of what was read from it
			}
		}
		field := v.FieldByIndex(i)
		value := any(nil)
		if how := v.Type().FieldByIndex(i).Tag.Get(hides); how != "" {
			said := field
			if o, ok := owned[key]; ok {
				said = own.FieldByIndex(o)
			}
			value = shownHidden(how, field, said)
		} else {
			value = plain(field)
		}
		if value != nil {
			table[key] = value
		}
	}
	return table
}

func plainMap(v reflect.Value) any {
	if v.Len() == 0 {
		return nil
	}
	table := map[string]any{}
	for it := v.MapRange(); it.Next(); {
		if value := plain(it.Value()); value != nil {
			table[it.Key().String()] = value
		}
	}
	return table
}

func plainSlice(v reflect.Value) any {
	if v.Len() == 0 {
		return nil
	}
	list := make([]any, 0, v.Len())
	for i := range v.Len() {
		list = append(list, plain(v.Index(i)))
	}
	return list
}
