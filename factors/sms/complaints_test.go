package sms

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged are the messages of a text log, with their errors.
func logged(log *bytes.Buffer) string {
	lines := regexp.MustCompile(`level=(\w+) msg="([^"]*)" server=one\.example\.test(?: error="([^"]*)")?`).FindAllStringSubmatch(log.String(), -1)
	var told []string
	for _, line := range lines {
		told = append(told, strings.TrimSpace(strings.Join(line[1:], " ")))
	}
	return strings.Join(told, "; ")
}

func TestTheLogSaysWhatIsWrongWithAGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, reachable := status("401 Unauthorized"), true
		w := &wire{answer: func(string) (string, error) { return answer, nil }, connect: func(string) error {
			if reachable {
				return nil
			}
			return refuseConnection()
		}}
		c := threeGateways()
		c.URL = c.URL[:1]
		var log bytes.Buffer
		f := newFactorWithLog(t, c, w, &log)
		step := func(pause time.Duration, wantError bool, want string) {
			t.Helper()
			time.Sleep(pause)
			log.Reset()
			if _, _, err := send(t, f, 2*time.Second); (err != nil) != wantError {
				t.Error(err)
			}
			if got := logged(&log); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if text := log.String(); strings.Contains(text, someCode) || strings.Contains(text, "923001234567") || strings.Contains(text, c.Password.Reveal()) {
				t.Errorf("a secret is in %s", text)
			}
		}
		const refused = "WARN the SMS gateway refused a message the gateway answered with status 401: check username and password_file"
		step(0, true, refused)
		step(time.Second, true, "") // a minute has not passed
		step(time.Minute, true, refused)
		reachable = false
		step(time.Minute, true, "WARN the SMS gateway could not be used the connection failed: connection refused")
		reachable, answer = true, status("201 Created")
		step(0, false, "INFO the SMS gateway takes messages again")
		step(0, false, "")
	})
}
