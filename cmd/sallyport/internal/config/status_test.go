package config_test

import (
	"strings"
	"testing"
)

// TestS15WhoIsAskedByNameIsTold: what was answered before the Host header was checked is told where it may matter.
func TestS15WhoIsAskedByNameIsTold(t *testing.T) {
	for status, want := range map[string]int{
		"": 0, "listen = \"127.0.0.1:9812\"": 0, "listen = \"\"": 0,
		"listen = \"0.0.0.0:9812\"": 2, "listen = \"10.1.2.3:9812\"": 2,
		"listen = \"10.1.2.3:9812\"\nhosts = [\"node1.corp.internal\"]": 1,
	} {
		c, faults := parse(valid + "[status]\n" + status + "\n")
		if faults != nil {
			t.Fatal(faults)
		}
		if len(c.Warnings) != want || want == 2 && !strings.Contains(c.Warnings.Error(), "421: name in hosts") {
			t.Errorf("%q: %s", status, c.Warnings)
		}
	}
	for hosts, want := range map[string]string{`["node1:9812"]`: "status.hosts: ", `["https://node1"]`: "status.hosts: ", `[""]`: "status.hosts: "} {
		_, faults := parse(valid + "[status]\nhosts = " + hosts + "\n")
		if len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%s: %q", hosts, faults)
		}
	}
}
