package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/load/report"
)

func TestMedianIsTheMiddle(t *testing.T) {
	rate := func(r report.Report) float64 { return r.LoginsPerSecond }
	for _, test := range []struct {
		rates []float64
		want  float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 3, 2, 1}, 2}} {
		var runs []report.Report
		for _, r := range test.rates {
			runs = append(runs, report.Report{LoginsPerSecond: r})
		}
		if got := median(runs, rate); got != test.want {
			t.Errorf("median of %v = %v, want %v", test.rates, got, test.want)
		}
	}
}

func TestPeopleRestUntilTheNextTimeStep(t *testing.T) {
	r := rest{people: 100, parts: 2}
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	part, first, count, rested := r.take()
	if part != 0 || first != 0 || count != 50 || !rested.IsZero() {
		t.Errorf("first part: %d from %d, %d people, rested %v", part, first, count, rested)
	}
	r.took(part, noon.Add(29*time.Second))
	if part, first, count, rested = r.take(); part != 1 || first != 50 || count != 50 || !rested.IsZero() {
		t.Errorf("second part: %d from %d, %d people, rested %v", part, first, count, rested)
	}
	if _, _, _, rested = r.take(); !rested.Equal(noon.Add(30 * time.Second)) {
		t.Errorf("first part again: rested %v, want half a minute past noon", rested)
	}
	r.tookAll(noon)
	for range r.parts {
		if _, _, _, rested = r.take(); !rested.Equal(noon.Add(30 * time.Second)) {
			t.Errorf("after everyone was in: rested %v", rested)
		}
	}
	r.after = time.Minute
	r.took(0, noon)
	r.next = 0
	if _, _, _, rested = r.take(); !rested.Equal(noon.Add(time.Minute)) {
		t.Errorf("before the entry is forgotten: rested %v", rested)
	}
}

func run1(contender string, rate, cpu, p99 float64) report.Report {
	return report.Report{
		LoginsPerSecond: rate, ServerCPU: cpu, Login: report.Times{P99: p99}, Lost: 1,
		Processes: []report.Process{{Name: contender, CPU: cpu - 60, PeakRSSMiB: 77}, {Name: "slapd", CPU: 60}},
	}
}

func TestTableSetsOursAgainstThePeer(t *testing.T) {
	j := job{inFlight: 64}
	peer, ours := cell{j, peerName}, cell{j, ourName}
	m := &measurement{
		stage: &stage{options: options{people: 10, rounds: 3, duration: time.Second}},
		cells: []cell{peer, ours},
		runs: map[cell][]report.Report{
			peer: {run1(peerName, 100, 200, 8), run1(peerName, 200, 180, 10), run1(peerName, 300, 160, 12)},
			ours: {run1(ourName, 300, 100, 5), run1(ourName, 300, 90, 5), run1(ourName, 300, 80, 5)},
		},
	}
	if best := m.best(peerName); best != 200 {
		t.Errorf("best = %v", best)
	}
	var table bytes.Buffer
	if err := m.writeTable(&table, "Machine: some."); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Machine: some.", "10 people", "| 64 in flight | freeradius | 200 |", "| 180 (120 + 60) |", "| 77 | 0 | 3 | 0 |",
		"| 64 in flight | sallyport | 1.50 | 0.50 | 0.50 |",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, &table)
		}
	}
}

func TestWrongUseIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"more"}, {"--no-such-flag"}, {"--only", "nobody"}, {"--only", "sallyport"}, {"--only", "sallyport-cluster", "--open-rate", "1", "--nodes", "0"}, {"--rounds", "0"}, {"--people", "1"}, {"--in-flight", "x"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%q: exit %d, %q", args, code, &stderr)
		}
	}
}
