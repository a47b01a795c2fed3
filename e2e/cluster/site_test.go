//go:build e2e

package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/hosts"
	"sallyport/e2e/servers"
)

// options say what a site is like. The zero value has three nodes of the plain program on the machine's
// own disk.
type options struct {
	// program is plain or raced.
	program func() (string, error)
	// nodes is how many there are; 0 means 3.
	nodes int
	// people is how many there are in the directory.
	people int
	// disk is the size of each node's own; 0 means a folder.
	disk int64
	// lockFor is how long five wrong codes lock; empty means a minute.
	lockFor string
	// broken plants the fault that histories must show.
	broken bool
}

// site is a cluster, its people, and what is lost between its nodes.
type site struct {
	*testing.T
	net    *hosts.Network
	nodes  []*node
	people []person
	opt    options
	dir    string
}

// start forms a cluster and ends it with the test.
func start(t *testing.T, opt options) *site {
	t.Helper()
	if opt.program == nil {
		opt.program = plain
	}
	opt.nodes = cmp.Or(opt.nodes, 3)
	s := &site{T: t, net: hosts.New(t), opt: opt, dir: t.TempDir()}
	s.people = folk(opt.people)
	for i := range opt.nodes {
		s.add(fmt.Sprintf("node%d", i+1))
	}
	first := s.nodes[0]
	s.must(first.Init())
	s.must(first.Start())
	for _, n := range s.nodes[1:] {
		s.must(n.Join(first.Sallyport))
		s.must(n.Start())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.must(first.WaitVoters(ctx, len(s.nodes)))
	for _, n := range s.nodes {
		n.supervise()
	}
	return s
}

// add makes a host with a node on it that belongs to no cluster and does not run.
func (s *site) add(name string) *node {
	s.Helper()
	binary, err := s.opt.program()
	s.must(err)
	n := newNode(s, binary, s.net.Host(name))
	s.nodes = append(s.nodes, n)
	return n
}

// must ends the test at an error.
func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// eventually waits for a named condition and returns how long that took.
func (s *site) eventually(what string, within time.Duration, condition func() error) time.Duration {
	s.Helper()
	began, last := time.Now(), error(nil)
	ctx, cancel := context.WithTimeout(s.Context(), within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			if took := time.Since(began); took > worthTelling {
				s.Logf("%v until %s; the last obstacle: %v", took.Round(time.Millisecond), what, last)
			}
			return time.Since(began)
		}
		last = err
		select {
		case <-ctx.Done():
			s.Fatalf("waited %v in vain for %s: %v%s", within, what, err, s.tails())
		case <-tick.C:
		}
	}
}

// worthTelling is a wait whose end is logged.
const worthTelling = 5 * time.Second

// hold lets a fault last.
func (s *site) hold(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.Context().Done():
	}
}

// leader waits for the node that leads.
func (s *site) leader() *node {
	s.Helper()
	var leader *node
	s.eventually("a leader", 20*time.Second, func() error {
		if leader = s.leads(); leader == nil {
			return errors.New("nobody leads")
		}
		return nil
	})
	return leader
}

// leads is the node that leads in the newest term, nil when there is none.
func (s *site) leads() *node {
	var leader *node
	var term uint64
	for _, n := range s.nodes {
		if st, err := n.state(); err == nil && st.RaftState == "Leader" && st.Term >= term {
			leader, term = n, st.Term
		}
	}
	return leader
}

// others are all nodes but some.
func (s *site) others(some ...*node) []*node {
	var rest []*node
	for _, n := range s.nodes {
		if !contains(some, n) {
			rest = append(rest, n)
		}
	}
	return rest
}

func contains(nodes []*node, n *node) bool {
	for _, m := range nodes {
		if m == n {
			return true
		}
	}
	return false
}

// whole waits until every node is ready and has what any has now, and returns how long that took.
func (s *site) whole(within time.Duration) time.Duration {
	s.Helper()
	var target uint64
	return s.eventually("all nodes to be ready and caught up", within, func() error {
		for _, n := range s.nodes {
			st, err := n.state()
			switch {
			case err != nil:
				return err
			case !n.Ready():
				return fmt.Errorf("%s is not ready: %s", n.Name, n.reason())
			}
			target = max(target, st.AppliedIndex)
		}
		for _, n := range s.nodes {
			st, err := n.state()
			switch {
			case err != nil:
				return err
			case st.AppliedIndex < target:
				return fmt.Errorf("%s is at entry %d of %d", n.Name, st.AppliedIndex, target)
			}
		}
		return nil
	})
}

// alike waits until all nodes have the same state. Nothing may be under way.
func (s *site) alike() {
	s.Helper()
	s.eventually("all nodes to be equal", 20*time.Second, func() error {
		first, err := s.nodes[0].state()
		if err != nil {
			return err
		}
		for _, n := range s.nodes[1:] {
			st, err := n.state()
			if err != nil {
				return err
			}
			if st.AppliedIndex != first.AppliedIndex || st.Digest != first.Digest {
				return fmt.Errorf("%s is at %d with digest %s, %s at %d with %s", n.Name, st.AppliedIndex, st.Digest,
					s.nodes[0].Name, first.AppliedIndex, first.Digest)
			}
		}
		return nil
	})
}

// tails are the last lines of all logs that are not about logins.
func (s *site) tails() string {
	const kept = 12
	var text strings.Builder
	for _, n := range s.nodes {
		fmt.Fprintf(&text, "\n%s (exits %v):\n", n.Name, n.exitCodes())
		var lines []string
		for line := range strings.Lines(n.Tail()) {
			if !strings.Contains(line, `"event":"login"`) {
				lines = append(lines, line)
			}
		}
		text.WriteString(strings.Join(lines[max(0, len(lines)-kept):], ""))
	}
	return text.String()
}

// raceless fails the test when the race detector of a node has found something.
func (s *site) raceless() {
	s.Helper()
	for _, n := range s.nodes {
		text, err := os.ReadFile(n.LogFile)
		s.must(err)
		if i := bytes.Index(text, []byte("WARNING: DATA RACE")); i >= 0 {
			s.Errorf("%s has a data race: %s", n.Name, text[i:min(len(text), i+4<<10)])
		}
	}
}

// config is what all nodes share.
func (s *site) config() string {
	return `
[[client]]
name = "vpn"
address = "10.18.0.0/16"
secret = "` + servers.ClientSecret + `"
message_authenticator = "optional"
ui = true
policy = "staff"

[directory.corp]
type = "local"
users_file = "` + filepath.Join(s.dir, "people.toml") + `"

[policy.staff]
directory = "corp"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Example"

[login]
reject_delay = "0s"
soft_lock_for = "` + cmp.Or(s.opt.lockFor, "1m") + `"
`
}
