package rsatest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

// Server is one server of a [Manager]: its primary, or a replica. It is safe for concurrent use.
type Server struct {
	manager *Manager
	radius  *radius.Server

	mu sync.Mutex
	// dialogues are by State, judged by packet.
	dialogues map[string]dialogue
	judged    map[login.Tag]verdict
	seen      map[string]int
	states    int
	silent    bool
	lose      int
	closed    bool
}

// verdict is a reply that may have been lost, and when it was made.
type verdict struct {
	reply login.Reply
	at    time.Time
}

// How long a server keeps a reply for the retransmission of its request, and how long a dialogue.
const (
	keepReply    = 30 * time.Second
	dialogueLife = 5 * time.Minute
	// maxSeen bounds the answers that are counted; with one more the counting begins anew.
	maxSeen = 4096
)

// Start adds a server on an address such as "127.0.0.1:0". Clients may be anywhere on loopback.
func (m *Manager) Start(addr string) (*Server, error) {
	s := &Server{
		manager: m, dialogues: make(map[string]dialogue), judged: make(map[login.Tag]verdict), seen: make(map[string]int),
	}
	var err error
	s.radius, err = radius.New(radius.Config{
		Listen: []string{addr}, Workers: 8, Queue: 256, RejectDelay: -1, Logger: m.cfg.Logger, Tag: tag, CanServe: s.canServe,
		Clients: []radius.Client{{
			Name: "loopback", Secret: m.cfg.Secret, MessageAuthenticator: radius.RuleOptional,
			Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
			// The prompts are a protocol to some clients: nothing is replaced in them.
			Profile: login.ProfileUpstream,
		}},
	}, s, nothing{})
	if err != nil {
		return nil, fmt.Errorf("rsatest: %w", err)
	}
	if err := s.radius.Start(); err != nil {
		return nil, fmt.Errorf("rsatest: %w", err)
	}
	return s, nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() string { return s.radius.Addrs()[0].String() }

// Close stops the server; its dialogues are forgotten. It may be called again.
func (s *Server) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	return s.radius.Shutdown(context.Background())
}

// Silence lets the server answer nothing, and look at nothing, until it is ended with false.
func (s *Server) Silence(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = on
}

// LoseReplies lets the next n replies get lost on their way. What they answer is judged all the same,
// and a retransmission of it gets the same verdict.
func (s *Server) LoseReplies(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// Seen is how many requests with this passcode, or other answer, this server has judged.
// Retransmissions are not counted.
func (s *Server) Seen(answer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[answer]
}

// Begin implements [radius.Logins].
func (s *Server) Begin(_ context.Context, r login.Request) (login.Reply, error) {
	return s.once(r.RequestKey, r.Password, func() judgement { return s.manager.begin(r.Username, r.Password) })
}

// Continue implements [radius.Logins].
func (s *Server) Continue(_ context.Context, a login.Answer) (login.Reply, error) {
	return s.once(a.RequestKey, a.Text, func() judgement {
		d, known := s.dialogues[a.State]
		delete(s.dialogues, a.State)
		if !known || d.name != a.Username || s.manager.cfg.Now().Sub(d.began) > dialogueLife {
			return judgement{}
		}
		return s.manager.proceed(d, a.Text)
	})
}

// Vouch implements [radius.Logins].
func (s *Server) Vouch(state, _ string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.dialogues[state]
	return known
}

// errNoReply makes the RADIUS server send nothing.
var errNoReply = errors.New("rsatest: told to send no reply")

// once judges a packet when it comes for the first time.
func (s *Server) once(key login.Tag, answer string, judge func() judgement) (login.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return login.Reply{}, errNoReply
	}
	now := s.manager.cfg.Now()
	v, known := s.judged[key]
	if !known {
		s.forget(now)
		if len(s.seen) == maxSeen {
			clear(s.seen)
		}
		s.seen[answer]++
		v = verdict{reply: s.reply(judge()), at: now}
		s.judged[key] = v
	}
	if s.lose > 0 {
		s.lose--
		return login.Reply{}, errNoReply
	}
	return v.reply, nil
}

// forget drops what is too old.
func (s *Server) forget(now time.Time) {
	for key, v := range s.judged {
		if now.Sub(v.at) > keepReply {
			delete(s.judged, key)
		}
	}
	for state, d := range s.dialogues {
		if now.Sub(d.began) > dialogueLife {
			delete(s.dialogues, state)
		}
	}
}

// reply writes a judgement in the words of the RADIUS server.
func (s *Server) reply(j judgement) login.Reply {
	switch {
	case j.yes:
		return accept()
	case j.next == nil:
		return login.Reply{Message: "Access Denied"}
	}
	state := s.newState(j.next.phase)
	s.dialogues[state] = *j.next
	return login.Reply{Verdict: login.Challenge, Message: j.prompt, State: state}
}

// Class is what a server sends with each Access-Accept.
const Class = "rsatest"

// accept is the only reply that says yes.
func accept() login.Reply {
	const class, filterID = 25, 11
	return login.Reply{Verdict: login.Accept, Message: "Authenticated", Attributes: []login.Attribute{
		{Type: class, Value: []byte(Class)}, {Type: filterID, Value: []byte("rsa-users")},
	}}
}

func (s *Server) newState(p phase) string {
	s.states++
	if s.manager.cfg.StateForm == StateSBR {
		return fmt.Sprintf("SBR-CH %d|1\x00", s.states)
	}
	return fmt.Sprintf("RSA|%s|%s|%s", newUUID(), newUUID(), p)
}

func (s *Server) canServe(radius.Client) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent || s.manager.cfg.NoStatusServer {
		return errNoReply
	}
	return nil
}

// tag names a packet, so that its retransmission is known.
func tag(parts ...[]byte) (t login.Tag) {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	copy(t[:], h.Sum(nil))
	return t
}

// nothing is a memory of a server whose rule learns nothing.
type nothing struct{}

// Learned is never true.
func (nothing) Learned(string, netip.Addr) bool { return false }

// Sighted is always nothing.
func (nothing) Sighted(string, netip.Addr) (signed, unsigned login.Sighting) { return signed, unsigned }

// Learn keeps nothing.
func (nothing) Learn(context.Context, login.Lesson) error { return nil }
