package radius

import (
	"context"
	"log/slog"
	"time"
)

// health is whether a server is asked first, or only when all are down. It is guarded by the
// server's lock.
type health struct {
	down bool
	// since is when that last changed, why what it was.
	since time.Time
	why   string
	// ignored is true when a login got no answer since the server was last up, or none that verifies.
	ignored bool
	// reviving is true while a probe asks from time to time whether the server is back; wait is how long
	// it waits, zero once a login was answered. probed is when it last sent a login.
	reviving bool
	wait     time.Duration
	probed   time.Time
	// replies counts the authentic replies, lastReply is when the last one came.
	replies   uint64
	lastReply time.Time
}

// trouble is the kind of reason why a server is down.
type trouble uint8

const (
	// troubleUndelivered: nothing listens there, or nothing can be sent there.
	troubleUndelivered trouble = iota
	// troubleSilent: a login got no answer.
	troubleSilent
	// troubleSecret: answers do not verify, and an operator must see to it.
	troubleSecret
)

func (k trouble) level() slog.Level {
	if k == troubleSecret {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// heard returns the number of authentic replies so far.
func (s *upstreamServer) heard() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.replies
}

func (s *upstreamServer) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.down
}

// hear notes the authentic reply to a login: the server is up, and should it fail, it is probed soon.
func (u *Upstream) hear(s *upstreamServer) {
	s.mu.Lock()
	s.health.wait = 0
	s.mu.Unlock()
	u.rise(s)
}

// rise notes an authentic reply: the server is up. One that was down may be at another address now,
// where some of the sockets do not lead.
func (u *Upstream) rise(s *upstreamServer) {
	now := u.cfg.Now()
	s.mu.Lock()
	h := &s.health
	back := h.down
	h.replies, h.lastReply = h.replies+1, now
	var old []*Caller
	if back {
		h.down, h.since, h.why, h.ignored = false, now, "", false
		old = s.unslot()
	}
	s.mu.Unlock()
	retire(old)
	if back {
		u.cfg.Logger.Info("upstream server answers again", "server", s.addr)
	}
}

// fail marks a server down, and lets it be asked from time to time whether it is back. The next login
// looks its address up again.
func (u *Upstream) fail(s *upstreamServer, kind trouble, why string) {
	s.mu.Lock()
	h := &s.health
	isNew, revive := !h.down, !h.reviving
	if isNew {
		h.down, h.since = true, u.cfg.Now()
	}
	h.why, h.reviving, h.ignored = why, true, h.ignored || kind != troubleUndelivered
	old := s.unslot()
	s.mu.Unlock()
	retire(old)
	if isNew {
		u.cfg.Logger.Log(context.Background(), kind.level(), "upstream server is down; others are asked first", "server", s.addr, "error", why)
	}
	if revive && !u.spawn(func() { u.revive(s) }) {
		s.mu.Lock()
		h.reviving = false
		s.mu.Unlock()
	}
}
