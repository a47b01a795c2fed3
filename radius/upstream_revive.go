package radius

import (
	"crypto/rand"
	"errors"
	"time"
)

const (
	// longestProbe bounds the wait between two questions whether a server is back.
	longestProbe = time.Minute
	// reservedEvery bounds the logins in the reserved name that one server gets, signed and unsigned
	// ones each: every one is a failed login in its log.
	reservedEvery = time.Minute
)

// revive asks a server that is down until it answers, or until a login has heard from it.
func (u *Upstream) revive(s *upstreamServer) {
	for {
		wait, down := s.nextProbe()
		if !down {
			return
		}
		select {
		case <-time.After(wait):
		case <-u.base.Done():
			return
		}
		if s.isDown() && u.answers(s) {
			u.rise(s)
		}
	}
}

// nextProbe returns the wait before the next question, and ends the reviving of a server that is up. A
// server that was up meanwhile without answering a login is waited for as long as if it had not been.
func (s *upstreamServer) nextProbe() (wait time.Duration, down bool) {
	timing := Timing{Initial: s.cfg.ProbeEvery, Longest: max(s.cfg.ProbeEvery, longestProbe)}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.health
	if h.reviving = h.down; h.down {
		h.wait = timing.next(h.wait, variation())
	}
	return h.wait, h.down
}

// answers reports whether a server is back: it answers a login in the reserved name, or Status-Server
// where that tells enough, since it has ignored no login. Not every server knows Status-Server.
func (u *Upstream) answers(s *upstreamServer) bool {
	how := manner{refusals: 1, need: s.need()}
	_, err := s.afresh(u.base, once(u.doubtAfter()), Message{Status: true}, how)
	none, lacking := errors.AsType[*NoReplyError](err)
	switch alive := err == nil; {
	case alive && !s.hasIgnored():
		return true
	case lacking && none.Unread(), !s.mayProbe(u.cfg.Now(), alive):
		return false
	}
	_, err = s.afresh(u.base, once(u.doubtAfter()), s.probeMessage(rand.Text(), false), how)
	return err == nil
}

func (s *upstreamServer) hasIgnored() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health.ignored
}

// mayProbe reports whether a login in the reserved name may be sent now, and takes it that it is. A
// server that is not alive, being silent to Status-Server too, gets none in its first minute: that one
// is kept for when it answers.
func (s *upstreamServer) mayProbe(now time.Time, alive bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.health
	last := h.probed
	if !alive && h.since.After(last) {
		last = h.since
	}
	if now.Sub(last) < reservedEvery {
		return false
	}
	h.probed = now
	return true
}
