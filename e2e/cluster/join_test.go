//go:build e2e

package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever tries to join without the right token, or cannot be reached, changes nothing; and a node that
// was removed gets nowhere with what it still has.
func TestJoiningIsNotAbused(t *testing.T) {
	sc := readScript(t, 10)
	s := start(t, options{people: 40})
	s.register()
	stranger := s.alone("stranger")
	for _, abuse := range []struct {
		name string
		try  func(s *site)
	}{
		{"a forged token", func(s *site) { s.forge(stranger) }},
		{"a token for another node", func(s *site) { s.borrow(stranger) }},
		{"a node that members cannot reach", func(s *site) { s.unreachable(stranger) }},
		{"a used token", func(s *site) { s.again(stranger) }},
		{"a cluster with nodes of the same names", func(s *site) { s.foreign(sc.rounds) }},
		{"a removal that would lose the quorum", (*site).removeOneOfTwo},
		{"a node that was removed", func(s *site) { s.removed(sc.rounds) }},
	} {
		t.Run(abuse.name, func(t *testing.T) { abuse.try(s.in(t)) })
	}
}

// forge alters a bit of what a token proves: which cluster, its authority, the secret.
func (s *site) forge(stranger *node) {
	s.Helper()
	token := s.token(stranger.Name)
	text, err := os.ReadFile(token)
	s.must(err)
	prefix, encoded, ok := strings.Cut(strings.TrimSpace(string(text)), ":")
	if !ok {
		s.Fatal("a token has no prefix")
	}
	for _, field := range []string{"c", "a", "s"} {
		for at := 0; at < 8; at++ {
			s.must(os.WriteFile(token, []byte(prefix+":"+s.flip(encoded, field, at)), 0o600))
			s.refused(stranger, token)
		}
	}
	s.untouched()
}

// flip changes one character of a field of a token.
func (s *site) flip(encoded, field string, at int) string {
	s.Helper()
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	s.must(err)
	var fields map[string]any
	s.must(json.Unmarshal(text, &fields))
	value, ok := fields[field].(string)
	if !ok || at >= len(value) {
		s.Fatalf("a token has no field %q of %d characters", field, at+1)
	}
	other := "A"
	if value[at] == 'A' {
		other = "B"
	}
	fields[field] = value[:at] + other + value[at+1:]
	forged, err := json.Marshal(fields)
	s.must(err)
	return base64.RawURLEncoding.EncodeToString(forged)
}

// borrow uses another node's token.
func (s *site) borrow(stranger *node) {
	s.Helper()
	s.refused(stranger, s.token("somebody"))
	s.untouched()
}

// unreachable joins from where members cannot reach it.
func (s *site) unreachable(stranger *node) {
	s.Helper()
	token := s.token(stranger.Name)
	s.must(s.net.PartTo(stranger.host))
	s.refused(stranger, token)
	s.must(s.net.Heal())
	s.untouched()
}

// again joins twice by one token. The first time it does not start, so it stays a node that joins.
func (s *site) again(stranger *node) {
	s.Helper()
	token := s.token(stranger.Name)
	s.must(stranger.JoinBy(token))
	s.must(errors.Join(os.RemoveAll(stranger.Data), os.Remove(stranger.MasterKey)))
	s.refused(stranger, token)
	_, err := s.nodes[0].Run("", "cluster", "remove", stranger.Name, "--yes")
	s.must(err)
	s.untouched()
}

// foreign speaks to the cluster with the certificate of another one.
func (s *site) foreign(rounds int) {
	s.Helper()
	foreign := s.alone("foreign")
	s.must(foreign.Init())
	s.everyRPC(foreign.Data, rounds)
	s.untouched()
}

// removeOneOfTwo asks for the removal of a node while another one is down.
func (s *site) removeOneOfTwo() {
	s.Helper()
	dead := s.nodes[2]
	dead.kill()
	s.eventually("the death of a node to be noticed", 10*time.Second, func() error {
		m, err := s.nodes[0].Members()
		if err == nil && m.Healthy {
			err = errors.New("the cluster is called healthy")
		}
		return err
	})
	if out, err := s.nodes[0].Run("", "cluster", "remove", s.nodes[1].Name, "--yes"); err == nil {
		s.Errorf("one of two nodes that are left was removed: %s", out)
	}
	s.must(dead.launch())
	s.untouched()
}

// removed removes a node, whose certificate and whose whole disk are then used.
func (s *site) removed(rounds int) {
	s.Helper()
	gone, kept := s.nodes[2], s.TempDir()
	s.must(os.CopyFS(kept, os.DirFS(gone.Data)))
	_, err := s.nodes[0].Run("", "cluster", "remove", gone.Name, "--yes")
	s.must(err)
	s.nodes = s.nodes[:2]
	s.everyRPC(kept, rounds)
	gone.kill()
	s.must(errors.Join(os.RemoveAll(gone.Data), os.CopyFS(gone.Data, os.DirFS(kept))))
	s.must(gone.launch())
	s.hold(3 * time.Second)
	if gone.Ready() {
		s.Error("it serves logins")
	}
	gone.kill()
	s.untouched()
}

// alone is a host with a node that belongs to no cluster and is not started.
func (s *site) alone(name string) *node {
	s.Helper()
	n := s.add(name)
	s.nodes = s.nodes[:len(s.nodes)-1]
	return n
}

// token is a file with a token for a node.
func (s *site) token(node string) string {
	s.Helper()
	file := filepath.Join(s.TempDir(), "token")
	s.must(s.nodes[0].Token(node, file))
	return file
}

// refused checks that a token is of no use, and leaves nothing behind.
func (s *site) refused(n *node, token string) {
	s.Helper()
	if err := n.JoinBy(token); err == nil {
		s.Fatal("the node has joined")
	}
	if _, err := os.Stat(n.MasterKey); err == nil {
		s.Error("it was given the master key")
	}
}

// untouched checks that the quorum is that of the site's nodes, and that they serve a login.
func (s *site) untouched() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	member := s.nodes[0]
	s.must(member.WaitVoters(ctx, len(s.nodes)))
	m, err := member.Members()
	s.must(err)
	if want := len(s.nodes)/2 + 1; m.Quorum != want {
		s.Errorf("the quorum is %d, want %d", m.Quorum, want)
	}
	s.across(s.fresh(1), s.nodes[0], s.nodes[1], func() {})
}

// identityDir is the folder with a node's certificate in a data directory.
func (s *site) identityDir(data string) string {
	s.Helper()
	var dir string
	s.must(filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".pem") {
			dir = filepath.Dir(path)
		}
		return err
	}))
	if dir == "" {
		s.Fatalf("%s holds no certificate", data)
	}
	return dir
}
