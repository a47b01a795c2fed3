//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// clusterBinary is the program as nodes of a cluster run it in tests, which need not be well for long
// before they vote. It goes with the folder of [binary].
var clusterBinary = sync.OnceValues(func() (string, error) { return buildTagged("cluster", "faults", "-race") })

// buildTagged builds the program with build tags, under a name of its own.
func buildTagged(name, tags string, flags ...string) (string, error) {
	plain, err := binary()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(plain), "sallyport-"+name)
	args := append([]string{"build", "-tags", tags, "-o", path}, flags...)
	if out, err := exec.Command("go", append(args, "../cmd/sallyport")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build sallyport: %w: %s", err, out)
	}
	return path, nil
}

// nodeOptions say how a node of a cluster is run.
func nodeOptions(name, binary, config string) servers.SallyportOptions {
	return servers.SallyportOptions{
		Binary: binary, Name: name, Config: config, LogLevel: "info", Environment: []string{"SALLYPORT_TEST_PROMOTE_AFTER=100ms"},
	}
}

// trio is the nodes of a cluster.
type trio []*site

// startCluster starts three nodes that differ in nothing but their names.
func startCluster(t *testing.T, config string) trio {
	t.Helper()
	program, err := clusterBinary()
	if err != nil {
		t.Fatal(err)
	}
	var options []servers.SallyportOptions
	for i := range 3 {
		options = append(options, nodeOptions(fmt.Sprintf("node%d", i+1), program, config))
	}
	var all trio
	for _, s := range servers.StartSallyportCluster(t, options...) {
		all = append(all, siteOf(t, s))
	}
	return all
}

// siteOf is a node with a radclient that asks it; when the test fails, its log is shown.
func siteOf(t *testing.T, s *servers.Sallyport) *site {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s ends with:\n%s", s.Name, s.Tail())
		}
	})
	return &site{s, t, servers.StartRadclient(t, servers.RadclientOptions{Server: s.Radius, Dictionary: dictionary, Timeout: 5 * time.Second})}
}

// leader waits until the nodes that run agree on a leader.
func (c trio) leader() *site {
	c[0].t.Helper()
	var leader *site
	c[0].eventually("a leader that all know", func() error {
		leader = nil
		for _, s := range c {
			if s.Pid() == 0 {
				continue
			}
			m, err := s.Members()
			if err != nil {
				return err
			}
			named := c.named(m.Leader)
			if named == nil || leader != nil && leader != named {
				return fmt.Errorf("%s knows %q as its leader", s.Name, m.Leader)
			}
			leader = named
		}
		return nil
	})
	return leader
}

// named is a node that runs, by its name; nil when there is none.
func (c trio) named(name string) *site {
	i := slices.IndexFunc(c, func(s *site) bool { return s.Name == name && s.Pid() != 0 })
	if i < 0 {
		return nil
	}
	return c[i]
}

// but are all nodes but some.
func (c trio) but(some ...*site) trio {
	return slices.DeleteFunc(slices.Clone(c), func(s *site) bool { return slices.Contains(some, s) })
}
