package radius

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"

	codec "layeh.com/radius"

	"sallyport/login"
)

// work serves jobs until the queue is closed and empty.
func (s *Server) work() {
	for j := s.queue.pop(); j != nil; j = s.queue.pop() {
		s.serve(j)
	}
}

// leastTime is what must be left of the deadline for a login to begin: one that cannot end in time
// would be taken for the outage of a back end.
const leastTime = 100 * time.Millisecond

// serve brings a job to its answer, and frees the worker for the next one.
func (s *Server) serve(j *job) {
	defer s.queue.done(j)
	left := s.cfg.Deadline - s.cfg.Now().Sub(j.arrived)
	if left < leastTime {
		s.abandon(j, DropExpired)
		return
	}
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	defer s.catch(j.client, j.from, j.exchange)
	p := j.outline.decode(j.packet, j.client.signer.secret)
	if j.outline.code == codec.CodeStatusServer {
		s.serveStatus(j, p)
		return
	}
	ctx, cancel := context.WithTimeout(s.base, left)
	defer cancel()
	rep, err := s.ask(ctx, j, p)
	s.learnFrom(j, p, rep.Proof)
	out, why, err := s.reply(j, p, rep, err)
	if why != "" {
		s.abandon(j, why, causes(rep, err)...)
		return
	}
	s.deliver(j, out)
}

// deliver sends a reply, a Reject not before its time. The wait holds no worker; duplicates that
// come meanwhile are duplicates of a request in progress.
func (s *Server) deliver(j *job, out output) {
	wait := s.cfg.RejectDelay - s.cfg.Now().Sub(j.arrived)
	if out.verdict != login.Reject || wait <= 0 {
		s.send(j, out)
		return
	}
	s.replies.Add(1)
	s.delayed.Add(1)
	time.AfterFunc(wait, func() {
		defer s.replies.Done()
		defer s.delayed.Add(-1)
		s.send(j, out)
	})
}

// send sends a reply to where its request came from, and to where copies of it came from meanwhile.
func (s *Server) send(j *job, out output) {
	to := []returnPath{{j.from, j.local, j.socket}}
	if j.exchange != nil {
		to = s.duplicates.finish(j.exchange, out.packet, s.cfg.Now())
	}
	if len(to) == 0 {
		s.drop(j.client, j.from, DropSuperseded)
		return
	}
	sent := false
	for _, p := range to {
		if err := p.socket.send(out.packet, p.from, p.local); err != nil {
			s.drop(j.client, p.from, DropSend, slog.String("error", err.Error()))
			continue
		}
		sent = true
	}
	if sent {
		j.client.counts.replied(out.verdict)
	}
}

// serveStatus answers Status-Server with an Access-Accept (RFC 5997 §3) while the node can serve the
// client.
func (s *Server) serveStatus(j *job, p *codec.Packet) {
	if err := s.cfg.CanServe(j.client.Client); err != nil {
		s.drop(j.client, j.from, DropNotServing, slog.String("error", err.Error()))
		return
	}
	packet, err := finishReply(beginReply(j.client, p, codec.CodeAccessAccept, s.cfg.VendorID), p)
	if err == nil {
		err = j.socket.send(packet, j.from, j.local)
	}
	if err != nil {
		s.drop(j.client, j.from, DropSend, slog.String("error", err.Error()))
		return
	}
	j.client.counts.statuses.Add(1)
}

// abandon gives a job no answer, and lets its retransmission be a fresh try.
func (s *Server) abandon(j *job, why Reason, facts ...slog.Attr) {
	if j.exchange != nil {
		s.duplicates.forget(j.exchange)
	}
	s.drop(j.client, j.from, why, facts...)
}

// catch ends a panic: it costs the packet that caused it and nothing else. The log has the stack and
// the kind of the panic, but not its text, which may quote the packet.
func (s *Server) catch(c *client, from netip.AddrPort, x *exchange) {
	p := recover()
	if p == nil {
		return
	}
	if x != nil {
		s.duplicates.forget(x)
	}
	s.drop(c, from, DropPanic, slog.String("kind", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
}
