package radius

import (
	"net/netip"
	"sync"
	"time"
)

// The memory that the duplicate cache may take: replies, and entrySize for each entry's bookkeeping.
// 64 MiB hold about 110,000 replies of 250 octets, which is 5 seconds (the least that RFC 5080
// §2.2.2 asks for) at 22,000 requests per second, and 30 seconds at 3,600.
const (
	cacheBytes = 64 << 20
	entrySize  = 320
)

// sender sends a reply from the local address that was asked. A sender is also the identity of a
// socket, so it must be comparable.
type sender interface {
	send(reply []byte, to netip.AddrPort, from netip.Addr) error
}

// exchangeKey names a request but for its Request Authenticator (RFC 5080 §2.2.2).
type exchangeKey struct {
	from       netip.AddrPort
	local      netip.Addr
	socket     sender
	identifier byte
}

// exchange is a request that was seen, and its reply once there is one.
type exchange struct {
	key     exchangeKey
	auth    [authSize]byte
	reply   []byte
	expires time.Time
	// older and newer link the answered ones in the order in which they expire.
	older, newer *exchange
}

// duplicates remembers requests in progress and replies. It is safe for concurrent use.
type duplicates struct {
	keep  time.Duration
	limit int

	mu             sync.Mutex
	exchanges      map[exchangeKey]*exchange
	oldest, newest *exchange
	bytes          int
}

func newDuplicates(keep time.Duration, limit int) *duplicates {
	return &duplicates{keep: keep, limit: limit, exchanges: make(map[exchangeKey]*exchange)}
}

// begin looks a request up. Of a duplicate it returns the reply, or, while that is in progress,
// neither. Otherwise it returns a new exchange, which must be finished or forgotten; an exchange
// under the same key with another Request Authenticator is purged, because its client has given
// it up.
func (d *duplicates) begin(key exchangeKey, auth [authSize]byte, now time.Time) (fresh *exchange, reply []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
	if x := d.exchanges[key]; x != nil {
		if x.auth == auth {
			return nil, x.reply
		}
		d.remove(x)
	}
	x := &exchange{key: key, auth: auth}
	d.exchanges[key] = x
	return x, nil
}

// finish keeps the reply for duplicates. It returns false, and keeps nothing, when the exchange was
// purged in the meantime: then the reply is of no use to the client either.
func (d *duplicates) finish(x *exchange, reply []byte, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.exchanges[x.key] != x {
		return false
	}
	x.reply, x.expires = reply, now.Add(d.keep)
	x.older = d.newest
	if d.newest != nil {
		d.newest.newer = x
	} else {
		d.oldest = x
	}
	d.newest = x
	d.bytes += entrySize + len(reply)
	for d.bytes > d.limit && d.oldest != x {
		d.remove(d.oldest)
	}
	return true
}

// forget drops an exchange that gets no reply, so that a retransmission is a fresh try.
func (d *duplicates) forget(x *exchange) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.exchanges[x.key] == x && x.reply == nil {
		delete(d.exchanges, x.key)
	}
}

// size returns the number of exchanges, and the octets that the answered ones take.
func (d *duplicates) size() (entries, bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.exchanges), d.bytes
}

func (d *duplicates) expire(now time.Time) {
	for d.oldest != nil && !now.Before(d.oldest.expires) {
		d.remove(d.oldest)
	}
}

// remove takes x out of the map and, when it is answered, out of the list.
func (d *duplicates) remove(x *exchange) {
	delete(d.exchanges, x.key)
	if x.reply == nil {
		return
	}
	if x.older != nil {
		x.older.newer = x.newer
	} else {
		d.oldest = x.newer
	}
	if x.newer != nil {
		x.newer.older = x.older
	} else {
		d.newest = x.older
	}
	x.older, x.newer = nil, nil
	d.bytes -= entrySize + len(x.reply)
}
