package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sallyport/login"
)

// secretFileKeys returns every key that names a file with a secret, found by the types: a new one is tried too.
func secretFileKeys() (keys []string) {
	var c Config
	textSettings(reflect.ValueOf(&c).Elem(), "", "", func(path, how string, _ reflect.Value) {
		file := path + "_file"
		textSettings(reflect.ValueOf(&c).Elem(), "", "", func(other, _ string, _ reflect.Value) {
			if how == "secret" && other == file {
				keys = append(keys, file)
			}
		})
	})
	return keys
}

// TestR9EverySecretFile tries the forms of a file at every key that names one, as a file and as a credential.
func TestR9EverySecretFile(t *testing.T) {
	keys := secretFileKeys()
	if len(keys) < 6 {
		t.Fatalf("only %q were found", keys)
	}
	const shared = "x4Fh2kP0qLw8ZrT6vB1nM9cD"
	const master = "sallyport-master-key-1:Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ="
	le := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	forms := map[string]struct {
		form           func(string) string
		warning, fault string
	}{
		"a line":            {func(s string) string { return s + "\n" }, "", ""},
		"a line of Windows": {func(s string) string { return s + "\r\n" }, "", ""},
		"a byte order mark": {func(s string) string { return "\xef\xbb\xbf" + s }, "", ""},
		"a trailing blank":  {func(s string) string { return s + " \n" }, "ends with the byte 20 (blank)", ""},
		"a trailing tab":    {func(s string) string { return s + "\t" }, "ends with the byte 09 (tab)", ""},
		"a leading blank":   {func(s string) string { return " " + s }, "begins with the byte 20 (blank)", ""},
		"UTF-16":            {func(s string) string { return "\xff\xfe" + le(s) }, "", "is UTF-16"},
		"UTF-16, unmarked":  {le, "", "is UTF-16"},
		"several lines":     {func(s string) string { return s + "\n" + s + "\n" }, "", "has several lines"},
		"a NUL":             {func(s string) string { return s + "\x00" }, "", "holds a NUL byte"},
		"empty":             {func(string) string { return "" }, "", "is empty"},
		"blanks alone":      {func(string) string { return " \t\n" }, "", "nothing but blanks"},
	}
	for _, key := range keys {
		secret := shared
		if key == "node.master_key_file" {
			secret = master
		}
		for name, form := range forms {
			for _, way := range []string{"file", "credential of the file's name", "cred:"} {
				dir := t.TempDir()
				file, credentials, value := filepath.Join(dir, "the-secret"), "", filepath.Join(dir, "the-secret")
				said := file
				setting := key
				if way != "file" {
					credentials = filepath.Join(dir, "cred")
					said = filepath.Join(credentials, "the-secret")
				}
				if way == "cred:" {
					setting, value = strings.TrimSuffix(key, "_file"), "cred:the-secret"
				}
				text, ok := planted(setting, value)
				if !ok {
					t.Fatalf("no place for %s", key)
				}
				text = withoutLine(text, setting, strings.TrimSuffix(key, "_file"))
				if err := errors.Join(os.MkdirAll(filepath.Dir(said), 0o700), os.WriteFile(said, []byte(form.form(secret)), 0o600), os.WriteFile(filepath.Join(dir, "sallyport.toml"), []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
				c, err := Load(filepath.Join(dir, "sallyport.toml"), credentials)
				where := key + ", " + name + ", as " + way
				fault := form.fault
				if key == "factors.email.password_file" && name == "a trailing tab" {
					fault = "holds a control character" // no mechanism of SASL could send it
				}
				switch {
				case (err != nil) != (fault != "") || !strings.Contains(errorText(err), fault):
					t.Errorf("%s: %v, want %q", where, err, fault)
					continue
				case err != nil && strings.Contains(err.Error(), secret):
					t.Errorf("%s: the secret is said: %v", where, err)
				}
				if err != nil {
					continue
				}
				var got []string
				for _, w := range c.Warnings {
					if strings.Contains(w.Message, "part of the secret") {
						got = append(got, w.String())
					}
				}
				warned := strings.Join(got, "\n")
				if (warned == "") != (form.warning == "") || !strings.Contains(warned, form.warning) || form.warning != "" && !strings.Contains(warned, lastKey(setting)) {
					t.Errorf("%s: warned of %q, want %q", where, warned, form.warning)
				}
				held := login.Secret(strings.TrimRight(strings.TrimPrefix(form.form(secret), "\xef\xbb\xbf"), "\r\n"))
				found := false
				for _, s := range c.texts() {
					found = found || s.secret && s.text == held.Reveal()
				}
				if !found {
					t.Errorf("%s: the secret is not what the file holds", where)
				}
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// lastKey is the last key of a setting's path.
func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// withoutLine takes the literal secret out of a table that names a file of it.
func withoutLine(text, setting, literal string) string {
	if setting == literal {
		return text
	}
	name := lastKey(setting)
	before, after, _ := strings.Cut(text, "\n"+name+" = ")
	table, rest, follows := strings.Cut(after, "\n[")
	var lines []string
	for _, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, lastKey(literal)+" = ") {
			lines = append(lines, line)
		}
	}
	return before + "\n" + name + " = " + strings.Join(lines, "\n") + strings.Repeat("\n[", btoi(follows)) + rest
}

// A configuration that was saved by an editor of Windows.
func TestR9TheConfigurationItself(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sallyport.toml")
	for content, want := range map[string]string{
		"\xef\xbb\xbf" + strings.ReplaceAll(whole, "\n", "\r\n"): "",
		"\xff\xfe[\x00n\x00o\x00":                                file + " is UTF-16, not UTF-8",
		whole + "\x00":                                           file + " holds a NUL byte",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, ""); (err != nil) != (want != "") || !strings.Contains(errorText(err), want) {
			t.Errorf("%.12q: %v, want %q", content, err, want)
		}
	}
}
