package radius

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc3162"

	"sallyport/login"
)

// TerminalIdentifier is how the NAS-Identifier of "sallyport login" begins. Nothing is learned from its
// requests, since it shares an address with whatever else runs there.
const TerminalIdentifier = "sallyport-login"

const (
	// refreshAfter is how old what is remembered may be before a request says it again.
	refreshAfter = 24 * time.Hour
	// settling is how long after an address has first signed another program behind it may come without a
	// signature: two that were there before are found out in that time.
	settling = 7 * 24 * time.Hour
	// Each client may teach so many lessons at once, and then one every so often: each is a commit.
	lessonBurst = 64
	lessonEvery = 10 * time.Minute
)

// senderNames is what a program behind an address says of itself (RFC 2865 §4.1 wants one of them).
type senderNames struct{ identifier, ip, ipv6 []byte }

func (n *senderNames) note(t codec.Type, value []byte) {
	var name *[]byte
	switch t {
	case rfc2865.NASIdentifier_Type:
		name = &n.identifier
	case rfc2865.NASIPAddress_Type:
		name = &n.ip
	case rfc3162.NASIPv6Address_Type:
		name = &n.ipv6
	default:
		return
	}
	if *name == nil {
		*name = value
	}
}

// tag is the zero value where nothing is said.
func (n senderNames) tag() (tag login.SenderTag) {
	if len(n.identifier)+len(n.ip)+len(n.ipv6) == 0 {
		return tag
	}
	h := sha256.New()
	for _, name := range [][]byte{n.identifier, n.ip, n.ipv6} {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(name))))
		h.Write(name)
	}
	copy(tag[:], h.Sum(nil))
	return tag
}

// mayComeUnsigned reports whether a request without Message-Authenticator is taken of a client that signs.
// It is where its address was seen so before, by a right password or code: but not of a program that is
// known to sign, and was never seen otherwise. And it is, for a while, of another program behind an address
// that signs, since each of two had to be the first.
func (s *Server) mayComeUnsigned(c *client, addr netip.Addr, o *outline) bool {
	signed, unsigned := s.memory.Sighted(c.Name, addr)
	sender := o.names.tag()
	if !unsigned.Seen.IsZero() {
		return !slices.Contains(signed.Senders, sender) || slices.Contains(unsigned.Senders, sender)
	}
	n, nobody := len(signed.Senders), login.SenderTag{}
	return 0 < n && n < login.MaxSenders && sender != nobody && s.cfg.Now().Sub(signed.Since) < settling &&
		!slices.Contains(signed.Senders, sender) && !slices.Contains(signed.Senders, nobody)
}

// learnFrom remembers how a request came that has shown who it is from. It was new, or it would have had no
// login. Learned is from ordinary logins alone: EAP and Status-Server must carry Message-Authenticator
// whatever the client does otherwise.
func (s *Server) learnFrom(j *job, p *codec.Packet, proof login.Proof) {
	one := lesson{Lesson: login.Lesson{
		Client: j.client.Name, Address: plainAddr(j.from.Addr()), Unsigned: j.outline.ma == 0,
	}}
	least := login.ProofState
	if one.Unsigned {
		least = login.ProofSecret // a State is in the clear
		if proof >= least {
			j.client.counts.doubtedUntil.Store(0)
		}
		if j.outline.tolerated {
			least = login.ProofLogin // a hidden password of a signed request can be sent again in one that is not
		}
	}
	if j.client.MessageAuthenticator != RuleAuto || j.outline.eap || proof < least {
		return
	}
	var names senderNames
	for _, a := range p.Attributes {
		names.note(a.Type, a.Attribute)
	}
	if strings.HasPrefix(string(names.identifier), TerminalIdentifier) {
		return
	}
	one.Sender = names.tag()
	known, unsigned := s.memory.Sighted(one.Client, one.Address)
	if one.Unsigned {
		known = unsigned
	}
	toldApart := len(known.Senders) >= login.MaxSenders || slices.Contains(known.Senders, one.Sender)
	if toldApart && s.cfg.Now().Sub(known.Seen) < refreshAfter {
		return
	}
	one.news = !one.Unsigned && !s.memory.Learned(one.Client, one.Address)
	s.learner.learn(one)
}

// learner tells the memory how requests of clients come, one after the other and beside the packets:
// learning is a commit, and no reader or worker waits for one.
type learner struct {
	memory Memory
	log    *slog.Logger
	now    func() time.Time
	todo   chan lesson
	// base ends with the learner; done is closed when it has ended.
	base context.Context
	stop context.CancelFunc
	done chan struct{}
	// failures paces the log while nothing can be committed.
	failures *pacer

	mu sync.Mutex
	// pending are the lessons in todo and the one being committed; allowed is by client.
	pending map[login.Lesson]bool
	allowed map[string]*rate.Limiter
}

// lesson is one to be committed; news says that it is the first of its client.
type lesson struct {
	login.Lesson
	news bool
}

const (
	// lessons may wait; what does not fit is learned from a later packet.
	maxLessons = 256
	learnTime  = 5 * time.Second
)

func newLearner(memory Memory, log *slog.Logger, now func() time.Time) *learner {
	l := &learner{
		memory: memory, log: log, now: now, todo: make(chan lesson, maxLessons), done: make(chan struct{}),
		pending: make(map[login.Lesson]bool), allowed: make(map[string]*rate.Limiter), failures: newPacer(),
	}
	l.base, l.stop = context.WithCancel(context.Background())
	return l
}

// learn notes a lesson. It does not wait.
func (l *learner) learn(one lesson) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[one.Lesson] {
		return
	}
	allowed := l.allowed[one.Client]
	if allowed == nil {
		allowed = rate.NewLimiter(rate.Every(lessonEvery), lessonBurst)
		l.allowed[one.Client] = allowed
	}
	if !allowed.AllowN(l.now(), 1) {
		return
	}
	select {
	case l.todo <- one:
		l.pending[one.Lesson] = true
	default:
	}
}

func (l *learner) start() {
	go func() {
		defer close(l.done)
		for {
			select {
			case one := <-l.todo:
				l.commit(one)
			case <-l.base.Done():
				return
			}
		}
	}()
}

func (l *learner) commit(one lesson) {
	ctx, cancel := context.WithTimeout(l.base, learnTime)
	defer cancel()
	err := l.memory.Learn(ctx, one.Lesson)
	l.mu.Lock()
	delete(l.pending, one.Lesson)
	l.mu.Unlock()
	if err != nil {
		if silent, ok := l.failures.pass(l.now()); ok {
			l.log.Warn("could not keep whether a client sends Message-Authenticator; its next request tries again",
				"client", one.Client, "address", one.Address.String(), "suppressed", silent, "error", err)
		}
	} else if one.news {
		l.log.Info("client sends Message-Authenticator; required of it from now on, but where it was seen without",
			"client", one.Client, "address", one.Address.String())
	}
}

// close ends the learner. What it has not learned yet, a later packet teaches.
func (l *learner) close() {
	l.stop()
	<-l.done
}
