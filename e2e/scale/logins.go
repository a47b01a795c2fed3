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

// phase is a measurement of logins.
type phase struct {
	name string
	report.Report
	// snapshots is how long each snapshot took that some node wrote meanwhile.
	snapshots []time.Duration
}

// measure lets people log in, without a snapshot, with one after another on the leader, on a follower
// and everywhere, and for some minutes with snapshots as they come.
func (s *stage) measure(ctx context.Context) error {
	leader, last := s.members[0], s.members[len(s.members)-1]
	for _, p := range []struct {
		name      string
		snapshots []*servers.Sallyport
		time      time.Duration
	}{
		{"no snapshot", nil, s.window},
		{"one after another on the leader", []*servers.Sallyport{leader}, s.window},
		{"one after another on a follower", []*servers.Sallyport{last}, s.window},
		{"one after another on all nodes", s.members, s.window},
		{"no snapshot, again", nil, s.window},
		{"as they come", nil, s.usual},
	} {
		if p.time == 0 {
			continue
		}
		if err := errors.Join(s.again(ctx, p.snapshots...), nextStep(ctx)); err != nil {
			return err
		}
		if err := s.phase(ctx, p.name, p.time); err != nil {
			return err
		}
	}
	return s.look()
}

// nextStep waits until the next time step, in which nobody has used a code yet.
func nextStep(ctx context.Context) error {
	now := time.Now()
	select {
	case <-time.After(now.Truncate(timeStep).Add(timeStep).Sub(now)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// phase measures logins for a time.
func (s *stage) phase(ctx context.Context, name string, duration time.Duration) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	p := phase{name: name}
	var mu sync.Mutex
	var watches sync.WaitGroup
	for _, m := range s.members {
		watches.Go(func() {
			took := watchSnapshots(watching, m)
			mu.Lock()
			defer mu.Unlock()
			p.snapshots = append(p.snapshots, took...)
		})
	}
	var err error
	p.Report, err = s.load(ctx, duration)
	stop()
	watches.Wait()
	if err != nil {
		return err
	}
	if p.Exhausted || p.Lost > 0 || p.Rejected > 0 {
		return fmt.Errorf("logins with %s: %d lost, %d rejected (%v), too few people: %v", name, p.Lost, p.Rejected, p.Reasons, p.Exhausted)
	}
	s.say("%-32s %.0f logins/s, p50 %.2f p99 %.2f max %.1f ms, %.0f µs, %d snapshots", name, p.LoginsPerSecond, p.Login.P50, p.Login.P99, p.Login.Max, p.ServerCPU, len(p.snapshots))
	s.found.logins = append(s.found.logins, p)
	return nil
}

// load runs the load tool against all nodes.
func (s *stage) load(ctx context.Context, duration time.Duration) (r report.Report, err error) {
	var addresses, processes []string
	for _, m := range s.members {
		addresses = append(addresses, m.Radius)
		processes = append(processes, fmt.Sprintf("%s=%d", m.Name, m.Pid()))
	}
	cmd := exec.CommandContext(ctx, s.loadTool, "--quiet",
		"--server", strings.Join(addresses, ","), "--secret-file", s.secretFile, "--keys", s.keysFile,
		"--password", password, "--count", fmt.Sprint(s.people), "--rate", fmt.Sprint(s.rate),
		"--warmup", "3s", "--duration", duration.String(), "--cpu-pids", strings.Join(processes, ","))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if jsonErr := json.Unmarshal(stdout.Bytes(), &r); err != nil || jsonErr != nil {
		return r, fmt.Errorf("load: %w: %s", errors.Join(err, jsonErr), &stderr)
	}
	return r, nil
}
