package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sallyport/web/admin"
)

// StartSallyportCluster starts a cluster for the duration of a test.
func StartSallyportCluster(t T, nodes ...SallyportOptions) []*Sallyport {
	t.Helper()
	all, err := NewSallyportCluster(t.TempDir(), nodes...)
	for _, s := range all {
		t.Cleanup(s.Stop)
	}
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	return all
}

// NewSallyportCluster starts nodes, each in a folder of its name within dir, and forms a cluster of them
// as an administrator would: init on the first, a token and a join for each of the others. It returns
// when all are voters and ready; with an error, those that were started. Each needs a Name of its own.
func NewSallyportCluster(dir string, nodes ...SallyportOptions) ([]*Sallyport, error) {
	var all []*Sallyport
	for _, opt := range nodes {
		s, err := NewSallyportNode(filepath.Join(dir, opt.Name), opt)
		if err != nil {
			return all, err
		}
		if len(all) == 0 {
			err = s.Init()
		} else {
			err = s.Join(all[0])
		}
		if err != nil {
			return all, err
		}
		all = append(all, s)
		if err := s.Start(); err != nil {
			return all, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	return all, all[0].WaitVoters(ctx, len(all))
}

// NewSallyportNode writes the configuration of a node that belongs to no cluster yet, with a port for
// the others. It does not start.
func NewSallyportNode(dir string, opt SallyportOptions) (*Sallyport, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := opt.port(18300, FreePort)
	if err != nil {
		return nil, err
	}
	s, err := prepareSallyport(dir, opt)
	if err != nil {
		return nil, err
	}
	s.Cluster = fmt.Sprintf("%s:%d", s.opt.Address, port)
	s.opt.Config = fmt.Sprintf("[cluster]\nlisten = %q\n\n", s.Cluster) + s.opt.Config
	return s, s.configure()
}

// Init makes the node, which does not run, the first of a cluster, under a fresh master key.
func (s *Sallyport) Init() error {
	if err := s.generateKey(); err != nil {
		return err
	}
	_, err := s.Run("", "cluster", "init", "--config", s.ConfigFile)
	return err
}

// Join makes the node, which does not run, one more of a member's cluster.
func (s *Sallyport) Join(member *Sallyport) error {
	token := filepath.Join(s.Dir, "token")
	if err := member.Token(s.Name, token); err != nil {
		return err
	}
	return errors.Join(s.JoinBy(token), os.Remove(token))
}

// Token has a member write a token for a node of that name into a file.
func (s *Sallyport) Token(node, file string, flags ...string) error {
	_, err := s.Run("", append([]string{"cluster", "token", node, "--out", file}, flags...)...)
	return err
}

// JoinBy joins by the token in a file.
func (s *Sallyport) JoinBy(token string) error {
	_, err := s.Run("", "cluster", "join", "--token-file", token, "--config", s.ConfigFile)
	return err
}

// Members is the cluster as the node sees it.
func (s *Sallyport) Members() (admin.Members, error) {
	var m admin.Members
	out, err := s.output("cluster", "list", "--json")
	if err != nil && len(out) == 0 {
		return m, err
	}
	if err := json.Unmarshal(out, &m); err != nil {
		return m, fmt.Errorf("cluster list of %s: %w: %s", s.Name, err, out)
	}
	return m, nil // it exits with another code than 0 when something is wrong, and says what in m
}

// WaitVoters waits until so many nodes are voters, and the cluster is healthy.
func (s *Sallyport) WaitVoters(ctx context.Context, voters int) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		m, err := s.Members()
		if err == nil && m.Healthy && countVoters(m) == voters {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no cluster of %d voters: %w: %+v, %w", voters, ctx.Err(), m, err)
		case <-tick.C:
		}
	}
}

func countVoters(m admin.Members) int {
	voters := 0
	for _, n := range m.Nodes {
		if n.Voter() {
			voters++
		}
	}
	return voters
}
