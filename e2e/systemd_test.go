//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exposure is the most that `systemd-analyze security` may find, in tenths. The unit has 1.1; the
// network, which it needs, is the floor.
const exposure = "15"

// The unit is one that systemd takes without a word, and confines the daemon as far as it goes.
func TestUnitIsValidAndConfined(t *testing.T) {
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../systemd/sallyport.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "sallyport.service")
	// The program is not installed where the unit looks for it.
	text = []byte(strings.ReplaceAll(string(text), "/usr/bin/sallyport", program))
	if err := os.WriteFile(unit, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "sallyport.service") {
			t.Errorf("systemd warns: %s", line)
		}
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold="+exposure, unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
