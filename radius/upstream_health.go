package radius

import (
	"context"
	"crypto/rand"
	"errors"
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
	// reviving is true while a probe asks from time to time whether the server is back.
	reviving bool
	// replies counts the authentic replies, lastReply is when the last one came.
	replies   uint64
	lastReply time.Time
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

// hear notes an authentic reply: the server is up.
func (u *Upstream) hear(s *upstreamServer) {
	now := u.cfg.Now()
	s.mu.Lock()
	h := &s.health
	back := h.down
	h.replies, h.lastReply = h.replies+1, now
	if back {
		h.down, h.since, h.why = false, now, ""
	}
	s.mu.Unlock()
	if back {
		u.cfg.Logger.Info("upstream server answers again", "server", s.addr)
	}
}

// fail marks a server down, and lets it be asked from time to time whether it is back.
func (u *Upstream) fail(s *upstreamServer, level slog.Level, why string) {
	s.mu.Lock()
	h := &s.health
	isNew, revive := !h.down, !h.reviving
	if isNew {
		h.down, h.since = true, u.cfg.Now()
	}
	h.why, h.reviving = why, true
	s.mu.Unlock()
	if isNew {
		u.cfg.Logger.Log(context.Background(), level, "upstream server is down; others are asked first", "server", s.addr, "error", why)
	}
	if revive && !u.spawn(func() { u.revive(s) }) {
		s.mu.Lock()
		h.reviving = false
		s.mu.Unlock()
	}
}

// longestProbe bounds the wait between two questions whether a server is back.
const longestProbe = time.Minute

// revive asks a server that is down until it answers, or until a login has heard from it.
func (u *Upstream) revive(s *upstreamServer) {
	timing := Timing{Initial: u.cfg.ProbeEvery, Longest: max(u.cfg.ProbeEvery, longestProbe)}
	var wait time.Duration
	for s.stillDown() {
		wait = timing.next(wait, variation())
		select {
		case <-time.After(wait):
		case <-u.base.Done():
			return
		}
		if s.isDown() && u.answers(s) {
			u.hear(s)
		}
	}
}

// stillDown ends the reviving of a server that is up.
func (s *upstreamServer) stillDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.reviving = s.health.down
	return s.health.down
}

// answers reports whether a server answers Status-Server, or else a login in the reserved name; not
// every server knows Status-Server.
func (u *Upstream) answers(s *upstreamServer) bool {
	how := manner{refusals: 1, need: s.need()}
	if _, err := s.afresh(u.base, once(u.doubtAfter()), Message{Status: true}, how); err == nil {
		return true
	} else if none, ok := errors.AsType[*NoReplyError](err); ok && none.Unread() {
		return false
	}
	_, err := s.afresh(u.base, once(u.doubtAfter()), s.probeMessage(rand.Text(), false), how)
	return err == nil
}

// doubt is what the unsigned probe of a silent server has told. A server that checks
// Message-Authenticator drops what is signed under another shared secret; without one it answers, and
// its answer shows that the secrets differ.
type doubt struct {
	asked time.Time
	// replies is how many authentic replies had come: one more, and the probe tells nothing any more.
	replies uint64
	// done is closed when differs is known.
	done    chan struct{}
	differs bool
}

// doubtEvery bounds the unsigned probes of one server.
const doubtEvery = time.Minute

// suspect sends the unsigned probe, unless one was sent within the last minute, and returns the last.
func (u *Upstream) suspect(s *upstreamServer) *doubt {
	now := u.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt != nil && now.Sub(s.doubt.asked) < doubtEvery {
		return s.doubt
	}
	d := &doubt{asked: now, replies: s.health.replies, done: make(chan struct{})}
	if u.spawn(func() { u.probeUnsigned(s, d) }) {
		s.doubt = d
	} else {
		close(d.done)
	}
	return d
}

func (u *Upstream) probeUnsigned(s *upstreamServer, d *doubt) {
	defer close(d.done)
	s.counts.unsigned.Add(1)
	_, err := s.afresh(u.base, once(u.doubtAfter()), s.probeMessage(rand.Text(), true), manner{refusals: 1, hasty: true})
	none, ok := errors.AsType[*NoReplyError](err)
	d.differs = ok && none.Bad > 0
}

// differs reports whether a silent server has another shared secret, as far as a probe has told.
func (u *Upstream) differs(ctx context.Context, s *upstreamServer) bool {
	d := u.suspect(s)
	timer := time.NewTimer(u.grace())
	defer timer.Stop()
	select {
	case <-d.done:
		return d.differs && s.heard() == d.replies
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
