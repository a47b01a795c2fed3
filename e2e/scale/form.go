package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sallyport/e2e/servers"
)

// promoteAfter is how long a new node must be well before it votes, here: the default is 10 s.
const promoteAfter = time.Second

// formWithin bounds the time until everyone is up.
const formWithin = 5 * time.Minute

// joining is how long it took a new node to come in.
type joining struct {
	// serves is from its start until it answers logins, votes until it votes; promoteAfter is not in it.
	serves, votes time.Duration
}

// nodeOptions say how a node is configured.
func (s *stage) nodeOptions(name string) servers.SallyportOptions {
	return servers.SallyportOptions{
		Binary: s.binary, Name: name, LogLevel: "info", Config: s.config,
		Environment: []string{
			"GOMEMLIMIT=" + s.memoryLimit,
			"SALLYPORT_TEST_PROMOTE_AFTER=" + promoteAfter.String(),
			"SALLYPORT_TEST_SNAPSHOTS=" + s.snapshotsFile(name),
		},
	}
}

// snapshotsFile makes a node take one snapshot after another, while it is there.
func (s *stage) snapshotsFile(name string) string { return filepath.Join(s.dir, name+".snapshots") }

// form starts the first node and lets the others join, one after another.
func (s *stage) form(ctx context.Context) error {
	first := s.members[0]
	if err := first.Start(); err != nil {
		return err
	}
	for i := 1; i < s.options.nodes; i++ {
		name := fmt.Sprintf("node%d", i+1)
		member, err := servers.NewSallyportNode(filepath.Join(s.dir, name), s.nodeOptions(name))
		if err != nil {
			return err
		}
		if err := member.Join(first); err != nil {
			return err
		}
		s.members = append(s.members, member)
		began := time.Now()
		if err := member.Start(); err != nil {
			return err
		}
		j := joining{serves: time.Since(began)}
		if err := s.waitVoters(ctx); err != nil {
			return err
		}
		j.votes = max(j.serves, time.Since(began)-promoteAfter)
		s.found.joins = append(s.found.joins, j)
		s.say("%s serves after %v and votes after %v", name, j.serves.Round(10*time.Millisecond), j.votes.Round(10*time.Millisecond))
	}
	return nil
}

// restart stops the last node and starts it on what it has on its disk.
func (s *stage) restart(ctx context.Context) error {
	last := s.members[len(s.members)-1]
	last.Stop()
	began := time.Now()
	if err := last.Start(); err != nil {
		return err
	}
	s.found.start = time.Since(began)
	s.say("%s started in %v", last.Name, s.found.start.Round(10*time.Millisecond))
	return s.waitVoters(ctx)
}

// snapshot makes some nodes take one snapshot after another from now on, and the others none.
func (s *stage) snapshot(who []*servers.Sallyport) error {
	for _, m := range s.members {
		err := os.Remove(s.snapshotsFile(m.Name))
		if slices.Contains(who, m) {
			err = os.WriteFile(s.snapshotsFile(m.Name), nil, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// letFirstLead makes the first node the leader.
func (s *stage) letFirstLead() error {
	first := s.members[0]
	seen, err := first.Members()
	if err != nil || seen.Leader == first.Name {
		return err
	}
	_, err = first.Run("", "cluster", "transfer", first.Name)
	return err
}

// waitVoters waits until all members vote.
func (s *stage) waitVoters(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formWithin)
	defer cancel()
	return s.members[0].WaitVoters(ctx, len(s.members))
}
