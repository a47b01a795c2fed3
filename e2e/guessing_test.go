//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// stranger asks from a station of its own, many at a time, and never twice.
func (s *site) stranger() *radius.Caller {
	s.t.Helper()
	c, err := radius.Dial(radius.CallerConfig{
		Server: s.Radius, Secret: servers.ClientSecret,
		Timing: radius.Timing{Initial: 2 * time.Second, Transmissions: 1, Total: 2 * time.Second},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// spray gives wrong passwords from one station, under the spellings of a name in turn, and counts the
// verdict codes.
func (s *site) spray(n int, station string, names ...string) map[login.Code]int {
	s.t.Helper()
	c := s.stranger()
	var mu sync.Mutex
	codes := map[login.Code]int{}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				r, err := c.Exchange(s.t.Context(), radius.Message{
					Username: names[i%len(names)], Password: login.Secret(fmt.Sprintf("wrong-%d", i)), CallingStationID: station,
				})
				code := login.Code("silence") // as many are being checked as may be
				var none *radius.NoReplyError
				switch {
				case err == nil && r.Verdict == login.Reject:
					code = r.Code
				case !errors.As(err, &none):
					s.t.Errorf("guess %d: %+v, %v", i, r, err)
					return
				}
				mu.Lock()
				codes[code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return codes
}

// TestStrangersWrongPasswordsLockNobody guesses 10,000 passwords from one station, against a directory
// that locks an account at the fifth: it is asked fewer times, and the victim's own station gets in at
// the first try, with the second factor as it was.
func TestStrangersWrongPasswordsLockNobody(t *testing.T) {
	t.Parallel()
	const guesses = 10_000
	victim := people("user", 1)[0]
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: []servers.Person{victim}, PPolicy: true})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients+"\n[login]\nreject_delay = \"1ms\"\n")
	key := s.register(victim)
	codes := s.spray(guesses, "198.51.100.66", "user00", "USER00", `EXAMPLE\user00`, "user00@example.test", `example\User00`)
	if codes["password_invalid"] > 4 || codes["password_invalid"] == 0 || codes["password_invalid"]+codes["rate_limited"]+codes["silence"] != guesses {
		t.Errorf("%v; the directory may have been asked 4 times", codes)
	}
	if f := s.show(victim.UID).Factors[0]; f.Failures != 0 {
		t.Errorf("%d wrong codes are counted, though none was given", f.Failures)
	}
	s.want(s.ask(victim.UID, code(t, key, 0), s.begin(victim)), "Access-Accept", "accepted", "")
}

// TestGuessesOverManyChallenges guesses codes with a stolen password, over 50 challenges at once, with
// States old and new: five are judged before the lock, whatever the guesser does.
func TestGuessesOverManyChallenges(t *testing.T) {
	t.Parallel()
	const challenges, guesses = 50, 20
	victim := people("user", 1)[0]
	s := startSite(t, clients+residents(t, victim)+"[login]\nreject_delay = \"1ms\"\n")
	key := s.register(victim)
	c := s.stranger()
	states := make([]string, challenges)
	for i := range states {
		r := exchange(c, victim.UID, victim.Password, "")
		if r == nil || r.State == "" {
			t.Fatalf("no challenge: %+v", r)
		}
		states[i] = r.State
	}
	var wg sync.WaitGroup
	var right, told atomic.Int64
	for i, first := range states {
		wg.Go(func() {
			latest := first
			for n := range guesses {
				state := latest
				if n%2 == 0 {
					state = first
				}
				r := exchange(c, victim.UID, wrongCode(t, key, i*guesses+n), state)
				switch {
				case r == nil:
					return // too many challenges of one user are shed
				case r.Verdict == login.Accept:
					right.Add(1)
				case r.Code == login.CodeOTPInvalid:
					told.Add(1)
				}
				if r.State != "" {
					latest = r.State
				}
			}
		})
	}
	wg.Wait()
	if right.Load() != 0 || told.Load() > 5 || told.Load() == 0 {
		t.Errorf("%d guesses were right, %d were told to be wrong, want 0 and at most 5", right.Load(), told.Load())
	}
	if f := s.show(victim.UID).Factors[0]; f.Failures != 5 {
		t.Errorf("%d guesses were judged, want 5", f.Failures)
	}
	s.want(s.ask(victim.UID, victim.Password, ""), "Access-Reject", "account_locked", "")
	now := code(t, key, 0)
	for _, state := range states { // not even a right code is judged now
		wg.Go(func() {
			if r := exchange(c, victim.UID, now, state); r != nil && r.Verdict != login.Reject {
				t.Errorf("a right code while locked: %+v", r)
			}
		})
	}
	wg.Wait()
}
