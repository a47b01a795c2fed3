package main

import (
	"context"
	"fmt"
	"path/filepath"
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

// startOurs starts Sallyport and registers everyone, by logins over RADIUS like anyone's.
func (s *stage) startOurs(ctx context.Context) error {
	dir, err := s.subdir(ourName)
	if err != nil {
		return err
	}
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return err
	}
	url, caFile := s.directory()
	cache := entryCache
	if s.warm {
		cache = warmEntryCache
	}
	ours, err := servers.NewSallyport(dir, servers.SallyportOptions{
		Binary: binary, LogLevel: "info",
		Config: fmt.Sprintf(ourConfig, servers.ClientSecret, url, caFile, servers.PeopleDN, servers.ServiceDN, servers.ServicePassword, cache.String()),
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, ours.Stop)
	keys := filepath.Join(s.dir, "keys")
	c := &contender{name: ourName, radius: ours.Radius, pid: ours.Pid(), keys: []string{"--keys", keys}, singleUse: true, rest: s.newRest()}
	s.contenders = append(s.contenders, c)

	s.say("%s: registering %d people", ourName, s.people)
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
