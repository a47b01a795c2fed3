package radius

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
)

// How long a record is remembered for its repeats, and how many packets are: about 30 MiB. Clients repeat for a
// minute or two; and whoever has recorded a packet and sends it again makes no more events than one in
// five minutes of it.
const (
	accountingKeep    = 5 * time.Minute
	accountingEntries = 1 << 16
)

// sameMoment is how much later than its record a repeat may seem to have happened: Acct-Delay-Time has
// whole seconds. It may seem to have happened earlier: the record may have come by a retransmission of
// the same bytes, whose delay was out of date.
const sameMoment = 2 * time.Second

// accountingDigest names a packet, or what is in it.
type accountingDigest [sha256.Size]byte

// maxForms is how many packets of one record are known, the first of them included.
const maxForms = 16

// accountingEntry is a record that was seen.
type accountingEntry struct {
	content accountingDigest
	// forms are the packets that the record came in.
	forms []accountingDigest
	// moment is when it happened: its arrival less its Acct-Delay-Time.
	moment   time.Time
	delay    uint32
	recorded bool
	expires  time.Time
	place    *list.Element
}

// accountingSight is what is known of a packet.
type accountingSight uint8

const (
	accountingNew accountingSight = iota
	accountingPending
	accountingRecorded
)

// accountingSeen remembers records, so that a repeat is answered and not recorded again. A repeat is the
// same packet, wherever it comes from; or the same content with a larger Acct-Delay-Time that leads to no
// later moment (RFC 2866 §5.2: it is raised at each transmission, which changes Identifier and Request
// Authenticator). The same content under a new Identifier and the same delay is an event of its own: RFC
// 2866 §3 wants another Identifier only once the earlier one was answered. It is safe for concurrent use.
type accountingSeen struct {
	keep time.Duration
	most int

	mu      sync.Mutex
	exact   map[accountingDigest]*accountingEntry
	content map[accountingDigest]*accountingEntry
	order   list.List // the oldest first
}

func newAccountingSeen(keep time.Duration, most int) *accountingSeen {
	return &accountingSeen{
		keep: keep, most: most,
		exact: make(map[accountingDigest]*accountingEntry), content: make(map[accountingDigest]*accountingEntry),
	}
}

// begin looks a packet up. A new one gets an entry, which must be finished or forgotten.
func (s *accountingSeen) begin(client string, packet []byte, auth [authSize]byte, now time.Time) (*accountingEntry, accountingSight) {
	content, delay := digestAccounting(client, packet)
	e := &accountingEntry{
		content: content, delay: delay, moment: now.Add(-time.Duration(delay) * time.Second), expires: now.Add(s.keep),
	}
	// The Request Authenticator covers the whole packet.
	exact := sha256.Sum256(append(append(content[:], packet[1]), auth[:]...))
	s.mu.Lock()
	defer s.mu.Unlock()
	for first := s.order.Front(); first != nil; first = s.order.Front() {
		if oldest := first.Value.(*accountingEntry); now.Before(oldest.expires) && len(s.exact) < s.most {
			break
		} else {
			s.remove(oldest)
		}
	}
	old := s.exact[exact]
	if old == nil {
		if same := s.content[content]; same != nil && delay > same.delay && e.moment.Sub(same.moment) <= sameMoment {
			old = same
			if len(old.forms) < maxForms {
				s.exact[exact], old.forms = old, append(old.forms, exact)
			}
		}
	}
	switch {
	case old == nil:
	case old.recorded:
		return nil, accountingRecorded
	default:
		return nil, accountingPending
	}
	e.place = s.order.PushBack(e)
	e.forms = []accountingDigest{exact}
	s.exact[exact], s.content[content] = e, e
	return e, accountingNew
}

// finish notes that an entry's record is durable.
func (s *accountingSeen) finish(e *accountingEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.recorded = true
}

// forget drops an entry that was not recorded.
func (s *accountingSeen) forget(e *accountingEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.recorded {
		s.remove(e)
	}
}

func (s *accountingSeen) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}

// remove drops an entry, and nothing when it was dropped before.
func (s *accountingSeen) remove(e *accountingEntry) {
	for _, exact := range e.forms {
		if s.exact[exact] == e {
			delete(s.exact, exact)
		}
	}
	if s.content[e.content] == e {
		delete(s.content, e.content)
	}
	s.order.Remove(e.place)
}

// digestAccounting names what a record says, without what differs between its transmissions and on its
// way: Acct-Delay-Time, which is returned, Message-Authenticator and Proxy-State.
func digestAccounting(client string, packet []byte) (d accountingDigest, delay uint32) {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(client)))
	h.Write(length[:])
	h.Write([]byte(client))
	for rest := packet[headerSize:]; len(rest) > 0; rest = rest[rest[1]:] {
		switch codec.Type(rest[0]) {
		case rfc2866.AcctDelayTime_Type:
			if rest[1] == 6 {
				delay = binary.BigEndian.Uint32(rest[2:6])
			}
		case rfc2869.MessageAuthenticator_Type, rfc2865.ProxyState_Type:
		default:
			h.Write(rest[:rest[1]])
		}
	}
	h.Sum(d[:0])
	return d, delay
}
