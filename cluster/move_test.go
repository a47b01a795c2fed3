package cluster_test

import "testing"

func TestANodeMayMove(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3)
	closeNode(t, s.nodes["n3"])
	moved := s.configs["n3"]
	moved.Listen = freePort(t)
	s.configs["n3"] = moved
	s.start("n3")
	waitFor(t, "the cluster knows the new address", func() bool {
		m, err := s.nodes["n1"].Members(t.Context())
		return err == nil && m.Healthy && m.Nodes[2].Address == moved.Listen
	})
}
