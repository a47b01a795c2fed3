package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"sallyport/cmd/sallyport/internal/config"
)

func TestRelativePathsBeginAtTheConfigurationsFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml": strings.Replace(valid, "[node]\n", "[admin]\nsocket = \"run/admin.sock\"\n[node]\ndata_dir = \"data\"\n", 1),
	})
	t.Chdir(filepath.Dir(dir))
	c, err := config.Load(filepath.Join(filepath.Base(dir), "sallyport.toml"), "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Node.DataDir != filepath.Join(dir, "data") || c.Admin.Socket != filepath.Join(dir, "run/admin.sock") {
		t.Errorf("data_dir is %s, admin.socket %s", c.Node.DataDir, c.Admin.Socket)
	}
}

// write puts files into a new folder and returns its path.
func write(t *testing.T, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFilesOfConfDAreAdded(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml":   valid,
		"conf.d/20-b.toml": "[[client]]\nname = \"b\"\naddress = \"198.51.100.2\"\nsecret_file = \"b.secret\"\npolicy = \"staff\"\n",
		"conf.d/10-a.toml": "[[client]]\nname = \"a\"\naddress = \"198.51.100.1\"\nsecret_file = \"b.secret\"\npolicy = \"staff\"\n",
		"conf.d/ignored":   "not read",
		"b.secret":         canary + "\n",
	})
	c, err := config.Load(filepath.Join(dir, "sallyport.toml"), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, client := range c.Clients {
		names = append(names, client.Name)
	}
	if got := strings.Join(names, " "); got != "vpn a b" {
		t.Errorf("clients are %s", got)
	}
	if got := c.Clients[2].Secret.Reveal(); got != canary {
		t.Error("the secret was not read from the file, without its line's end")
	}
}

func TestFaultsNameTheFileThatTheyStandIn(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml": valid,
		"conf.d/a.toml":  "[node]\nname = \"node2\"\n[[client]]\nname = \"vpn\"\nplicy = \"staff\"\n",
	})
	main, more := filepath.Join(dir, "sallyport.toml"), filepath.Join(dir, "conf.d/a.toml")
	_, err := config.Load(main, "")
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}
	want := []string{
		more + ":2:1: node.name: given already at " + main + ":2: remove one of the two",
		more + `:5:1: client[1].plicy: unknown key (did you mean "policy"?)`,
	}
	if got := faults.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestCredentialGoesBeforeTheFileOfThatName(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml":  regexp.MustCompile(`master_key = .*`).ReplaceAllString(valid, `master_key_file = "/nonexistent/master.key"`),
		"cred/master.key": masterKey + "\n",
	})
	c, err := config.Load(filepath.Join(dir, "sallyport.toml"), filepath.Join(dir, "cred"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Node.MasterKey.Reveal() != masterKey {
		t.Error("the master key is not the credential")
	}
}

func TestCredentialIsOnlyWarnedOfWhereItCannotBe(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml": strings.Replace(valid, `secret = "`+canary+`"`, `secret = "cred:vpn"`, 1),
		"cred/other":     canary,
	})
	file := filepath.Join(dir, "sallyport.toml")
	c, err := config.Check(file, "")
	if err != nil {
		t.Fatal(err)
	}
	want := file + ":8:1: client[0].secret: is a systemd credential, which only the service can read: not checked"
	if got := c.Warnings.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := config.Check(file, filepath.Join(dir, "cred")); err == nil || !strings.Contains(err.Error(), "cred/vpn: no such file") {
		t.Errorf("in the service: %v", err)
	}
	if _, err := config.Load(file, ""); err == nil {
		t.Error("the daemon would run without the secret")
	}
}

func TestSecretThatEveryoneMayReadIsWarnedOf(t *testing.T) {
	dir := write(t, map[string]string{
		"sallyport.toml": strings.Replace(valid, `secret = "`+canary+`"`, `secret_file = "vpn"`, 1),
		"vpn":            canary,
	})
	if err := os.Chmod(filepath.Join(dir, "vpn"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, "sallyport.toml"), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Warnings.Error(); !strings.Contains(got, ":8:1: client[0].secret_file: ") || !strings.Contains(got, "can be read by everyone") {
		t.Errorf("warnings are %q", got)
	}
}

// Nothing that a reload reads can keep it waiting.
func TestPipesAreRefusedWhereFilesAreRead(t *testing.T) {
	ldap := regexp.MustCompile(`(?m)^type = "local"\nusers = .*$`).ReplaceAllString(valid,
		"type = \"ldap\"\nurls = [\"ldaps://dc1.corp.example\"]\nbase_dn = \"dc=corp,dc=example\"\nca_file = \"pipe\"")
	for key, text := range map[string]string{
		"client[0].secret_file":       strings.Replace(valid, `secret = "`+canary+`"`, `secret_file = "pipe"`, 1),
		"node.master_key_file":        strings.Replace(valid, `master_key = "`+masterKey+`"`, `master_key_file = "pipe"`, 1),
		"radius.dictionaries":         valid + "[radius]\ndictionaries = [\"good\", \"pipe\"]\n",
		"directory.corp.ca_file":      ldap,
		"directory.corp.users_file":   regexp.MustCompile(`(?m)^users = .*$`).ReplaceAllString(valid, `users_file = "pipe"`),
		"factors.email.ca_file":       strings.Replace(all(), "[factors.sms]\n", "ca_file = \"pipe\"\n[factors.sms]\n", 1),
		"factors.sms.ca_file":         strings.Replace(all(), "[factors.sms]\n", "[factors.sms]\nca_file = \"pipe\"\n", 1),
		"factors.sms.templates":       strings.Replace(all(), "[factors.sms]\n", "[factors.sms]\ntemplates = \"texts\"\n", 1),
		"factors.email.password_file": strings.Replace(all(), `password = "`+canary+`"`, `password_file = "pipe"`, 1),
	} {
		dir := write(t, map[string]string{"sallyport.toml": text, "good": "", "texts/code.de.txt": "{{.Code}}"})
		if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600), syscall.Mkfifo(filepath.Join(dir, "texts/code.en.txt"), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(filepath.Join(dir, "sallyport.toml"), "")
		if err == nil || !strings.Contains(err.Error(), ": "+key+": "+dir) || !strings.Contains(err.Error(), ": not a regular file") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
