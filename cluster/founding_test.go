package cluster_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/cluster"
	"sallyport/login"
)

// alone is a configuration without a port.
func alone(c cluster.Config) cluster.Config {
	c.Listen = ""
	return c
}

func TestAClusterBeginsOnce(t *testing.T) {
	s := &site{t: t, configs: map[string]cluster.Config{}, nodes: map[string]*cluster.Node{}}
	config := s.config("n1")
	s.configs["n1"] = config
	var setting *cluster.ConfigError
	if _, err := cluster.Open(config); !errors.As(err, &setting) || !strings.Contains(err.Error(), `"sallyport cluster init"`) {
		t.Errorf("a node of nothing: %v", err)
	}
	if err := cluster.Init(alone(config)); !errors.As(err, &setting) {
		t.Errorf("a cluster without a port: %v", err)
	}
	if err := cluster.Init(config); err != nil {
		t.Fatalf("Init: %v", err)
	}
	if err := cluster.Init(config); err != nil {
		t.Errorf("Init again, before the first start: %v", err)
	}
	s.start("n1")
	s.enrol("n1")
	if err := cluster.Init(config); err == nil || !strings.Contains(err.Error(), "is sallyport running") {
		t.Errorf("Init of a node that runs: %v", err)
	}
	s.close("n1")
	mustBeRefused(t, "Init of a node of a cluster", cluster.Init(config), "holds a part of a cluster already")
	if _, err := cluster.Open(alone(config)); !errors.As(err, &setting) || !strings.Contains(err.Error(), "belongs to a cluster") {
		t.Errorf("a node of a cluster, alone: %v", err)
	}
	other := config
	other.Name = "n2"
	if _, err := cluster.Open(other); !errors.As(err, &setting) || !strings.Contains(err.Error(), `"n1"`) {
		t.Errorf("under another name: %v", err)
	}
	other = config
	other.MasterKey = bytes.Repeat([]byte{9}, 32)
	if _, err := cluster.Open(other); !errors.Is(err, cluster.ErrMasterKey) {
		t.Errorf("under another master key: %v", err)
	}
	lookForSecrets(t, config.DataDir)
	s.start("n1")
}

func TestANodeThatWasAloneKeepsItsPeople(t *testing.T) {
	s := &site{t: t, configs: map[string]cluster.Config{}, nodes: map[string]*cluster.Node{}}
	config := s.config("n1")
	s.configs["n1"] = config
	n := openNode(t, alone(config))
	s.nodes["n1"] = n
	s.enrol("n1")
	used := s.use(5)
	settle(t, n, used, login.Outcome{Code: login.CodeAccepted})
	id := n.Status(t.Context()).(cluster.Status).ClusterID
	s.close("n1")

	wrong := config
	wrong.MasterKey = bytes.Repeat([]byte{9}, 32)
	if err := cluster.Init(wrong); !errors.Is(err, cluster.ErrMasterKey) {
		t.Errorf("Init under another master key: %v", err)
	}
	if err := cluster.Init(config); err != nil {
		t.Fatalf("Init: %v", err)
	}
	s.start("n1")
	s.join("n2", false)
	settle(t, s.nodes["n2"], used, login.Outcome{Code: login.CodeAccepted, Repeated: true})
	status := s.nodes["n2"].Status(t.Context()).(cluster.Status)
	if status.ClusterID != id || status.ClusterEpoch != 1 || status.Users != 1 {
		t.Errorf("cluster %s, epoch %d, %d users; it was %s", status.ClusterID, status.ClusterEpoch, status.Users, id)
	}
}

// TestAnInterruptedInitGoesOn takes away what each step has left behind, from the last to the first.
func TestAnInterruptedInitGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		people  bool
		missing []string
	}{
		"before the roster":                 {false, []string{"recall.json"}},
		"before the certificate":            {false, []string{"recall.json", "node.pem"}},
		"before the log":                    {false, []string{"recall.json", "node.pem", "raft.db"}},
		"of people, before the roster":      {true, []string{"recall.json"}},
		"of people, before the certificate": {true, []string{"recall.json", "node.pem"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{t: t, configs: map[string]cluster.Config{}, nodes: map[string]*cluster.Node{}}
			config := s.config("n1")
			s.configs["n1"] = config
			if c.people {
				s.nodes["n1"] = openNode(t, alone(config))
				s.enrol("n1")
				s.close("n1")
			}
			if err := cluster.Init(config); err != nil {
				t.Fatalf("Init: %v", err)
			}
			for _, file := range c.missing {
				if err := os.Remove(filepath.Join(config.DataDir, "raft", file)); err != nil {
					t.Fatal(err)
				}
			}
			if err := cluster.Init(config); err != nil {
				t.Fatalf("Init again: %v", err)
			}
			s.start("n1")
			s.join("n2", false)
			if status := s.nodes["n2"].Status(t.Context()).(cluster.Status); c.people && status.Users != 1 {
				t.Errorf("%d users", status.Users)
			}
			if _, err := os.Stat(filepath.Join(config.DataDir, "raft", "founding.json")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the beginning is kept: %v", err)
			}
		})
	}
}

// TestAnInitAfterAFirstStart is made where the first start was interrupted after the log knew the node's
// certificate: it is kept, or nobody would recognise the node.
func TestAnInitAfterAFirstStart(t *testing.T) {
	s := &site{t: t, configs: map[string]cluster.Config{}, nodes: map[string]*cluster.Node{}}
	config := s.config("n1")
	s.configs["n1"] = config
	if err := cluster.Init(config); err != nil {
		t.Fatalf("Init: %v", err)
	}
	path := filepath.Join(config.DataDir, "raft", "founding.json")
	founding, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.start("n1")
	s.close("n1")
	if err := errors.Join(os.WriteFile(path, founding, 0o600), cluster.Init(config)); err != nil {
		t.Fatalf("Init again: %v", err)
	}
	s.start("n1")
	s.join("n2", false)
}

func TestADamagedBeginningIsSaid(t *testing.T) {
	s := &site{t: t}
	config := s.config("n1")
	if err := cluster.Init(config); err != nil {
		t.Fatalf("Init: %v", err)
	}
	path := filepath.Join(config.DataDir, "raft", "founding.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Init(config); err == nil || !strings.Contains(err.Error(), "beginning of the cluster") {
		t.Errorf("Init: %v", err)
	}
}
