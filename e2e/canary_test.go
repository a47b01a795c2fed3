//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
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
	config = hideSecrets(t, config, map[string]string{"secret-of-vpn": servers.ClientSecret, "secret-of-ldap": servers.ServicePassword})
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
		"code": right, "wrong code": wrong,
		"shared secret": servers.ClientSecret, "bind password": servers.ServicePassword,
		"State": string(stateText), "State in hexadecimal": state[2:],
		"TOTP key": strings.ReplaceAll(key, " ", ""), "TOTP key in groups": key, "TOTP key raw": string(raw),
	}

	seen := s.everythingSeen([][]string{{"user", "list", "--json"}, {"user", "show", "canary"}})
	s.wantNowhere(seen, canaries)
}

// hideSecrets puts each secret into a file outside the daemon's folder, and the file's path where a
// configuration has its name.
func hideSecrets(t *testing.T, config string, secrets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, secret := range secrets {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config = strings.ReplaceAll(config, strconv.Quote(name), strconv.Quote(path))
	}
	return config
}

// everythingSeen stops the daemon and returns what anyone may get to see of it, by the place: its
// pages, what the verbs print, its command line and environment, and every file that it keeps.
func (s *site) everythingSeen(verbs [][]string) map[string][]byte {
	s.t.Helper()
	seen := map[string][]byte{}
	for _, path := range []string{"/status", "/metrics", "/readyz", "/healthz"} {
		_, body, err := s.Get(path)
		if err != nil {
			s.t.Fatal(err)
		}
		seen[path] = []byte(body)
	}
	for _, args := range append(verbs, []string{"client", "list"}, []string{"status", "--json"}, []string{"check-config", "--show", "--config", s.ConfigFile}) {
		out, err := s.Run("", args...)
		if err != nil {
			s.t.Fatalf("%v: %v", args, err)
		}
		seen[strings.Join(args, " ")] = []byte(out)
	}
	for _, name := range []string{"cmdline", "environ"} {
		seen[name] = readFile(s.t, filepath.Join("/proc", strconv.Itoa(s.Pid()), name))
	}
	s.Stop() // whatever is flushed late is on disk now
	s.takeSnapshot()
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		seen[path] = readFile(s.t, path)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return seen
}

// takeSnapshot makes a snapshot of the state of a daemon that was stopped: its own would come after
// thousands of log entries.
func (s *site) takeSnapshot() {
	s.t.Helper()
	key, err := cluster.ParseMasterKey(readFile(s.t, filepath.Join(s.Dir, "master.key")))
	if err != nil {
		s.t.Fatal(err)
	}
	node, err := cluster.Open(cluster.Config{
		Name: "node1", DataDir: filepath.Join(s.Dir, "data"), MasterKey: key, SnapshotInterval: 10 * time.Millisecond, SnapshotThreshold: 1,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.eventually("a snapshot", func() error {
		found, err := filepath.Glob(filepath.Join(s.Dir, "data", "*", "snapshots", "*[0-9]", "state.bin"))
		if err == nil && len(found) == 0 { // one in progress ends in .tmp
			err = errors.New("there is none")
		}
		return err
	})
	if err := node.Close(); err != nil {
		s.t.Error(err)
	}
}

// wantNowhere looks for each of the secrets in each of the places.
func (s *site) wantNowhere(seen map[string][]byte, secrets map[string]string) {
	s.t.Helper()
	if !bytes.Contains(seen[s.LogFile], []byte(`"code":"accepted"`)) {
		s.t.Fatal("the log does not hold a login: the search shows nothing")
	}
	for place, text := range seen {
		for what, secret := range secrets {
			if holds(text, secret) {
				s.t.Errorf("the %s stands in %s", what, place)
			}
		}
		if bytes.Contains(text, []byte{0x1b}) && strings.HasSuffix(place, "log.json") {
			s.t.Error("an escape sequence of a username stands raw in the log")
		}
	}
}

// holds reports whether a text has a secret in it. Digits count only where none are beside them: the
// fractions of a second in a log have every code in them, sooner or later.
func holds(text []byte, secret string) bool {
	if secret == "" {
		return true // nothing was planted
	}
	if strings.Trim(secret, "0123456789") != "" {
		return bytes.Contains(text, []byte(secret))
	}
	beside := func(b []byte) bool { return len(b) == 1 && b[0] >= '0' && b[0] <= '9' }
	for {
		before, after, found := bytes.Cut(text, []byte(secret))
		if !found {
			return false
		}
		if !beside(before[max(len(before)-1, 0):]) && !beside(after[:min(len(after), 1)]) {
			return true
		}
		text = after
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
