package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"sallyport/e2e/servers"
)

// How long Sallyport may use an entry again: its default, or in a warm bench for the whole run.
const (
	entryCache     = time.Minute
	warmEntryCache = 24 * time.Hour
)

// ourConfig is what Sallyport is configured with, besides what the harness adds. Everyone registers
// at first login, with the key in an attribute of their own.
const ourConfig = `[[client]]
name = "load"
address = ["127.0.0.0/8"]
secret = %q
message_authenticator = "required"
policy = "everyone"
ui = true

[directory.slapd]
type = "ldap"
urls = [%q]
ca_file = %q
base_dn = %q
bind_dn = %q
bind_password = %q
search_filter = "(uid={username})"
entry_cache = %q

[policy.everyone]
directory = "slapd"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Bench"

[login]
peak_rate = 20000
`

// startOurs starts one Sallyport that is alone.
func (s *stage) startOurs(ctx context.Context) error {
	dir, err := s.subdir(ourName)
	if err != nil {
		return err
	}
	opt, err := s.ourOptions("node1")
	if err != nil {
		return err
	}
	node, err := servers.NewSallyport(dir, opt)
	if err != nil {
		return err
	}
	return s.enter(ctx, ourName, node)
}

// startCluster starts a cluster of Sallyport, whose nodes share the machine.
func (s *stage) startCluster(ctx context.Context) error {
	dir, err := s.subdir(clusterName)
	if err != nil {
		return err
	}
	var options []servers.SallyportOptions
	for i := range s.nodes {
		opt, err := s.ourOptions(fmt.Sprintf("node%d", i+1))
		if err != nil {
			return err
		}
		options = append(options, opt)
	}
	nodes, err := servers.NewSallyportCluster(dir, options...)
	if err != nil {
		for _, node := range nodes {
			node.Stop()
		}
		return err
	}
	return s.enter(ctx, clusterName, nodes...)
}

// ourOptions say how a node of Sallyport is configured.
func (s *stage) ourOptions(name string) (servers.SallyportOptions, error) {
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return servers.SallyportOptions{}, err
	}
	url, caFile := s.directory()
	cache := entryCache
	if s.warm {
		cache = warmEntryCache
	}
	return servers.SallyportOptions{
		Binary: binary, Name: name, LogLevel: "info",
		Config: fmt.Sprintf(ourConfig, servers.ClientSecret, url, caFile, servers.PeopleDN, servers.ServiceDN, servers.ServicePassword, cache.String()),
	}, nil
}

// enter makes nodes that run a contender, and registers everyone there, by logins over RADIUS like
// anyone's.
func (s *stage) enter(ctx context.Context, name string, nodes ...*servers.Sallyport) error {
	c := &contender{name: name, keys: []string{"--keys", filepath.Join(s.dir, name+".keys")}, singleUse: true, rest: s.newRest()}
	var addresses []string
	for _, node := range nodes {
		s.stops = append(s.stops, node.Stop)
		addresses = append(addresses, node.Radius)
		c.pids = append(c.pids, node.Pid())
	}
	c.radius = strings.Join(addresses, ",")
	s.contenders = append(s.contenders, c)

	s.say("%s: registering %d people", name, s.people)
	r, err := s.load(ctx, c, "--register", "--count", fmt.Sprint(s.people), "--in-flight", "64")
	if err != nil {
		return err
	}
	s.say("%s", oneLine(r))
	if r.Accepted != int64(s.people) {
		return fmt.Errorf("%d of %d people are registered: %v", r.Accepted, s.people, r.Reasons)
	}
	c.rest.tookAll(s.now())
	return nil
}
