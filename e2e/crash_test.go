//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

const crashRounds = 20

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
	counted := map[string]int{}
	for round := range crashRounds {
		crew := folk[round*8 : round*8+8]
		told := s.killAmidst(crew, time.Duration(rand.IntN(400))*time.Millisecond)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		for i, p := range crew {
			s.stillKnown(p, told[i], counted)
		}
	}
	t.Logf("found again after %d kills: %v", crashRounds, counted)
	for _, what := range []string{"enrolment", "used code", "counter", "lock"} {
		if counted[what] == 0 {
			t.Errorf("no %s was acknowledged in any round: the test shows nothing about it", what)
		}
	}
}

// killAmidst lets everyone of the crew log in as far as they come, and kills the daemon after a while.
func (s *site) killAmidst(crew []servers.Person, after time.Duration) []acknowledged {
	told := make([]acknowledged, len(crew))
	var wg sync.WaitGroup
	for i, p := range crew {
		caller := s.dial()
		wg.Go(func() { told[i] = s.advance(caller, p, i) })
	}
	timer := time.AfterFunc(after, s.Kill)
	wg.Wait()
	timer.Stop()
	s.Kill()
	return told
}

// advance registers, logs in, and mistypes up to four codes, until there is no more answer.
func (s *site) advance(c *radius.Caller, p servers.Person, i int) (told acknowledged) {
	r := exchange(c, p.UID, p.Password, "")
	if r == nil {
		return told
	}
	key := r.Prompt.SecretKey.Reveal()
	if r = exchange(c, p.UID, code(s.t, key, -1), r.State); r == nil {
		return told
	}
	told.key = key
	if r = exchange(c, p.UID, p.Password, ""); r == nil {
		return told
	}
	told.code = code(s.t, key, 0)
	if r = exchange(c, p.UID, told.code, r.State); r == nil {
		return told
	}
	told.accepted = r.Verdict == login.Accept
	if r = exchange(c, p.UID, p.Password, ""); r == nil {
		return told
	}
	for n := range 1 + i%4 {
		if r = exchange(c, p.UID, wrongCode(s.t, key, n), r.State); r == nil {
			return told
		}
		if r.Code == login.CodeOTPInvalid {
			told.wrong++
		}
	}
	return told
}

// stillKnown checks one person's acknowledged state after the restart.
func (s *site) stillKnown(p servers.Person, told acknowledged, counted map[string]int) {
	s.t.Helper()
	if told.key == "" {
		return
	}
	out, err := s.Run("", "user", "show", p.UID, "--json")
	if err != nil {
		s.t.Fatalf("%s registered before the kill: %v: %s", p.UID, err, out)
	}
	var shown struct {
		User struct {
			Factors []struct {
				Name        string     `json:"name"`
				Registered  bool       `json:"registered"`
				Failures    int        `json:"failures"`
				LockedUntil *time.Time `json:"locked_until"`
			} `json:"factors"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil || len(shown.User.Factors) != 1 || !shown.User.Factors[0].Registered {
		s.t.Fatalf("%s: the enrolment is lost: %v %s", p.UID, err, out)
	}
	counted["enrolment"]++
	totp := shown.User.Factors[0]
	if told.wrong > 0 {
		counted["counter"]++
		if totp.Failures < told.wrong {
			s.t.Errorf("%s: %d wrong codes were counted, %d are left", p.UID, told.wrong, totp.Failures)
		}
	}
	r := s.ask(p.UID, p.Password, "")
	if told.wrong >= 3 {
		counted["lock"]++
		s.want(r, "Access-Reject", "account_locked", "")
		return
	}
	if told.accepted && r.Code == "Access-Challenge" {
		counted["used code"]++
		again := s.ask(p.UID, told.code, r.Get("State"))
		if again.Code == "Access-Accept" || again.Get("Sallyport-Code") == "accepted" {
			s.t.Errorf("%s: a used code was accepted again: %s", p.UID, fmt.Sprint(visible(again)))
		}
	}
}
