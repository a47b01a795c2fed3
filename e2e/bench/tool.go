package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"sallyport/e2e/load/report"
)

// load runs the load tool against a contender, watching it and slapd.
func (s *stage) load(ctx context.Context, c *contender, flags ...string) (report.Report, error) {
	args := append([]string{
		"--label", c.name, "--server", c.radius, "--secret-file", s.secretFile, "--quiet",
		"--cpu-pids", watch(c, s.slapd.Pid()),
	}, c.keys...)
	cmd := exec.CommandContext(ctx, s.loadTool, append(args, flags...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var r report.Report
	if stdout.Len() == 0 {
		return r, fmt.Errorf("load %s: %w: %s", c.name, err, &stderr)
	}
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); jsonErr != nil {
		return r, errors.Join(err, jsonErr)
	}
	if err != nil {
		return r, fmt.Errorf("load %s: %w: nobody was accepted: rejected %v, %d lost, too few people: %v", c.name, err, r.Reasons, r.Lost, r.Exhausted)
	}
	return r, nil
}

// watch is the processes of a contender and slapd, for the load tool.
func watch(c *contender, slapd int) string {
	list := fmt.Sprintf("slapd=%d", slapd)
	for _, pid := range c.pids {
		list += fmt.Sprintf(",%s=%d", c.name, pid)
	}
	return list
}

// oneLine is a run for those who wait.
func oneLine(r report.Report) string {
	what := fmt.Sprintf("%d in flight", r.InFlight)
	if r.Mode == "open" {
		what = fmt.Sprintf("%.0f/s", r.Rate)
	}
	return fmt.Sprintf("%-10s %-8s %-14s %6.0f logins/s, p50 %.2f p99 %.2f ms, %.0f µs (load tool %.0f), rejected %d, lost %d, again %d",
		r.Label, r.Mode, what, r.LoginsPerSecond, r.Login.P50, r.Login.P99, r.ServerCPU, r.LoadCPU, r.Rejected, r.Lost, r.Retransmissions)
}
