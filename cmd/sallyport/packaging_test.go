package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/cmd/sallyport/internal/config"
)

// The packaged example is a configuration that runs: the daemon is started from it, with its paths
// and ports moved into a folder of the test's. Its LDAP servers do not exist, so it is up, but not
// ready, and says which part is not.
func TestPackagedExampleStarts(t *testing.T) {
	example, err := os.ReadFile("../../packaging/sallyport.toml")
	if err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(t.TempDir(), "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vpn", "ldap"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte("twenty-four-octets-of-it\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer(
		"/etc/sallyport/secrets", secrets,
		"/etc/sallyport", "DIR", "/var/lib/sallyport", "DIR/data",
		"0.0.0.0:1812", "127.0.0.1:0",
		"dc1.corp.example", "127.0.0.1:1", "dc2.corp.example", "127.0.0.1:2",
	).Replace(string(example))
	s := serveConfig(t, text+"\n[status]\nlisten = \"127.0.0.1:0\"\n[admin]\nsocket = \"DIR/admin.sock\"\n")

	got := runProgram(t, "", "status", "--socket", filepath.Join(s.dir, "admin.sock"))
	if got.code != exitDegraded || !regexp.MustCompile(`directory\.corp`).MatchString(got.stdout) {
		t.Errorf("exit status %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.interrupt()
	if code := s.end(t); code != exitOK {
		t.Errorf("exit status %d\n%s", code, s.stderr)
	}
}

// The unit lets the daemon bind every port that it binds when nothing is said, and accounting's.
func TestUnitAllowsTheDefaultPorts(t *testing.T) {
	unit, err := os.ReadFile("../../systemd/sallyport.service")
	if err != nil {
		t.Fatal(err)
	}
	defaults := config.Default()
	for _, address := range slices.Concat(defaults.Radius.Listen, defaults.Radius.AccountingListen) {
		_, port, err := net.SplitHostPort(address)
		if err != nil || !strings.Contains(string(unit), "\nSocketBindAllow=udp:"+port+"\n") {
			t.Errorf("the unit does not let the daemon bind %s: %v", address, err)
		}
	}
}

// What is commented out in the examples is right too.
func TestCommentedSettingsOfTheExamplesAreRight(t *testing.T) {
	dir := t.TempDir()
	if got := runProgram(t, "", "keys", "generate", "--out", filepath.Join(dir, "master.key")); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("twenty-four-octets-of-it\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`(?m)^# (\[+[a-z.]+\]+$|[a-z_]+ = .*$)`)
	for _, name := range []string{"sallyport.toml", "local-users.toml"} {
		example, err := os.ReadFile("../../packaging/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := setting.ReplaceAllString(string(example), "$1")
		text = regexp.MustCompile(`"/etc/sallyport/secrets/[a-z]+"`).ReplaceAllString(text, `"`+secret+`"`)
		text = regexp.MustCompile(`(?m)^ca_file = .*$`).ReplaceAllString(text, "")
		text = strings.ReplaceAll(text, "/etc/sallyport", dir)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := runProgram(t, "", "check-config", "--config", filepath.Join(dir, "sallyport.toml"), "--show")
	if got.code != exitOK {
		t.Fatalf("exit status %d\n%s", got.code, got.stderr)
	}
	for _, want := range []string{"[directory.local]", "soft_lock = 5", "domains = ['CORP', 'corp.example']",
		"[[policy.staff.exempt]]", "preset = 'twilio'", "day = 5000", "pin_length = 8",
		"[cluster]", "advertise = 'node1.corp.example:18300'", "Session-Timeout = ['28800']"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%s is not in\n%s", want, got.stdout)
		}
	}
}
