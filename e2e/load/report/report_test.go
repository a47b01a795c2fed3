package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTableTellsWhatWentWrong(t *testing.T) {
	r := Report{
		Server: "127.0.0.1:1812", Label: "peer", Mode: "open", Rate: 100, Ports: 2, Seconds: 1, Exhausted: true,
		Reasons: map[string]int64{"code: Access-Reject": 3}, Rejected: 3, Lost: 4, Unsent: 5,
		Login:     Times{P50: 1.5},
		Processes: []Process{{Name: "slapd", PID: 7, CPU: 90}},
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"peer at 127.0.0.1:1812, open loop, 100/s", "ended early", `3  "code: Access-Reject"`, "lost           4 (", "not started    5:",
		"login          p50 1.50", "slapd          90 µs of CPU per login",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, &table)
		}
	}
}

func TestReportSurvivesJSON(t *testing.T) {
	r := Report{Server: "s", Mode: "closed", InFlight: 16, Accepted: 3, Code: Times{P99: 2}, Reasons: map[string]int64{"a": 1}}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(line, &back); err != nil || back.Code != r.Code || back.Reasons["a"] != 1 || back.InFlight != 16 {
		t.Errorf("%s reads back as %+v, %v", line, back, err)
	}
}

func TestUnits(t *testing.T) {
	if got := PerLogin(time.Second, 10_000); got != 100 {
		t.Errorf("1 s over 10000 logins = %v µs", got)
	}
	if got := PerLogin(time.Second, 0); got != 0 {
		t.Errorf("1 s over no logins = %v µs", got)
	}
	if got := Milliseconds(1500 * time.Microsecond); got != 1.5 {
		t.Errorf("1500 µs = %v ms", got)
	}
}
