//go:build e2e

package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

const (
	crashRounds = 20
	crewReplies = 60 // what a crew of eight is told when nobody stops it: each 6 replies, and up to 3 more
)

// acknowledged is what one person was told before the daemon was killed.
type acknowledged struct {
	key      string // registered, when not empty
	code     string // the code that let them in
	accepted bool
	wrong    int // wrong codes since
}

// TestKillKeepsWhatWasAcknowledged kills the daemon at any moment of many logins, 20 times over, and
// looks for what it had already told a client: enrolments, used codes, counters and locks.
func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	folk := people("user", crashRounds*8)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients+"\n[login]\nsoft_lock = 3\nattempts = 5\nreject_delay = \"10ms\"\n")
	counted := &counts{of: map[string]int{}}
	for round := range crashRounds {
		crew := folk[round*8 : round*8+8]
		told := s.killAmidst(crew, round*crewReplies/crashRounds+rand.IntN(crewReplies/crashRounds))
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		known, caller := s.users(), s.dial()
		var wg sync.WaitGroup
		for i, p := range crew {
			wg.Go(func() { s.stillKnown(caller, p, told[i], known, counted) })
		}
		wg.Wait()
	}
	t.Logf("found again after %d kills: %v", crashRounds, counted.of)
	for _, what := range []string{"enrolment", "used code", "counter", "lock"} {
		if counted.of[what] == 0 {
			t.Errorf("no %s was acknowledged in any round: the test shows nothing about it", what)
		}
	}
}

// killAmidst lets everyone of the crew log in as far as they come, and kills the daemon while one of
// them reads the reply with this number. Replies are counted rather than milliseconds, so that a slow
// machine comes as far as a fast one.
func (s *site) killAmidst(crew []servers.Person, reply int) []acknowledged {
	told := make([]acknowledged, len(crew))
	var replies atomic.Int64
	var wg sync.WaitGroup
	for i, p := range crew {
		caller := s.dial()
		ask := func(typed, state string) *radius.Response {
			r := exchange(caller, p.UID, typed, state)
			if r != nil && replies.Add(1) == int64(reply) {
				s.Kill()
			}
			return r
		}
		wg.Go(func() { told[i] = s.advance(ask, p, i) })
	}
	wg.Wait()
	s.Kill()
	return told
}

// advance registers, logs in, and mistypes up to four codes, until there is no more answer.
func (s *site) advance(ask func(typed, state string) *radius.Response, p servers.Person, i int) (told acknowledged) {
	r := ask(p.Password, "")
	if r == nil {
		return told
	}
	key := r.Prompt.SecretKey.Reveal()
	if r = ask(code(s.t, key, -1), r.State); r == nil {
		return told
	}
	if r.Verdict != login.Accept {
		s.t.Errorf("%s could not register: %s", p.UID, r.Code)
		return told
	}
	told.key = key
	if r = ask(p.Password, ""); r == nil {
		return told
	}
	told.code = code(s.t, key, 0)
	if r = ask(told.code, r.State); r == nil {
		return told
	}
	told.accepted = r.Verdict == login.Accept
	if r = ask(p.Password, ""); r == nil {
		return told
	}
	for n := range 1 + i%4 {
		if r = ask(wrongCode(s.t, key, n), r.State); r == nil {
			return told
		}
		if r.Code == login.CodeOTPInvalid {
			told.wrong++
		}
	}
	return told
}

// stillKnown checks one person's acknowledged state after the restart.
func (s *site) stillKnown(c *radius.Caller, p servers.Person, told acknowledged, known map[string]shownUser, counted *counts) {
	if told.key == "" {
		return
	}
	shown := known[p.UID]
	if len(shown.Factors) != 1 || !shown.Factors[0].Registered {
		s.t.Errorf("%s: the enrolment is lost: %+v", p.UID, shown)
		return
	}
	counted.add("enrolment")
	if told.wrong > 0 {
		counted.add("counter")
		if got := shown.Factors[0].Failures; got < told.wrong {
			s.t.Errorf("%s: %d wrong codes were counted, %d are left", p.UID, told.wrong, got)
		}
	}
	r := exchange(c, p.UID, p.Password, "")
	switch {
	case r == nil:
		s.t.Errorf("%s: no reply after the restart", p.UID)
	case told.wrong >= 3:
		counted.add("lock")
		if r.Verdict != login.Reject || r.Code != login.CodeAccountLocked {
			s.t.Errorf("%s: the lock is lost: %s %s", p.UID, r.Verdict, r.Code)
		}
	case told.accepted && r.Verdict == login.Challenge:
		counted.add("used code")
		if r = exchange(c, p.UID, told.code, r.State); r == nil || r.Code != login.CodeOTPReplayed {
			s.t.Errorf("%s: a used code was not refused as used: %+v", p.UID, r)
		}
	}
}

// users reads what the daemon has stored, by name.
func (s *site) users() map[string]shownUser {
	s.t.Helper()
	out, err := s.Run("", "user", "list", "--json")
	if err != nil {
		s.t.Fatalf("user list: %v: %s", err, out)
	}
	var page struct{ Users []shownUser }
	if err := json.Unmarshal([]byte(out), &page); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	known := make(map[string]shownUser, len(page.Users))
	for _, u := range page.Users {
		known[u.Name] = u
	}
	return known
}

// counts counts what was found, from several goroutines.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[what]++
}
