package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/load/internal/radiustest"
	"sallyport/e2e/load/report"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs the tool against s.
func start(t *testing.T, s *radiustest.Server, flags ...string) (code int, r report.Report, stderr string) {
	t.Helper()
	args := append([]string{
		"--server", s.Addr().String(), "--secret-file", write(t, "secret", radiustest.Secret+"\n"), "--verify",
		"--user", "user%03d", "--password", radiustest.Password, "--ports", "4", "--in-flight", "8", "--warmup", "0s", "--duration", "300ms",
		"--cpu-pids", fmt.Sprintf("self=%d", os.Getpid()),
	}, flags...)
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	if code != exitUsage {
		if e := json.Unmarshal(out.Bytes(), &r); e != nil {
			t.Fatalf("%v: %s%s", e, &out, &err)
		}
	}
	return code, r, err.String()
}

func TestBothLoopsMeasure(t *testing.T) {
	for mode, flags := range map[string][]string{"closed": nil, "open": {"--rate", "100"}} {
		t.Run(mode, func(t *testing.T) {
			s := radiustest.Start(t, nil)
			code, r, table := start(t, s, append(flags, "--count", "100000", "--key", radiustest.Key)...)
			if code != exitMeasured || r.Mode != mode || r.Accepted == 0 || r.Accepted != r.Started || r.Login.P50 <= 0 ||
				r.LoginsPerSecond <= 0 || len(r.Processes) != 1 || r.Processes[0].PeakRSSMiB < 1 {
				t.Errorf("exit %d, %+v", code, r)
			}
			if !strings.Contains(table, mode+" loop") {
				t.Errorf("no table of a %s loop: %s", mode, table)
			}
		})
	}
}

func TestRegistrationFillsTheKeysThatLoginsNeed(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	s := radiustest.Start(t, func(s *radiustest.Server) {
		s.Respond = func(request, reply *radius.Packet) *radius.Packet {
			if reply.Code != radius.CodeAccessChallenge {
				return reply
			}
			return radiustest.Reply(request, reply.Code, "Add "+radiustest.Key+" to your app: ", rfc2865.State_GetString(reply))
		}
	})
	if code, r, text := start(t, s, "--register", "--count", "20", "--keys", keys); code != exitMeasured || r.Accepted != 20 {
		t.Fatalf("exit %d: %s", code, text)
	}
	if code, r, text := start(t, s, "--register", "--count", "20", "--keys", keys); code != exitMeasured || r.Started != 0 {
		t.Errorf("registered again: exit %d: %s", code, text)
	}
	if code, r, text := start(t, s, "--count", "20", "--keys", keys); code != exitMeasured || r.Accepted < 20 || r.Rejected != 0 {
		t.Errorf("login: exit %d: %s", code, text)
	}
}

func TestNobodyAcceptedIsAFailure(t *testing.T) {
	s := radiustest.Start(t, nil)
	code, r, text := start(t, s, "--count", "5", "--key", "AAAAAAAAAAAAAAAA")
	if code != exitNobody || r.Reasons["code: Access-Reject: Wrong code."] < 5 || !strings.Contains(text, "ended early") {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestWrongUseIsExplained(t *testing.T) {
	secret := write(t, "secret", radiustest.Secret)
	for want, args := range map[string][]string{
		"--server":             {"--server", "localhost"},
		"--secret-file is":     {"--key", "AAAA"},
		"no such file":         {"--secret-file", "/nowhere/secret"},
		"--key, --seed and":    {"--secret-file", secret},
		"not a key in base32":  {"--secret-file", secret, "--key", "not base32"},
		"--register needs":     {"--secret-file", secret, "--register"},
		"base32":               {"--secret-file", secret, "--keys", secret},
		"--duration":           {"--secret-file", secret, "--key", "AAAA", "--duration", "0s"},
		"--cpu-pids":           {"--secret-file", secret, "--key", "AAAA", "--cpu-pids", "x"},
		"unexpected argument":  {"--secret-file", secret, "more"},
		"unknown flag":         {"--no-such-flag"},
		"user pattern":         {"--secret-file", secret, "--key", "AAAA", "--user", "%s"},
		"at least one source":  {"--secret-file", secret, "--key", "AAAA", "--ports", "0"},
		"source ports carry 1": {"--secret-file", secret, "--key", "AAAA", "--in-flight", "1000000"},
		"must be positive":     {"--secret-file", secret, "--key", "AAAA", "--rate", "-1"},
	} {
		var out, err bytes.Buffer
		if code := run(t.Context(), args, &out, &err); code != exitUsage || !strings.Contains(err.String(), want) || out.Len() > 0 {
			t.Errorf("%q: exit %d, %s, want %q", args, code, &err, want)
		}
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	var out, err bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &out, &err); code != 0 || !strings.Contains(err.String(), "--in-flight") {
		t.Errorf("exit %d: %s", code, &err)
	}
}
