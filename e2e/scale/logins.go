package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"sallyport/e2e/load/report"
	"sallyport/e2e/servers"
)

// phase is a way of taking snapshots, and the measurements of logins meanwhile.
type phase struct {
	name string
	who  []*servers.Sallyport
	runs []report.Report
	// snapshots is how long each snapshot took that some node wrote meanwhile.
	snapshots []time.Duration
}

// warmup is the time before each measurement.
const warmup = 3 * time.Second

// parts are how many parts the people are divided into, of whom each run takes the next: so many runs are
// longer than a time step, in which everyone logs in once.
const parts = 5

// measure lets people log in while no node writes a snapshot, or the leader, a follower or every node one
// after another, in turns: what the machine does besides falls on all.
func (s *stage) measure(ctx context.Context) error {
	if err := s.letFirstLead(); err != nil {
		return err
	}
	s.found.logins = []phase{
		{name: "none"},
		{name: "the leader", who: s.members[:1]},
		{name: "a follower", who: s.members[len(s.members)-1:]},
		{name: "all nodes", who: s.members},
	}
	for range s.rounds {
		for i := range s.found.logins {
			if err := s.measureOnce(ctx, &s.found.logins[i]); err != nil {
				return err
			}
		}
	}
	return s.look()
}

// measureOnce does one run.
func (s *stage) measureOnce(ctx context.Context, p *phase) error {
	if err := s.snapshot(p.who); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var watches sync.WaitGroup
	for _, m := range p.who {
		watches.Go(func() {
			took := watchSnapshots(watching, m)
			mu.Lock()
			defer mu.Unlock()
			p.snapshots = append(p.snapshots, took...)
		})
	}
	r, err := s.load(ctx)
	stop()
	watches.Wait()
	if err != nil {
		return err
	}
	if r.Exhausted || r.Rejected > 0 {
		return fmt.Errorf("logins while snapshots are written by %s: %d rejected (%v), too few people: %v", p.name, r.Rejected, r.Reasons, r.Exhausted)
	}
	s.say("snapshots by %-10s %.0f logins/s, p50 %.2f p99 %.2f max %.1f ms, %.0f µs, lost %d, again %d", p.name,
		r.LoginsPerSecond, r.Login.P50, r.Login.P99, r.Login.Max, r.ServerCPU, r.Lost, r.Retransmissions)
	p.runs = append(p.runs, r)
	return nil
}

// load runs the load tool against all nodes, with the next part of the people.
func (s *stage) load(ctx context.Context) (r report.Report, err error) {
	var addresses, processes []string
	for _, m := range s.members {
		addresses = append(addresses, m.Radius)
		processes = append(processes, fmt.Sprintf("%s=%d", m.Name, m.Pid()))
	}
	count := s.people / parts
	first := s.part * count
	s.part = (s.part + 1) % parts
	cmd := exec.CommandContext(ctx, s.loadTool, "--quiet",
		"--server", strings.Join(addresses, ","), "--secret-file", s.secretFile, "--keys", s.keysFile,
		"--password", password, "--first", fmt.Sprint(first), "--count", fmt.Sprint(count), "--rate", fmt.Sprint(s.rate),
		"--warmup", warmup.String(), "--duration", s.window.String(), "--cpu-pids", strings.Join(processes, ","))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); err != nil || jsonErr != nil {
		return r, fmt.Errorf("load: %w: %s", errors.Join(err, jsonErr), &stderr)
	}
	return r, nil
}
