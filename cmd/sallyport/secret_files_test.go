package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestR9SecretsOfTheCommandLine: what verbs read from files is read as what the configuration names.
func TestR9SecretsOfTheCommandLine(t *testing.T) {
	const secret = "canary-x4Fh2kP0qLw8ZrT6vB1n"
	le := strings.Join(strings.Split(secret, ""), "\x00") + "\x00"
	for verb, read := range map[string]func(env, string) (string, error){
		"login --secret-file": func(e env, file string) (string, error) {
			s, err := sharedSecret(e, []string{"192.0.2.1:1812"}, file)
			return s.Reveal(), err
		},
		"snapshot --passphrase-file": readPassphrase,
		"cluster join --token-file": func(e env, file string) (string, error) {
			s, err := readToken(t.Context(), e, file)
			return s.Reveal(), err
		},
	} {
		for name, test := range map[string]struct{ content, want, warning, err string }{
			"a line":            {secret + "\n", secret, "", ""},
			"a line of Windows": {secret + "\r\n", secret, "", ""},
			"a mark":            {"\xef\xbb\xbf" + secret + "\n", secret, "", ""},
			"a trailing blank":  {secret + " \n", secret + " ", "ends with the byte 20 (blank)", ""},
			"UTF-16":            {"\xff\xfe" + le, "", "", "is UTF-16"},
			"UTF-16, unmarked":  {le, "", "", "is UTF-16"},
			"two lines":         {secret + "\n" + secret, "", "", "several lines"},
			"a NUL":             {secret + "\x00", "", "", "NUL"},
			"empty":             {"\n", "", "", ""},
		} {
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			got, err := read(env{stderr: &stderr}, file)
			if verb == "cluster join --token-file" { // a token has no blanks
				test.want, test.warning = strings.TrimSpace(test.want), ""
			}
			if got != test.want || (err == nil) != (test.want != "") || err != nil && (!strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("%s, %s: %q, %v", verb, name, got, err)
			}
			if said := stderr.String(); (said == "") != (test.warning == "") || !strings.Contains(said, test.warning) || strings.Contains(said, "canary") {
				t.Errorf("%s, %s: warned of %q, want %q", verb, name, said, test.warning)
			}
		}
	}
}
