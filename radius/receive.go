package radius

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	codec "layeh.com/radius"
)

// datagram is what a socket received. The bytes are only good until the next one.
type datagram struct {
	bytes  []byte
	from   netip.AddrPort
	local  netip.Addr
	socket sender
}

// maxReadFailures in a row end a reader: Linux reports passing trouble one at a time, and a loop over
// a socket that is gone would burn a core.
const maxReadFailures = 100

// listenOn reads a socket until reading is stopped. There is one reader for each socket; what it
// does with a packet, in receive, takes microseconds and never waits.
func (s *Server) listenOn(k *socket, receive func(datagram)) {
	buffer, control := make([]byte, maxPacket), make([]byte, 128)
	for failures := 0; ; {
		n, from, local, err := k.read(buffer, control)
		if err == nil {
			failures = 0
			receive(datagram{bytes: buffer[:n], from: from, local: local, socket: k})
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return
		}
		if failures++; failures == maxReadFailures {
			s.log.Error("RADIUS socket cannot be read any more", "address", k.addr.String(), "error", err)
			s.deaf.Add(1)
			return
		}
	}
}

// receive takes a datagram to its answer from the cache, to the queue, or nowhere.
func (s *Server) receive(d datagram) {
	c := s.clients.Load().find(plainAddr(d.from.Addr()))
	if c == nil {
		s.drop(nil, d.from, DropUnknownClient)
		return
	}
	defer s.catch(c, d.from, nil)
	packet, o, why := s.examine(c, d)
	if why != "" {
		s.drop(c, d.from, why)
		return
	}
	c.counts.requests.Add(1)
	now := s.cfg.Now()
	if o.code == codec.CodeStatusServer && !c.counts.status.allow(d.from, s.duplicates.note(c.Name, packet, now), now) {
		s.drop(c, d.from, DropStatusLimit)
		return
	}
	preferred := o.code == codec.CodeAccessRequest && o.states > 0 && s.logins.Vouch(string(o.state), c.Name)
	o.state, o.names = nil, senderNames{} // they point into the reader's buffer
	x, isNew := s.begin(c, d, packet, &o, now)
	if !isNew {
		return
	}
	gaveWay := s.queue.push(&job{
		client: c, packet: bytes.Clone(packet), outline: o,
		from: d.from, local: d.local, socket: d.socket, arrived: now, exchange: x,
	}, preferred)
	if gaveWay != nil {
		s.abandon(gaveWay, DropQueueFull)
	}
}

// examine checks what can be checked without decoding, and the Message-Authenticator last.
func (s *Server) examine(c *client, d datagram) (packet []byte, o outline, why Reason) {
	packet, ok := cut(d.bytes)
	if !ok {
		return nil, o, DropMalformed
	}
	switch code := codec.Code(packet[0]); code {
	case codec.CodeAccessRequest, codec.CodeStatusServer:
	case codec.CodeAccountingRequest:
		return nil, o, DropAccounting
	default:
		return nil, o, DropCode
	}
	if o, why = read(packet); why != "" {
		return nil, o, why
	}
	return packet, o, s.authenticate(c, d.from, packet, &o)
}

// authenticate applies RFC 3579 §3.2 and the client's rule. Nothing has happened before it that a
// forged packet could have changed.
func (s *Server) authenticate(c *client, from netip.AddrPort, packet []byte, o *outline) Reason {
	switch {
	case o.badMA:
		return DropSignatureForm
	case o.ma == 0:
		return s.unsigned(c, from, o)
	case !c.signer.validMessageAuthenticator(packet, o.auth, o.ma):
		return DropBadSignature
	}
	if c.MessageAuthenticator == RuleAuto && o.code == codec.CodeAccessRequest {
		s.duplicates.note(c.Name, signedAuthenticator(o), s.cfg.Now())
	}
	return ""
}

// signedAuthenticator is what is remembered of a signed packet of a client that may also come unsigned: under the same
// Request Authenticator its User-Password is good in any other packet (RFC 2865 §5.2), and whoever has read it can make
// one that is not signed.
func signedAuthenticator(o *outline) []byte { return append([]byte("signed"), o.auth[:]...) }

// unsigned says whether a packet without Message-Authenticator is taken.
func (s *Server) unsigned(c *client, from netip.AddrPort, o *outline) Reason {
	addr := plainAddr(from.Addr())
	limit, tolerated := 0, false
	switch {
	case o.code == codec.CodeStatusServer, o.eap, c.MessageAuthenticator == RuleRequired:
		// RFC 5997 §3 and RFC 3579 §3.1 demand it of these two, whatever the rule.
		return DropUnsigned
	case c.MessageAuthenticator == RuleOptional:
		limit = c.ProxyStateLimit
	case s.memory.Learned(c.Name, addr):
		if tolerated = s.mayComeUnsigned(c, addr, o); !tolerated {
			return DropUnlearned
		}
	}
	if o.proxyStates > limit {
		return DropProxyState
	}
	if o.tolerated = tolerated; tolerated {
		if s.duplicates.knows(c.Name, signedAuthenticator(o), s.cfg.Now()) {
			return DropUnlearned // a signed packet with parts taken away or put in
		}
		c.counts.tolerated.Add(1)
		s.hint(c, from, slog.LevelWarn, "request without Message-Authenticator taken although the client signs others: have all of them sign, or give those that cannot a [[client]] of their own")
	}
	return ""
}

// begin reports whether the request is not a duplicate, and answers it when it is. Status-Server is
// not looked up and has no exchange: it is never retransmitted (RFC 5997 §4), and its answer must
// be about now.
func (s *Server) begin(c *client, d datagram, packet []byte, o *outline, now time.Time) (x *exchange, isNew bool) {
	if o.code == codec.CodeStatusServer {
		return nil, true
	}
	a := arrival{client: c.Name, digest: s.duplicates.name(c.Name, packet), signed: o.ma != 0}
	a.slot = slot{returnPath: returnPath{d.from, d.local, d.socket}, identifier: o.identifier, auth: o.auth}
	x, reply, why := s.duplicates.begin(a, now)
	if x != nil {
		return x, true
	}
	if why != DropUnsigned {
		c.counts.duplicates.Add(1)
	}
	switch {
	case why != "":
		s.drop(c, d.from, why)
		return nil, false
	case reply == nil:
		return nil, false
	}
	if err := d.socket.send(reply, d.from, d.local); err != nil {
		s.drop(c, d.from, DropSend, slog.String("error", err.Error()))
	}
	return nil, false
}
