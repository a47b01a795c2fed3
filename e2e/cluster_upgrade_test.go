//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/cluster/state"
	"sallyport/e2e/servers"
)

// release is a program, and the feature level that it knows.
type release struct {
	path  string
	level uint32
}

// releases are today's program and one that knows the next feature level.
func releases(t *testing.T) (today, next release) {
	t.Helper()
	path, err := buildTagged("today", "faults")
	if err != nil {
		t.Fatal(err)
	}
	newer, err := buildTagged("next", "faults,nextlevel")
	if err != nil {
		t.Fatal(err)
	}
	return release{path, state.Level}, release{newer, state.Level + 1}
}

// fleet is a cluster at work, whose nodes have a program each, which can be replaced.
type fleet struct {
	t *testing.T
	trio
	*traffic
	programs map[*site]string
}

func startFleet(t *testing.T, r release, config string) *fleet {
	t.Helper()
	dir := t.TempDir()
	var options []servers.SallyportOptions
	for i := range 3 {
		name := fmt.Sprintf("node%d", i+1)
		program := filepath.Join(dir, name)
		if err := os.Symlink(r.path, program); err != nil {
			t.Fatal(err)
		}
		options = append(options, nodeOptions(name, program, config))
	}
	f := &fleet{t: t, programs: map[*site]string{}}
	for _, s := range servers.StartSallyportCluster(t, options...) {
		node := siteOf(t, s)
		f.trio = append(f.trio, node)
		f.programs[node] = filepath.Join(dir, s.Name)
	}
	return f
}

// install replaces a node's program, as a package does, and leaves the one that runs.
func (f *fleet) install(s *site, r release) {
	f.t.Helper()
	program := f.programs[s]
	if err := errors.Join(os.Symlink(r.path, program+".new"), os.Rename(program+".new", program)); err != nil {
		f.t.Fatal(err)
	}
}

// restart installs a program on a node, and starts the node again when it has ended in order. It returns
// when the cluster is well, and logins have gone on for longer than a client is patient.
func (f *fleet) restart(s *site, r release) {
	f.t.Helper()
	f.install(s, r)
	s.Stop()
	if err := s.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.whole()
	f.more(200)
}

// whole waits until every node says that all are well.
func (f *fleet) whole() {
	f.t.Helper()
	f.trio[0].eventually("a healthy cluster", func() error {
		for _, s := range f.trio {
			if m, err := s.Members(); err != nil || !m.Healthy {
				return fmt.Errorf("%s: %+v, %w", s.Name, m, err)
			}
		}
		return nil
	})
}

// atLevel waits until the cluster has a feature level, as every node sees it.
func (f *fleet) atLevel(level uint32) {
	f.t.Helper()
	f.trio[0].eventually(fmt.Sprintf("feature level %d", level), func() error {
		for _, s := range f.trio {
			if m, err := s.Members(); err != nil || m.Level != level {
				return fmt.Errorf("%s: level %d, %w", s.Name, m.Level, err)
			}
		}
		return nil
	})
}

// TestRollingUpgradeFailsNobody upgrades a cluster node by node, the leader last, and takes one of them back on the
// way, under fifty logins a second. The feature level rises by itself once all nodes know it; then the
// earlier program refuses, with words.
func TestRollingUpgradeFailsNobody(t *testing.T) {
	t.Parallel()
	const people, rate = 1900, 50 // each has rested for longer than a time step
	today, next := releases(t)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{Bulk: people})
	f := startFleet(t, today, corp(slapd.CAFile, slapd.URL())+clients)
	f.atLevel(today.level)
	f.traffic = startTraffic(t, f.trio, people, rate)

	leader := f.leader()
	rest := f.but(leader)
	f.restart(rest[0], next)
	f.restart(rest[0], today) // second thoughts
	f.restart(rest[0], next)
	f.restart(rest[1], next)
	f.atLevel(today.level)
	f.restart(leader, next)
	if f.leader() == leader {
		t.Errorf("%s leads still: it did not hand the lead over", leader.Name)
	}
	f.atLevel(next.level)

	back := f.but(f.leader())[0]
	f.refuses(back, today)
	f.restart(back, next)
	f.judge()
	f.equal()
}

// equal waits until all nodes have the same state.
func (f *fleet) equal() {
	f.t.Helper()
	type account struct {
		Index  uint64 `json:"applied_index"`
		Digest string `json:"digest"`
	}
	f.trio[0].eventually("the same state everywhere", func() error {
		seen := map[account]bool{}
		for _, s := range f.trio {
			_, body, err := s.Get("/status")
			if err != nil {
				return err
			}
			var report struct {
				Parts struct {
					Cluster struct {
						Status account `json:"status"`
					} `json:"cluster"`
				} `json:"parts"`
			}
			if err := json.Unmarshal([]byte(body), &report); err != nil {
				return err
			}
			if seen[report.Parts.Cluster.Status] = true; report.Parts.Cluster.Status.Digest == "" {
				return fmt.Errorf("%s tells no digest: %s", s.Name, body)
			}
		}
		if len(seen) > 1 {
			return fmt.Errorf("the nodes have %v", seen)
		}
		return nil
	})
}

// refuses checks that a program ends by itself with status 78 on a node's data, and says why.
func (f *fleet) refuses(s *site, r release) {
	f.t.Helper()
	f.install(s, r)
	s.Stop()
	if err := s.Launch(); err != nil {
		f.t.Fatal(err)
	}
	s.eventually("the end of an earlier program", func() error {
		select {
		case <-s.Ended():
			return nil
		default:
			return errors.New("it runs")
		}
	})
	const exitConfig = 78
	if code := s.ExitCode(); code != exitConfig {
		f.t.Errorf("it ended with status %d, want %d", code, exitConfig)
	}
	if tail := s.Tail(); !strings.Contains(tail, "run a newer sallyport") {
		f.t.Errorf("it did not say what to do:\n%s", tail)
	}
}
