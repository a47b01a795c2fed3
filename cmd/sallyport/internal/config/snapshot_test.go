package config_test

import (
	"strings"
	"testing"
)

const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func TestBackupsAreSealedToPublicKeys(t *testing.T) {
	c, faults := parse(valid + "[snapshot]\nrecipients = [\"" + recipient + "\"]\n")
	if faults != nil || len(c.Snapshot.Recipients) != 1 {
		t.Errorf("got %v", faults)
	}
	_, faults = parse(valid + "[snapshot]\nrecipients = [\"" + recipient + "\", \"age1nobody\"]\n")
	if len(faults) != 1 || !strings.Contains(faults[0], `snapshot.recipients[1]: "age1nobody" is no recipient`) {
		t.Errorf("a typing error: %q", faults)
	}
	_, faults = parse(valid + "[snapshot]\nrecipients = \"AGE-SECRET-KEY-1CANARY\"\n")
	if len(faults) != 1 || strings.Contains(faults[0], "CANARY") || !strings.Contains(faults[0], "secret one") {
		t.Errorf("the secret key: %q", faults)
	}
}
