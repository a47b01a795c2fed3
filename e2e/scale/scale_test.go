package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/load/report"
)

func TestWrongUseIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"more"}, {"--no-such-flag"}, {"--people", "0"}, {"--users", "10", "--people", "11"}, {"--nodes", "1"},
		{"--rate", "0"}, {"--people", "14000"}, {"--window", "1s"}, {"--rounds", "0"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%q: exit %d, %q", args, code, &stderr)
		}
	}
}

func TestAMetricIsFoundByItsWholeName(t *testing.T) {
	page := "# HELP heap what is used\nheap_more 1\nheap{kind=\"a\"} 2\nheap 1.5e+06\n"
	for name, want := range map[string]float64{"heap": 1.5e6, `heap{kind="a"}`: 2} {
		if got, err := metric(page, name); err != nil || got != want {
			t.Errorf("%s = %v, %v", name, got, err)
		}
	}
	if _, err := metric(page, "hea"); err == nil {
		t.Error("a metric was found that is not there")
	}
}

// runOf is a run with this p99.
func runOf(p99 float64) report.Report {
	return report.Report{Login: report.Times{P50: 1, P99: p99}, Lost: 1, Processes: []report.Process{{PeakRSSMiB: 6}, {PeakRSSMiB: 7}}}
}

func TestTablesShowWhatWasFound(t *testing.T) {
	s := &stage{
		options: options{users: 1000, settles: 20, memoryLimit: "1GiB"},
		found: findings{
			filled: 2 * time.Second, settled: time.Second, logSizes: []int64{1 << 20, 8 << 20},
			joins: []joining{{3 * time.Second, 4 * time.Second}}, start: 5 * time.Second,
			logins: []phase{
				{name: "none", runs: []report.Report{runOf(9), runOf(8), runOf(20)}},
				{name: "all", runs: []report.Report{runOf(18), runOf(17), runOf(30)}, snapshots: []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
			},
			nodes: []nodeFigures{{"node1", 2 << 20, 1 << 20, 0.001, 3 << 20, 4 << 20}},
		},
	}
	var tables bytes.Buffer
	if err := s.writeTables(&tables); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1000 people enrolled", "| 500/s |", "| 1, 8 |", "| 3.0 s / 4.0 s |", "| 5.0 s |", "| node1 | 2 | 1 | 1.00 | 3 | 4 |",
		"| none | 1.0 / 0.0 / 9.0 / 0 | 1.00 | 0 | 3 | 0 | 0 | 7 |", "| all | 1.0 / 0.0 / 18.0 / 0 | 2.00 | 0 | 3 | 0 | 3, 2.00 | 7 |",
	} {
		if !strings.Contains(tables.String(), want) {
			t.Errorf("%q is not in\n%s", want, &tables)
		}
	}
}
