//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sallyport/e2e/servers"
)

// TestNoSecretIsEverSeen plants secrets in a login and looks for them everywhere: logs at debug level,
// every file on disk, the status port, the command line and environment, and what the verbs print.
func TestNoSecretIsEverSeen(t *testing.T) {
	t.Parallel()
	person := servers.Person{UID: "canary", Password: "Canary-Password-7351"}
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: []servers.Person{person}})
	config := corp(slapd.CAFile, slapd.TLSURL()) + clients
	config = strings.Replace(config, `secret = "`+servers.ClientSecret+`"`, `secret_file = "secret-of-vpn"`, 1)
	config = strings.Replace(config, `bind_password = "`+servers.ServicePassword+`"`, `bind_password_file = "secret-of-ldap"`, 1)
	secrets := t.TempDir()
	for name, value := range map[string]string{"secret-of-vpn": servers.ClientSecret, "secret-of-ldap": servers.ServicePassword} {
		path := filepath.Join(secrets, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config = strings.Replace(config, `"`+name+`"`, `"`+path+`"`, 1)
	}
	s := startSite(t, config)

	key := s.register(person)
	state := s.begin(person)
	wrong, right := wrongCode(t, key, 0), code(t, key, 0)
	r := s.ask(person.UID, wrong, state)
	s.want(s.ask(person.UID, right, r.Get("State")), "Access-Accept", "accepted", "")
	s.ask(person.UID, "Canary-Mistyped-9462", "")
	s.ask("Canary\x1b[31m", person.Password, "")
	raw, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	stateText, err := hex.DecodeString(strings.TrimPrefix(state, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	canaries := map[string]string{
		"password": person.Password, "mistyped password": "Canary-Mistyped-9462",
		"code": right, "wrong code": `"` + wrong + `"`,
		"shared secret": servers.ClientSecret, "bind password": servers.ServicePassword,
		"State": string(stateText), "State in hexadecimal": state[2:],
		"TOTP key": strings.ReplaceAll(key, " ", ""), "TOTP key in groups": key, "TOTP key raw": string(raw),
	}

	looked := map[string][]byte{}
	for _, path := range []string{"/status", "/metrics", "/readyz", "/healthz"} {
		_, body, err := s.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		looked[path] = []byte(body)
	}
	for _, args := range [][]string{
		{"user", "list", "--json"}, {"user", "show", "canary"}, {"client", "list"}, {"status", "--json"},
		{"check-config", "--show", "--config", s.ConfigFile},
	} {
		out, err := s.Run("", args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		looked[strings.Join(args, " ")] = []byte(out)
	}
	for _, name := range []string{"cmdline", "environ"} {
		looked[name] = readFile(t, filepath.Join("/proc", strconv.Itoa(s.Pid()), name))
	}
	s.Stop() // whatever is flushed late is on disk now
	err = filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		looked[path] = readFile(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(looked[s.LogFile]) == 0 || !bytes.Contains(looked[s.LogFile], []byte(`"code":"accepted"`)) {
		t.Fatal("the log does not hold the login: the search shows nothing")
	}
	for place, text := range looked {
		for what, canary := range canaries {
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("the %s stands in %s", what, place)
			}
		}
		if bytes.Contains(text, []byte{0x1b}) && strings.HasSuffix(place, "log.json") {
			t.Error("an escape sequence of a username stands raw in the log")
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
