package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// Forward sends one answer and returns what became of it. It takes no longer than ctx allows, and
// never longer than [Upstream.Within]. The same bytes are sent again to the same server while it is
// silent; the next server gets them only when nobody can have read them.
func (u *Upstream) Forward(ctx context.Context, f login.Forwarding) login.Forwarded {
	ctx, cancel := context.WithTimeout(ctx, u.Within())
	defer cancel()
	attempt, done := context.WithTimeout(ctx, u.cfg.Timing.Total)
	defer done()
	var out login.Forwarded
	for _, s := range u.route(f.Dialogue) {
		if out = u.ask(ctx, attempt, s, f); out.Consumed || attempt.Err() != nil {
			return out
		}
	}
	if out.Server == "" { // only a dialogue may find no server
		return unavailable(f.Dialogue.Server, false, "the server that holds the dialogue is not configured any more")
	}
	return out
}

// route returns the servers to ask, in order: those that are up first. A dialogue stays with its
// server, up or down.
func (u *Upstream) route(d *login.Dialogue) []*upstreamServer {
	var up, down []*upstreamServer
	for _, s := range u.servers {
		switch {
		case d != nil && s.addr != d.Server:
		case s.isDown():
			down = append(down, s)
		default:
			up = append(up, s)
		}
	}
	return append(up, down...)
}

// ask sends an answer to one server. Consumed is false in the result when the next may be asked.
func (u *Upstream) ask(ctx, attempt context.Context, s *upstreamServer, f login.Forwarding) login.Forwarded {
	s.counts.requests.Add(1)
	before := s.heard()
	doubt := time.AfterFunc(u.doubtAfter(), func() {
		if s.heard() == before {
			u.suspect(s)
		}
	})
	defer doubt.Stop()
	m := Message{Username: f.Username, Password: f.Answer, CallingStationID: f.CallingStationID}
	if f.Dialogue != nil {
		m.State = string(f.Dialogue.State)
	}
	r, err := s.exchange(attempt, m)
	if err != nil {
		return u.failure(ctx, s, before, err)
	}
	s.counts.bad.Add(uint64(r.Bad))
	u.hear(s)
	return u.verdict(s, r)
}

// verdict is what an authentic reply means.
func (u *Upstream) verdict(s *upstreamServer, r *Response) login.Forwarded {
	out := login.Forwarded{Server: s.addr, Consumed: true}
	switch r.Verdict {
	case login.Accept:
		s.counts.accepts.Add(1)
		out.Result, out.Attributes = login.ForwardAccepted, u.passed.of(r.Packet)
	case login.Challenge:
		s.counts.challenges.Add(1)
		if _, states := only(r.Packet, rfc2865.State_Type); states != 1 || r.State == "" {
			return unavailable(s.addr, true, fmt.Sprintf("an Access-Challenge with %d State attributes cannot be answered", states))
		}
		out.Result = login.ForwardChallenged
		out.Dialogue = &login.Dialogue{
			Server: s.addr, State: []byte(r.State), Step: login.StepPasscode,
			Text: login.Secret(r.Message), Echo: r.Prompt.Echo,
		}
	default:
		s.counts.rejects.Add(1)
	}
	return out
}

// failure is what the lack of an authentic reply means. before is how many replies had come from the
// server when the request was sent.
func (u *Upstream) failure(ctx context.Context, s *upstreamServer, before uint64, err error) login.Forwarded {
	none, ok := errors.AsType[*NoReplyError](err)
	if !ok {
		_, unsent := errors.AsType[unsentError](err)
		return unavailable(s.addr, !unsent, err.Error())
	}
	s.counts.bad.Add(uint64(none.Bad))
	switch {
	case none.Bad > 0 && errors.Is(none.Reason, errMissingSignature) && u.cfg.MessageAuthenticator == RuleAuto:
		return u.misconfigured(s, none.Error()+"; where a server that sends it was replaced by one that does not, set message_authenticator = \"optional\"")
	case none.Bad > 0:
		return u.misconfigured(s, none.Error())
	case errors.Is(err, net.ErrClosed), none.Sent == 0 && ctx.Err() != nil, ctx.Err() != nil && !none.Refused:
		return unavailable(s.addr, none.Sent > 0, "the forwarding was ended before the server answered")
	case none.Unread():
		s.counts.refused.Add(1)
		u.fail(s, troubleUndelivered, none.Error())
		return unavailable(s.addr, false, none.Error())
	}
	s.counts.silent.Add(1)
	if s.heard() != before {
		return unavailable(s.addr, true, none.Error()+"; it answered others meanwhile")
	}
	if u.differs(ctx, s) {
		return u.misconfigured(s, fmt.Sprintf("%s has another shared secret: it answers only what is not signed, and its answer does not verify", s.addr))
	}
	u.fail(s, troubleSilent, none.Error())
	return unavailable(s.addr, true, none.Error())
}

// misconfigured marks the server down as well: another one may be configured right.
func (u *Upstream) misconfigured(s *upstreamServer, why string) login.Forwarded {
	s.counts.misconfigured.Add(1)
	u.fail(s, troubleSecret, why)
	return login.Forwarded{Result: login.ForwardMisconfigured, Server: s.addr, Consumed: true, Reason: why}
}

func unavailable(server string, consumed bool, why string) login.Forwarded {
	return login.Forwarded{Result: login.ForwardUnavailable, Server: server, Consumed: consumed, Reason: why}
}
