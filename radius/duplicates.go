package radius

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
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

// maxCopies bounds the places to which the reply of one request in progress is sent: copies of it may
// come through several listeners, or from a client that has opened another port.
const maxCopies = 4

// sender sends a reply from the local address that was asked. A sender is also the identity of a
// socket, so it must be comparable.
type sender interface {
	send(reply []byte, to netip.AddrPort, from netip.Addr) error
}

// digest names a packet of a client by all its bytes, wherever it comes from. It is keyed, so nobody
// outside the process can make two packets that share one.
type digest [16]byte

// returnPath is where a packet came from, and so where its reply goes.
type returnPath struct {
	from   netip.AddrPort
	local  netip.Addr
	socket sender
}

// slot is by what a client matches a reply to its request: a Response Authenticator covers no more of
// the request than its Identifier and Request Authenticator (RFC 2865 §3). So two requests under one
// slot, which clients with poor randomness send, would each believe the other's reply.
type slot struct {
	returnPath
	identifier byte
	auth       [authSize]byte
}

// arrival is an authentic packet that has just come. It is signed when it had a Message-Authenticator.
type arrival struct {
	client string
	digest digest
	slot   slot
	signed bool
}

// exchange is a request that was seen, and its reply once there is one.
type exchange struct {
	client string
	digest digest
	signed bool
	// slots are where the reply goes, while the request is in progress.
	slots   []slot
	reply   []byte
	expires time.Time
	// older and newer link the answered ones in the order in which they expire.
	older, newer *exchange
}

// duplicates remembers requests in progress, replies, and which packets were judged. A request is known
// by its bytes alone. It is safe for concurrent use.
type duplicates struct {
	keep  time.Duration
	limit int
	// key is in front of what is hashed; buffers are reused for it.
	key     [sha256.Size]byte
	buffers sync.Pool

	mu             sync.Mutex
	exchanges      map[digest]*exchange
	oldest, newest *exchange
	bytes          int
	// slots has who is in progress under each: the one whose reply may be sent there.
	slots  map[slot]*exchange
	judged *judged
}

func newDuplicates(keep time.Duration, limit, judgedLimit int) *duplicates {
	d := &duplicates{
		keep: keep, limit: limit, exchanges: make(map[digest]*exchange),
		slots: make(map[slot]*exchange), judged: newJudged(judgedLimit),
	}
	rand.Read(d.key[:]) //nolint:errcheck // never fails, see crypto/rand
	d.buffers.New = func() any { return new([]byte) }
	return d
}

// name returns the digest of a client's packet.
func (d *duplicates) name(client string, packet []byte) digest {
	b := d.buffers.Get().(*[]byte)
	defer d.buffers.Put(b)
	*b = append((*b)[:0], d.key[:]...)
	*b = binary.BigEndian.AppendUint32(*b, uint32(len(client)))
	*b = append(append(*b, client...), packet...)
	sum := sha256.Sum256(*b)
	return digest(sum[:len(digest{})])
}

// begin looks a packet up. Of a duplicate it returns the reply, or why there is none, or neither while
// the request is in progress and its reply will be sent to this place too. Otherwise it returns a new
// exchange, which must be finished or forgotten.
func (d *duplicates) begin(a arrival, now time.Time) (fresh *exchange, reply []byte, why Reason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
	x := d.exchanges[a.digest]
	switch {
	case x == nil && d.judged.has(a.client, a.digest, now):
		return nil, nil, DropReplayed
	case x == nil:
		x = &exchange{client: a.client, digest: a.digest, signed: a.signed}
		if !d.claim(x, a.slot, true) {
			// It came under the slot of a signed request, and its own reply would be taken for that one's.
			return nil, nil, DropUnsigned
		}
		d.exchanges[a.digest] = x
		return x, nil, ""
	case x.reply == nil && d.claim(x, a.slot, false):
		return nil, nil, ""
	case x.reply == nil:
		return nil, nil, DropInProgress
	}
	if y := d.slots[a.slot]; y != nil && (y.signed || !x.signed) {
		return nil, nil, DropSuperseded
	}
	return nil, x.reply, ""
}

// note remembers a packet that is answered anew each time it comes, and reports whether it has come within
// the hour.
func (d *duplicates) note(client string, packet []byte, now time.Time) bool {
	name := d.name(client, packet)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.judged.has(client, name, now) {
		return true
	}
	d.judged.add(client, name, now)
	return false
}

// knows reports whether note was told of it within the hour.
func (d *duplicates) knows(client string, packet []byte, now time.Time) bool {
	name := d.name(client, packet)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.judged.has(client, name, now)
}

// claim lets the reply of x be sent to s, and of no other request that is in progress under s. A signed
// request gives way to a signed one only, since anybody can send an unsigned one; otherwise a new
// request takes the place of an older one, which its client has given up.
func (d *duplicates) claim(x *exchange, s slot, isNew bool) bool {
	if y := d.slots[s]; y != nil {
		if y == x || y.signed && !x.signed || y.signed == x.signed && !isNew {
			return false
		}
	}
	if len(x.slots) == maxCopies {
		return false
	}
	d.slots[s] = x
	x.slots = append(x.slots, s)
	return true
}

// finish keeps the reply for duplicates, and that the packet was judged for longer. It returns where the
// reply is to be sent: nowhere, when other requests have taken all its places.
func (d *duplicates) finish(x *exchange, reply []byte, now time.Time) (to []returnPath) {
	d.mu.Lock()
	defer d.mu.Unlock()
	to = d.release(x)
	d.judged.add(x.client, x.digest, now)
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
	return to
}

// forget drops an exchange that gets no reply, so that the same packet is a fresh try.
func (d *duplicates) forget(x *exchange) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.exchanges[x.digest] == x && x.reply == nil {
		d.release(x)
		delete(d.exchanges, x.digest)
	}
}

// release ends what x has claimed, and returns what was still its own.
func (d *duplicates) release(x *exchange) (own []returnPath) {
	for _, s := range x.slots {
		if d.slots[s] == x {
			delete(d.slots, s)
			own = append(own, s.returnPath)
		}
	}
	x.slots = nil
	return own
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

// remove takes an answered x out of the map and the list.
func (d *duplicates) remove(x *exchange) {
	delete(d.exchanges, x.digest)
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

// remembered returns how many packets are known to be judged, and by client how many were forgotten
// before their time.
func (d *duplicates) remembered(now time.Time) (packets int, forgotten map[string]uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	forgotten = make(map[string]uint64, len(d.judged.clients))
	for name, h := range d.judged.clients {
		d.judged.expire(h, now)
		forgotten[name] = h.forgotten
	}
	return len(d.judged.packets), forgotten
}
