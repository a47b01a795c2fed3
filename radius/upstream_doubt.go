package radius

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

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

// suspect sends the unsigned probe, unless one was sent within the last minute, and returns the last.
func (u *Upstream) suspect(s *upstreamServer) *doubt {
	now := u.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt != nil && now.Sub(s.doubt.asked) < reservedEvery {
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
