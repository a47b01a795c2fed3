package config

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const docs = "../../../../docs"

// documented is a row of a table of docs/configuration.md: one key, and the default that stands there.
type documented struct{ section, key, preset string }

// page reads the rows of docs/configuration.md. Their section is the last heading of the form ## `[x]`.
func page(t *testing.T) []documented {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile("^## `(.+)`$")
	quoted := regexp.MustCompile("`([^`]*)`")
	var rows []documented
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if h := heading.FindStringSubmatch(line); h != nil {
			section = h[1]
		}
		cells := strings.Split(line, "|") // the first is what stands before the row
		if section == "" || len(cells) < 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		keys, preset := quoted.FindAllStringSubmatch(cells[1], -1), quoted.FindStringSubmatch(cells[2])
		for _, key := range keys {
			row := documented{section: section, key: key[1]}
			// Of a secret and its file only the file has a default.
			if preset != nil && (len(keys) == 1 || strings.HasSuffix(row.key, "_file")) {
				row.preset = preset[1]
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// settings adds every key that a configuration of type v knows, by the header of its table.
func settings(v reflect.Type, header string, known map[string]bool) {
	inside := strings.Trim(header, "[]")
	for key, index := range fieldsOf(v) {
		field := v.FieldByIndex(index).Type
		path := join(inside, key)
		switch {
		case isRate(field):
			known[header+" "+key] = true
		case field.Kind() == reflect.Struct && field != reflect.TypeFor[time.Time]():
			settings(field, "["+path+"]", known)
		case field.Kind() == reflect.Pointer && field.Elem().Kind() == reflect.Struct:
			settings(field.Elem(), "["+path+"]", known)
		case field.Kind() == reflect.Map && field.Elem().Kind() == reflect.Struct:
			settings(field.Elem(), "["+path+".NAME]", known)
		case field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct:
			known[header+" "+key] = header != "" // at the top the table itself says it
			settings(field.Elem(), "[["+path+"]]", known)
		default:
			known[header+" "+key] = true
		}
	}
	maps.DeleteFunc(known, func(_ string, wanted bool) bool { return !wanted })
}

// isRate is true of a bound that is written in one line: {hour = 5, day = 10}.
func isRate(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	keys := slices.Sorted(maps.Keys(fieldsOf(t)))
	return slices.Equal(keys, []string{"day", "hour"})
}

func TestEverySettingIsDocumented(t *testing.T) {
	known, found := map[string]bool{}, map[string]bool{}
	settings(reflect.TypeFor[Config](), "", known)
	for _, row := range page(t) {
		found[row.section+" "+row.key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if !found[key] {
			t.Errorf("docs/configuration.md does not explain %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if !known[key] {
			t.Errorf("docs/configuration.md explains %s, which does not exist", key)
		}
	}
}

// The defaults on the page, read as a configuration over nothing, are the defaults.
func TestDocumentedDefaults(t *testing.T) {
	mine := []string{"[node]", "[cluster]", "[radius]", "[[client]]", "[login]", "[status]", "[admin]", "[log]", "[audit]"}
	var text strings.Builder
	section := ""
	for _, row := range page(t) {
		if row.preset == "" || !slices.Contains(mine, row.section) {
			continue
		}
		if row.section != section {
			section = row.section
			text.WriteString(section + "\n")
		}
		text.WriteString(row.key + " = " + row.preset + "\n")
	}
	tree, fault := parse("configuration.md", []byte(text.String()))
	if fault != nil {
		t.Fatalf("%v in\n%s", fault, text.String())
	}
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "master.key"), []byte("a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got Config
	d := decoder{places: map[string]place{}, files: files{credentials: credentials}}
	d.value("", tree, reflect.ValueOf(&got).Elem())
	if len(d.faults) > 0 {
		t.Fatalf("%v in\n%s", d.faults, text.String())
	}
	got.Node.MasterKey = ""
	want := Default()
	want.Clients = make([]Client, 1)
	want.Clients[0].setDefaults()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the page says\n%+v, the defaults are\n%+v", got, want)
	}
}

// Each piece of configuration that a page shows can be read: its keys exist.
func TestDocumentedConfigurationIsRead(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	pieces := 0
	for _, file := range pages {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```toml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			pieces++
			tree, fault := parse(filepath.Base(file), []byte(block))
			if fault != nil {
				t.Errorf("%v in\n%s", fault, block)
				continue
			}
			var cfg Config
			d := decoder{places: map[string]place{}}
			d.value("", tree, reflect.ValueOf(&cfg).Elem())
			for _, f := range d.faults {
				if !strings.Contains(f.Key, "_file") { // the files are the reader's
					t.Errorf("%v in\n%s", f, block)
				}
			}
		}
	}
	if pieces == 0 {
		t.Error("no page shows a configuration")
	}
}
