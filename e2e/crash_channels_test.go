//go:build e2e

package e2e

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

const (
	channelRounds = 6
	crewSize      = 6
)

// promised is what one person was told before the daemon was killed.
type promised struct {
	state      string // of the question for the code that was sent, when one was
	sent       string // that code
	registered bool
	recovery   string // the recovery code that let them in
}

// TestKillKeepsWhatWasSentAndRegistered kills the daemon amidst first logins by mail and logins with
// recovery codes, in each round after more of its replies, and looks for what was acknowledged: a code that was sent is good and not
// sent again, an address that was registered is, and a recovery code that was used is used up.
func TestKillKeepsWhatWasSentAndRegistered(t *testing.T) {
	t.Parallel()
	folk := people("user", channelRounds*crewSize)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	m := servers.StartMailpit(t, servers.MailpitOptions{})
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+frontDoor("email", "ui = true", `registration = "first-login"`)+
		sendsMail(m)+"[login]\nreject_delay = \"10ms\"\n")
	counted := &counts{of: map[string]int{}}
	for round := range channelRounds {
		crew := folk[round*crewSize : (round+1)*crewSize]
		codes := make([][]string, len(crew))
		for i, p := range crew {
			if i%2 == 1 { // half of them register, half of them have registered and have lost it
				codes[i] = s.lost(p)
			}
		}
		told := s.killAfterReplies(m, crew, codes, 4*(round+1))
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		known, caller := s.users(), s.dial()
		for i, p := range crew {
			s.stillPromised(caller, m, p, told[i], known[p.UID], counted)
		}
	}
	t.Logf("found again after %d kills: %v", channelRounds, counted.of)
	for _, what := range []string{"code sent", "address", "recovery code"} {
		if counted.of[what] == 0 {
			t.Errorf("no %s was acknowledged in any round: the test shows nothing about it", what)
		}
	}
}

// lost registers a person's address in their place, and returns recovery codes.
func (s *site) lost(p servers.Person) []string {
	s.t.Helper()
	if out, err := s.Run("", "user", "enrol", p.UID, "--factor", "email"); err != nil {
		s.t.Fatalf("enrol: %v: %s", err, out)
	}
	return s.issued("user", "recovery-codes", p.UID)
}

// fuse kills the daemon as soon as so many replies have come.
type fuse struct {
	left atomic.Int64
	kill func()
}

// exchange sends one request, and burns the fuse by its reply.
func (f *fuse) exchange(c *radius.Caller, username, typed, state string) *radius.Response {
	r := exchange(c, username, typed, state)
	if r != nil && f.left.Add(-1) == 0 {
		f.kill()
	}
	return r
}

// killAfterReplies lets everyone log in as far as they come until the daemon has sent so many replies,
// or all are in, and kills it then.
func (s *site) killAfterReplies(m *servers.Mailpit, crew []servers.Person, codes [][]string, replies int) []promised {
	s.t.Helper()
	f := &fuse{kill: s.Kill}
	f.left.Store(int64(replies))
	told := make([]promised, len(crew))
	var wg sync.WaitGroup
	for i, p := range crew {
		caller := s.dial()
		wg.Go(func() {
			if codes[i] == nil {
				told[i] = s.registersByMail(f, caller, m, p)
			} else {
				told[i] = f.recovers(caller, p, codes[i][0])
			}
		})
	}
	wg.Wait()
	s.Kill()
	return told
}

// registersByMail goes through a first login until there is no more answer.
func (s *site) registersByMail(f *fuse, c *radius.Caller, m *servers.Mailpit, p servers.Person) (told promised) {
	r := f.exchange(c, p.UID, p.Password, "")
	for _, answer := range []string{p.Mail, "y"} {
		if r == nil {
			return told
		}
		r = f.exchange(c, p.UID, answer, r.State)
	}
	if r == nil || r.Prompt.Step != login.StepOTP || r.Code != login.CodePrompt {
		return told
	}
	told.state = r.State
	if told.sent = s.inMailbox(m, p); told.sent == "" {
		return told // it was killed before it had handed the code over
	}
	r = f.exchange(c, p.UID, told.sent, r.State)
	told.registered = r != nil && r.Verdict == login.Accept
	return told
}

// inMailbox waits a moment for a code to a person; "" means that none came.
func (s *site) inMailbox(m *servers.Mailpit, p servers.Person) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
	defer cancel()
	code, err := m.Code(ctx, p.Mail)
	if err != nil {
		return ""
	}
	return code
}

// recovers logs in with a recovery code.
func (f *fuse) recovers(c *radius.Caller, p servers.Person, code string) (told promised) {
	r := f.exchange(c, p.UID, p.Password, "")
	if r == nil {
		return told
	}
	if r = f.exchange(c, p.UID, code, r.State); r != nil && r.Verdict == login.Accept {
		told.recovery = code
	}
	return told
}

// stillPromised checks what one person was told, after the restart.
func (s *site) stillPromised(c *radius.Caller, m *servers.Mailpit, p servers.Person, told promised, known shownUser, counted *counts) {
	s.t.Helper()
	if told.registered {
		counted.add("address")
		if len(known.Factors) != 1 || !known.Factors[0].Registered {
			s.t.Errorf("%s: the registered address is lost: %+v", p.UID, known)
		}
	}
	if told.sent != "" {
		counted.add("code sent")
		if n := s.codesMailed(m, p); n != 1 {
			s.t.Errorf("%s: %d codes were sent, want one", p.UID, n)
		}
		if r := exchange(c, p.UID, told.sent, told.state); r == nil || r.Verdict != login.Accept {
			s.t.Errorf("%s: the code that was sent is not good any more: %+v", p.UID, r)
		}
	}
	if told.recovery != "" {
		counted.add("recovery code")
		if r := exchange(c, p.UID, p.Password, ""); r == nil || r.State == "" {
			s.t.Errorf("%s: no challenge after the restart: %+v", p.UID, r)
		} else if r = exchange(c, p.UID, told.recovery, r.State); r == nil || r.Verdict == login.Accept {
			s.t.Errorf("%s: a used recovery code was not refused: %+v", p.UID, r)
		}
	}
}
