package radius

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc3162"

	"sallyport/login"
)

// upstreamServer is one server: the sockets it is asked from, and what is known of it.
type upstreamServer struct {
	addr   string
	caller CallerConfig
	cfg    UpstreamConfig
	// dial looks the server's name up and makes a socket.
	dial func(context.Context, CallerConfig) (*Caller, error)

	// learned is the signedness that RuleAuto has learned to require.
	learned atomic.Uint32
	counts  upstreamCounts

	mu sync.Mutex
	// sockets are made when they are first needed; one that cannot send is made anew.
	sockets []*Caller
	closed  bool
	health  health
	doubt   *doubt
}

func newUpstreamServer(addr string, cfg UpstreamConfig) *upstreamServer {
	s := &upstreamServer{
		addr: addr, cfg: cfg, dial: dial, sockets: make([]*Caller, cfg.Sockets),
		// What a reply must have is said with each request.
		caller: CallerConfig{Server: addr, Secret: cfg.Secret, AcceptUnsigned: true, Timing: cfg.Timing},
		health: health{since: cfg.Now()},
	}
	if cfg.Replies == nil {
		return s
	}
	known := signedness(max(cfg.Replies.Signed(addr), 0))
	if cfg.MessageAuthenticator != RuleAuto && known > unsigned {
		cfg.Replies.Keep(addr, int(unsigned)) // so that "auto" begins again after another rule
	} else if cfg.MessageAuthenticator == RuleAuto {
		s.learned.Store(uint32(min(known, signedFirst)))
	}
	return s
}

// exchange sends a request from one of the sockets, drawn by lot.
func (s *upstreamServer) exchange(ctx context.Context, m Message) (*Response, error) {
	slot := rand.IntN(len(s.sockets))
	c, err := s.borrow(ctx, slot)
	if err != nil {
		return nil, &NoReplyError{Server: s.addr, Cause: err}
	}
	defer c.leave()
	s.identify(&m, c.local())
	r, err := c.exchange(ctx, m, manner{refusals: 2, first: true, need: s.need()})
	if err == nil {
		s.learn(r)
	} else if unsendable(err) {
		s.discard(slot, c)
	}
	return r, err
}

// identify adds who asks (RFC 2865 §4.1). local is the address that the packet leaves from.
func (s *upstreamServer) identify(m *Message, local netip.Addr) {
	m.NASIdentifier = s.cfg.NASIdentifier
	addr := s.cfg.NASAddress
	if !addr.IsValid() {
		addr = local
	}
	kind := rfc2865.NASIPAddress_Type
	if addr.Is6() {
		kind = rfc3162.NASIPv6Address_Type
	}
	m.More = append(m.More, &codec.AVP{Type: kind, Attribute: addr.AsSlice()})
}

// need is what a reply must have to be believed.
func (s *upstreamServer) need() signedness {
	switch s.cfg.MessageAuthenticator {
	case RuleRequired:
		return signedFirst
	case RuleOptional:
		return unsigned
	}
	return signedness(s.learned.Load())
}

// learn notes what an authentic reply has, so that the next must have it too.
func (s *upstreamServer) learn(r *Response) {
	has := unsigned
	switch {
	case r.SignedFirst:
		has = signedFirst
	case r.Signed:
		has = signed
	}
	for {
		known := s.learned.Load()
		if uint32(has) <= known {
			return
		}
		if s.learned.CompareAndSwap(known, uint32(has)) {
			if s.cfg.Replies != nil && s.cfg.MessageAuthenticator == RuleAuto {
				s.cfg.Replies.Keep(s.addr, int(has))
			}
			return
		}
	}
}

// probeMessage is an Access-Request in the reserved name, with a password that nobody has.
func (s *upstreamServer) probeMessage(password string, bare bool) Message {
	return Message{Username: s.cfg.ProbeUser, Password: login.Secret(password), bare: bare}
}

// afresh asks once from a socket of its own, so that a probe also tells whether a new one works.
func (s *upstreamServer) afresh(ctx context.Context, timing Timing, m Message, how manner) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timing.Total)
	defer cancel()
	cfg := s.caller
	cfg.Timing = timing
	c, err := s.dial(ctx, cfg)
	if err != nil {
		return nil, &NoReplyError{Server: s.addr, Cause: err}
	}
	defer c.retire()
	if !m.Status {
		s.identify(&m, c.local())
	}
	return c.exchange(ctx, m, how)
}

// once is the timing of a single transmission whose reply is waited for that long.
func once(wait time.Duration) Timing {
	return Timing{Initial: wait, Longest: wait, Transmissions: 1, Total: wait}
}
