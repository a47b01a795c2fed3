package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"sallyport/login"
)

// How long what was learned counts after it was seen last, and how much of it is kept: addresses of one
// client, signing and not, and records in all.
const (
	signedKept   = 90 * day * second
	unsignedKept = 30 * day * second
	maxAddresses = 64
	maxLearned   = 2048
)

// Learned is that requests of a client have come from an address, signed or not, since when and until
// when (nanoseconds since 1970). A client that signs has one without an address besides: it is what
// answers for all addresses.
type Learned struct {
	Client  string
	Address []byte
	Since   int64
	// Seen is 0 in what was written below [signersByClient].
	Seen     int64
	Unsigned bool
	// Senders are the tags of who sent them, 8 bytes each, at most [login.MaxSenders].
	Senders []byte
}

const fieldSeen = 4

func (l *Learned) wire(w *wire) {
	w.name(1, &l.Client)
	w.octets(2, &l.Address)
	w.int(3, &l.Since)
	if w.done() {
		return
	}
	w.int(fieldSeen, &l.Seen)
	w.bool(5, &l.Unsigned)
	w.octets(6, &l.Senders)
}

// countsAt reports whether the record still counts.
func (l *Learned) countsAt(now int64) bool {
	kept := int64(signedKept)
	if l.Unsigned {
		kept = unsignedKept
	}
	return l.Seen == 0 || now < later(l.Seen, kept)
}

// add notes a sender, as far as there is room.
func (l *Learned) add(s login.SenderTag) {
	const size = len(s)
	for at := 0; at+size <= len(l.Senders); at += size {
		if bytes.Equal(l.Senders[at:at+size], s[:]) {
			return
		}
	}
	if len(l.Senders) < login.MaxSenders*size {
		l.Senders = append(bytes.Clone(l.Senders), s[:]...)
	}
}

// learnedKey is length-prefixed, so that no client's addresses are found under another's name.
func learnedKey(client string, address []byte, unsigned bool) tag {
	var room [128]byte
	b := binary.BigEndian.AppendUint64(room[:0], uint64(len(client)))
	b = append(b, client...)
	b = append(b, address...)
	if unsigned {
		b = append(b, 1) // no address has 5 or 17 bytes
	}
	sum := sha256.Sum256(b)
	return tag(sum[:16])
}

// apply remembers who signs. Below [signersByClient] that is an address, for ever.
func (c *Learn) apply(t *txn) Result {
	if c.Client == "" || len(c.Client) > 1<<16-1 || (len(c.Address) != 4 && len(c.Address) != 16) {
		return Result{Status: Ignored}
	}
	if t.meta.level() < signersByClient {
		if _, known := t.learned.get(learnedKey(c.Client, c.Address, false)); !known {
			t.putLearned(&Learned{Client: c.Client, Address: c.Address, Since: t.time})
		}
		return Result{Status: Done}
	}
	t.pruneLearned()
	if !c.Unsigned {
		client := t.sight(c.Client, nil, false)
		if client == nil {
			return Result{Status: Full}
		}
		t.putLearned(client)
	}
	l := t.sight(c.Client, c.Address, c.Unsigned)
	switch {
	case l != nil:
		l.add(c.Sender)
		t.putLearned(l)
	case c.Unsigned:
		return Result{Status: Full}
	}
	return Result{Status: Done} // of a client that signs the address is for administrators to see
}

// sight returns a record as of now, to be stored; nil when it is new and there is no room.
func (t *txn) sight(client string, address []byte, unsigned bool) *Learned {
	l := &Learned{Client: client, Address: address, Since: t.time, Unsigned: unsigned}
	if b, known := t.learned.get(learnedKey(client, address, unsigned)); known {
		mustDecode(t.wire, b, l)
	} else if t.learned.size >= maxLearned || address != nil && t.addresses(client, unsigned) >= maxAddresses {
		return nil
	}
	l.Seen = t.time
	return l
}

// addresses counts those of a client that are known to sign, or not to.
func (t *txn) addresses(client string, unsigned bool) (n int) {
	t.eachLearned(func(_ tag, l *Learned) {
		if l.Client == client && l.Unsigned == unsigned && len(l.Address) > 0 {
			n++
		}
	})
	return n
}

func (t *txn) putLearned(l *Learned) {
	t.learned.set(t.edit, learnedKey(l.Client, l.Address, l.Unsigned), t.wire.encode(l))
}

