//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/cluster/state"
	"sallyport/e2e/servers"
)

// settler registered at a node alone before there were clusters, and has used codes there.
var settler = servers.Person{UID: "alice", Password: "password-of-alice"}

// aloneConfig is what that node was configured with.
func aloneConfig(t *testing.T) string { return residents(t, settler) + clients }

// moveIn puts data of that release in place of a node's, with its master key, and returns settler's TOTP
// key. The data was begun in 2025, on a node called node1; the log holds all of it, or what came after a
// snapshot.
func moveIn(t *testing.T, s *servers.Sallyport, form string) (key string) {
	t.Helper()
	from := filepath.Join("testdata", "alone", form)
	master, err := os.ReadFile(filepath.Join(from, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	totpKey, err := os.ReadFile(filepath.Join(from, "totp.key"))
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.RemoveAll(s.Data), os.CopyFS(s.Data, os.DirFS(filepath.Join(from, "data"))),
		os.WriteFile(s.MasterKey, master, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(totpKey))
}

// TestDataFromBeforeTheClusterIsOpened: the program opens what the release before the cluster has written, and
// people log in with what they registered there.
func TestDataFromBeforeTheClusterIsOpened(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"log", "snapshot"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			s := startSite(t, aloneConfig(t))
			s.Stop()
			key := moveIn(t, s.Sallyport, form)
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			s.knows(key)
		})
	}
}

// knows logs settler in, once with one code.
func (s *site) knows(key string) {
	s.t.Helper()
	used := code(s.t, key, 0)
	s.want(s.ask(settler.UID, used, s.begin(settler)), "Access-Accept", "accepted", "")
	s.want(s.ask(settler.UID, used, s.begin(settler)), "Access-Challenge", "otp_replayed", "otp")
}

// TestDataFromBeforeTheClusterIsTakenAlong: such a node becomes the first of a cluster, and the people are known
// on the second.
func TestDataFromBeforeTheClusterIsTakenAlong(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"log", "snapshot"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			first, second := twoNodes(t, aloneConfig(t))
			key := moveIn(t, first.Sallyport, form)
			if _, err := first.Run("", "cluster", "init", "--config", first.ConfigFile); err != nil {
				t.Fatal(err)
			}
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(second.Join(first.Sallyport), second.Start()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := first.WaitVoters(ctx, 2); err != nil {
				t.Fatal(err)
			}
			if m, err := second.Members(); err != nil || m.Level != state.Level {
				t.Errorf("the feature level is %d, want %d: %v", m.Level, state.Level, err)
			}
			second.knows(key)
		})
	}
}

// twoNodes are nodes that belong to no cluster and do not run.
func twoNodes(t *testing.T, config string) (first, second *site) {
	t.Helper()
	program, err := clusterBinary()
	if err != nil {
		t.Fatal(err)
	}
	var both []*site
	for _, name := range []string{"node1", "node2"} {
		s, err := servers.NewSallyportNode(filepath.Join(t.TempDir(), name), nodeOptions(name, program, config))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		both = append(both, siteOf(t, s))
	}
	return both[0], both[1]
}
