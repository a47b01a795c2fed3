package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sallyport/e2e/servers"
)

// The names of the contenders.
const (
	peerName    = "freeradius"
	ourName     = "sallyport"
	clusterName = "sallyport-cluster"
)

// sharedKey is everyone's TOTP key at FreeRADIUS: RFC 6238's own.
const sharedKey = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// contender is a server under test.
type contender struct {
	name string
	// radius are the addresses, with commas, and pids the processes of its servers.
	radius string
	pids   []int
	// keys are the load tool's flags that say which TOTP keys the users have.
	keys []string
	// singleUse tells that a code is taken once only, so that the people must rest between runs.
	singleUse bool
	rest      *rest
}

// stage is everything that runs: slapd, the contenders and the load tool's program.
type stage struct {
	options
	dir      string
	progress io.Writer
	now      func() time.Time

	slapd      *servers.Slapd
	contenders []*contender
	loadTool   string
	secretFile string
	stops      []func()
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.progress, format+"\n", args...) }

// start starts slapd and the contenders, and registers everyone at Sallyport.
func (s *stage) start(ctx context.Context) error {
	s.loadTool, s.secretFile = filepath.Join(s.dir, "load"), filepath.Join(s.dir, "secret")
	build := exec.CommandContext(ctx, "go", "build", "-o", s.loadTool, "sallyport/e2e/load")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the load tool: %w: %s", err, out)
	}
	if err := os.WriteFile(s.secretFile, []byte(servers.ClientSecret), 0o600); err != nil {
		return err
	}
	s.say("slapd: loading %d people", s.people)
	dir, err := s.subdir("slapd")
	if err != nil {
		return err
	}
	if s.slapd, err = servers.NewSlapd(dir, servers.SlapdOptions{Bulk: s.people}); err != nil {
		return err
	}
	s.stops = append(s.stops, s.slapd.Stop)
	if s.measured(peerName) {
		err = errors.Join(err, s.startPeer())
	}
	if s.measured(ourName) {
		err = errors.Join(err, s.startOurs(ctx))
	}
	if s.measured(clusterName) && s.nodes > 0 {
		err = errors.Join(err, s.startCluster(ctx))
	}
	return err
}

// measured reports whether a contender is to be measured.
func (s *stage) measured(name string) bool { return s.only == "" || s.only == name }

// stop ends everything, what was started last first.
func (s *stage) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

func (s *stage) subdir(name string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(s.dir, name))
	if err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// directory is where the contenders find slapd, and the CA of its certificate if they need it.
func (s *stage) directory() (url, caFile string) {
	if s.tls {
		return s.slapd.TLSURL(), s.slapd.CAFile
	}
	return s.slapd.URL(), ""
}

// newRest says who takes turns. Cold, two parts do, and nobody comes back before Sallyport has
// forgotten the entry; warm, as many people as it remembers come back with each time step.
func (s *stage) newRest() *rest {
	if s.warm {
		return &rest{people: s.people, parts: 1}
	}
	return &rest{people: s.people, parts: 2, after: entryCache + time.Second}
}

func (s *stage) startPeer() error {
	dir, err := s.subdir(peerName)
	if err != nil {
		return err
	}
	url, caFile := s.directory()
	peer, err := servers.NewFreeRADIUS(dir, servers.FreeRADIUSOptions{
		LDAPURL: url, CAFile: caFile, TOTPKey: sharedKey, Threads: s.threads,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, peer.Stop)
	s.contenders = append(s.contenders, &contender{
		name: peerName, radius: peer.Radius, pids: []int{peer.Pid()}, keys: []string{"--key", sharedKey}, rest: s.newRest(),
	})
	return nil
}
