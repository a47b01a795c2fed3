package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/cmd/sallyport/internal/config"
)

func TestANodeIsAloneUnlessItListens(t *testing.T) {
	c, faults := parse(valid)
	if faults != nil {
		t.Fatal(faults)
	}
	if c.Cluster.Listen != "" || c.Cluster.Address() != "" {
		t.Errorf("the default listens: %+v", c.Cluster)
	}
	if c.Login.SecurIDWithoutQuorum != 15*time.Minute {
		t.Errorf("securid_without_quorum = %v", c.Login.SecurIDWithoutQuorum)
	}
}

func TestOtherNodesAreGivenTheAddress(t *testing.T) {
	for text, want := range map[string]string{
		`listen = "192.0.2.11:18300"`:                                              "192.0.2.11:18300",
		`listen = "127.0.0.1:18300"`:                                               "127.0.0.1:18300",
		"listen = \"0.0.0.0:18300\"\nadvertise = \"node1.corp.example:18300\"":     "node1.corp.example:18300",
		"listen = \"[::]:18300\"\nadvertise = \"[2001:db8::1]:18301\"":             "[2001:db8::1]:18301",
		"listen = \"127.0.0.1:18300\"\nadvertise = \"localhost:18300\"":            "localhost:18300",
		"listen = \"10.0.0.1:18300\"\nadvertise = \"198.51.100.7:18300\"":          "198.51.100.7:18300",
		"listen = \"10.0.0.1:18300\"\nprofile = \"wan\"\nadvertise = \"n1:18300\"": "n1:18300",
	} {
		c, faults := parse(valid + "[cluster]\n" + text + "\n")
		if faults != nil {
			t.Errorf("%s: %v", text, faults)
			continue
		}
		if got := c.Cluster.Address(); got != want {
			t.Errorf("%s: the address is %q", text, got)
		}
	}
}

func TestFaultsOfTheCluster(t *testing.T) {
	for text, want := range map[string]string{
		`advertise = "n1:18300"`:                                         "cluster.advertise: means nothing without listen",
		`listen = "node1:18300"`:                                         "cluster.listen: must be an IP address and a port",
		`listen = "192.0.2.11"`:                                          "cluster.listen: must be an IP address and a port",
		`listen = "192.0.2.11:0"`:                                        "cluster.listen: has port 0",
		`listen = "0.0.0.0:18300"`:                                       "cluster.advertise: missing",
		"listen = \"[::]:18300\"\nadvertise = \"0.0.0.0:18300\"":         "cluster.advertise: is every address",
		"listen = \"0.0.0.0:18300\"\nadvertise = \"127.0.0.1:18300\"":    "cluster.advertise: is this machine only",
		"listen = \"192.0.2.11:18300\"\nadvertise = \"localhost:18300\"": "cluster.advertise: is this machine only",
		"listen = \"192.0.2.11:18300\"\nadvertise = \"node1\"":           "cluster.advertise: must be a host and a port",
		"listen = \"192.0.2.11:18300\"\nadvertise = \"node1:0\"":         "cluster.advertise: must be a host and a port",
		"listen = \"192.0.2.11:18300\"\nadvertise = \":18300\"":          "cluster.advertise: must be a host and a port",
		`profile = "moon"`:                                               `cluster.profile: must be "lan" or "wan"`,
	} {
		_, faults := parse(valid + "[cluster]\n" + text + "\n")
		if len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%s: got %q, want one with %q", text, faults, want)
		}
	}
	spaced := strings.Replace(valid, `"node1"`, `"node 1"`, 1)
	if _, faults := parse(spaced); faults != nil {
		t.Errorf("a node that is alone may have any name: %q", faults)
	}
	if _, faults := parse(spaced + "[cluster]\nlisten = \"192.0.2.11:18300\"\n"); len(faults) != 1 || !strings.Contains(faults[0], `node.name: node name "node 1": use`) {
		t.Errorf("a name with a blank: %q", faults)
	}
	if _, faults := parse(valid + "[login]\nsecurid_without_quorum = \"25h\"\n"); len(faults) != 1 || !strings.Contains(faults[0], "at most 24h") {
		t.Errorf("a day and an hour without quorum: %q", faults)
	}
}

func TestTheClustersSettingsNeedARestart(t *testing.T) {
	a, _ := parse(valid)
	b, faults := parse(valid + "[cluster]\nlisten = \"0.0.0.0:18300\"\nadvertise = \"n1:18300\"\nprofile = \"wan\"\n[login]\nsecurid_without_quorum = \"0s\"\n")
	if faults != nil {
		t.Fatal(faults)
	}
	const want = "cluster.advertise cluster.listen cluster.profile login.securid_without_quorum"
	if got := strings.Join(config.NeedRestart(a, b), " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Joining brings the master key, so that its file need not be there yet; the rest must be right.
func TestAConfigurationForJoiningHasNoMasterKeyYet(t *testing.T) {
	text := regexp.MustCompile(`master_key = .*`).ReplaceAllString(valid, `master_key_file = "master.key"`)
	dir := write(t, map[string]string{"sallyport.toml": text})
	file := filepath.Join(dir, "sallyport.toml")
	c, err := config.CheckJoining(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "master.key"); c.Node.MasterKeyFile != want {
		t.Errorf("master_key_file = %q, want %q", c.Node.MasterKeyFile, want)
	}
	if _, err := config.Check(file, ""); err == nil {
		t.Error("the daemon would start without a master key")
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, "[factors.totp]", "[factors.totq]", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.CheckJoining(file, ""); err == nil || strings.Contains(err.Error(), "master_key") {
		t.Errorf("another fault: %v", err)
	}
}