// pruneLearned removes what counts no more. There is little of it, and something is learned a few times
// a day, so all of it is looked at.
func (t *txn) pruneLearned() {
	var keys []tag
	t.eachLearned(func(key tag, l *Learned) {
		if !l.countsAt(t.time) {
			keys = append(keys, key)
		}
	})
	for _, key := range keys {
		t.learned.delete(t.edit, key)
	}
}

// dateLearned makes what was learned below [signersByClient] count for its client, from now on.
func (t *txn) dateLearned() {
	if t.meta.level() < signersByClient {
		return
	}
	var undated []*Learned
	t.eachLearned(func(_ tag, l *Learned) {
		if l.Seen == 0 {
			l.Address = bytes.Clone(l.Address)
			undated = append(undated, l)
		}
	})
	for _, l := range undated {
		l.Seen = t.time
		t.putLearned(l)
		client := &Learned{Client: l.Client, Since: l.Since}
		if b, known := t.learned.get(learnedKey(l.Client, nil, false)); known {
			mustDecode(t.wire, b, client)
		}
		client.Since, client.Seen = min(client.Since, l.Since), t.time
		t.putLearned(client)
	}
}

// mergeLearned takes over what a cluster knows and a backup does not: what guards a client never falls
// back.
func (t *txn) mergeLearned(current *root) {
	current.eachLearned(func(key tag, l *Learned) {
		var backup Learned
		if b, known := t.learned.get(key); known {
			mustDecode(t.wire, b, &backup)
		}
		if l.Seen > backup.Seen || backup.Client == "" {
			t.putLearned(l)
		}
	})
}

func (c *Forget) apply(t *txn) Result { return t.once(c.Act, func() Result { return c.forget(t) }) }

func (c *Forget) forget(t *txn) Result {
	var keys []tag
	addresses := 0
	t.eachLearned(func(key tag, l *Learned) {
		if l.Client != c.Client {
			return
		}
		keys = append(keys, key)
		if len(l.Address) > 0 {
			addresses++
		}
	})
	for _, key := range keys {
		t.learned.delete(t.edit, key)
	}
	return Result{Status: Done, Count: addresses}
}

// eachLearned calls do with every record. What it is given shares the state's memory.
func (r *root) eachLearned(do func(tag, *Learned)) {
	w := &wire{names: r.names}
	r.learned.walk(func(key tag, b []byte) bool {
		l := &Learned{}
		mustDecode(w, b, l)
		do(key, l)
		return true
	})
}

// Learned reports whether the client is known to sign at a time of the log: from any address, or, below
// [signersByClient], from this one. It allocates nothing.
func (v View) Learned(client string, address []byte, now int64) bool {
	if v.root.meta.level() >= signersByClient {
		address = nil
	}
	b, ok := v.root.learned.get(learnedKey(client, address, false))
	if !ok {
		return false
	}
	l := Learned{Seen: seenIn(b)}
	return l.countsAt(now)
}

// seenIn reads Learned.Seen alone: this is asked for each packet, and must not allocate.
func seenIn(b []byte) int64 {
	for len(b) > 0 {
		f, n := consumeField(b)
		switch {
		case n < 0:
			panic("state: memory is damaged: " + errTruncated.Error()) // as mustDecode
		case f.number == fieldSeen:
			return protowire.DecodeZigZag(f.num)
		}
		b = b[n:]
	}
	return 0
}

// Sighting returns what is known at a time of the log of the requests of a client from an address that
// were signed, or of those that were not; nil when nothing is.
func (v View) Sighting(client string, address []byte, unsigned bool, now int64) *Learned {
	b, ok := v.root.learned.get(learnedKey(client, address, unsigned))
	if !ok {
		return nil
	}
	l := &Learned{}
	mustDecode(v.wire(), b, l)
	if !l.countsAt(now) {
		return nil
	}
	return l
}

// LearnedAll returns what is known of each address at a time of the log.
func (v View) LearnedAll(now int64) []*Learned {
	var all []*Learned
	v.root.eachLearned(func(_ tag, l *Learned) {
		if len(l.Address) > 0 && l.countsAt(now) {
			all = append(all, l)
		}
	})
	return all
}

// SignersByClient reports whether the cluster's level is that of [signersByClient].
func (v View) SignersByClient() bool { return v.Level() >= signersByClient }
