package engine

import (
	"strings"
	"time"

	"sallyport/e2e/load/internal/packet"
	"sallyport/e2e/load/internal/people"
)

// login is one person's login on its way.
type login struct {
	visit   people.Visit
	counted bool
	// answering tells that the password was taken and the code is on its way.
	answering bool

	intended time.Duration // when the login was meant to start
	sent     time.Duration // when the pending request was first sent
	password time.Duration // how long the password step took
	deadline time.Duration // when the pending request is sent again
	wait     time.Duration // how long the next transmission waits
	tries    int

	request []byte // in buf
	buf     [packet.MaxRequest]byte
}

func (l *login) begin(visit people.Visit, intended time.Duration, counted bool) {
	l.visit, l.intended, l.counted, l.answering = visit, intended, counted, false
}

// advance takes a login from a reply to its next request or to its end.
func (p *port) advance(l *login, reply packet.Reply) {
	now := p.engine.since()
	switch {
	case reply.Code == packet.AccessAccept && l.answering:
		if l.counted {
			p.tally.Accept(l.password, now-l.sent, now-l.intended)
		}
		p.finish(l)
	case reply.Code == packet.AccessChallenge && !l.answering:
		l.password = now - l.intended
		p.answer(l, reply)
	default:
		p.reject(l, reason(l, reply))
	}
}

// answer sends the code to a challenge.
func (p *port) answer(l *login, reply packet.Reply) {
	if len(reply.State) == 0 {
		p.reject(l, "password: a challenge without State")
		return
	}
	if p.engine.registering {
		key := p.key(l, reply)
		if key == "" {
			p.reject(l, "registered already: the challenge shows no key")
			return
		}
		l.visit.SetKey(key)
	}
	code, err := l.visit.Code(p.engine.cfg.Now())
	if err != nil {
		p.reject(l, "no code: the user's key is unknown or not base32")
		return
	}
	p.release(l)
	l.answering = true
	p.send(l, code, reply.State)
}

// key finds the key that a registration shows: in the attribute meant for it, which may group it in
// fours, else in the prompt.
func (p *port) key(l *login, reply packet.Reply) string {
	if len(reply.SecretKey) == 0 {
		return people.FindKey(string(reply.Message))
	}
	text, err := p.codec.Reveal(reply, l.request)
	key := strings.ReplaceAll(text, " ", "")
	if err != nil || people.CheckKey(key) != nil {
		return ""
	}
	return key
}

// reject ends a login that was not let in. A registration that failed leaves no key behind.
func (p *port) reject(l *login, reason string) {
	if p.engine.registering {
		l.visit.SetKey("")
	}
	if l.counted {
		p.tally.Reject(reason)
	}
	p.finish(l)
}

// lose ends a login whose request was never answered.
func (p *port) lose(l *login) {
	if p.engine.registering {
		l.visit.SetKey("")
	}
	if l.counted {
		p.tally.Lost++
	}
	p.finish(l)
}

// finish ends a login; in a closed loop the next one takes its place.
func (p *port) finish(l *login) {
	p.release(l)
	p.spare = append(p.spare, l)
	if p.engine.refill {
		p.start(p.engine.since())
	}
	p.engine.inFlight.Done()
}

// reason puts into words which step was refused and how.
func reason(l *login, reply packet.Reply) string {
	step := "password"
	if l.answering {
		step = "code"
	}
	outcome := map[byte]string{
		packet.AccessAccept:    "Access-Accept without a challenge",
		packet.AccessReject:    "Access-Reject",
		packet.AccessChallenge: "Access-Challenge again",
	}[reply.Code]
	words := step + ": " + outcome
	if len(reply.Verdict) > 0 {
		words += " " + string(reply.Verdict)
	}
	if len(reply.Message) > 0 {
		words += ": " + string(reply.Message)
	}
	return words
}
