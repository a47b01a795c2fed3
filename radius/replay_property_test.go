package radius

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"math/rand"
	"net/netip"
	"slices"
	"testing"
	"time"

	"sallyport/login"
)

// Packets replayed from anywhere, at any time, altered, and beside outages: whatever happens,
//
//   - no exact packet of a client is judged twice within the hour once it had a reply, nor twice at once;
//   - other bytes, and what got no answer, are judged by themselves;
//   - a replay gets the reply of its own bytes, sent to where it came from, or none;
//   - a reply verifies as one to the request that it answers, and goes nowhere where the client waits for
//     the answer to a newer one that it would verify for as well.
func TestPacketsReplayedFromAnywhere(t *testing.T) {
	seeds := int64(300)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		w := newReplayWorld(t, seed)
		for range 400 {
			w.step()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// replayWorld is a server with two clients, and what must be true of it.
type replayWorld struct {
	t       *testing.T
	b       *bench
	r       *rand.Rand
	sockets []*postbox
	down    bool
	packets []*sentPacket
	// known are the packets by client and bytes.
	known map[string]*sentPacket
	// judging is the packet that is being served, judged how often Logins were asked about it.
	judging *sentPacket
	judged  int
	// replies counts what was sent in this step, turns the packets that were taken.
	replies, turns int
}

// sentPacket is a packet of a client and its story.
type sentPacket struct {
	client         string
	bytes          []byte
	signed, forged bool
	// from is where it ever came from.
	from map[returnPath]bool
	// open means that it waits to be judged; it was taken under slot, as the turn-th of all.
	open bool
	slot slot
	turn int
	// done means that a verdict was reached at that time; reply is nil until it was sent to somebody.
	done  bool
	at    time.Time
	reply []byte
}

// postbox is a socket that hands on what is sent through it.
type postbox struct {
	sent func(from *postbox, reply []byte, to netip.AddrPort, local netip.Addr)
}

func (p *postbox) send(reply []byte, to netip.AddrPort, local netip.Addr) error {
	p.sent(p, reply, to, local)
	return nil
}

var replayNets = map[string]netip.Prefix{
	"vpn": netip.MustParsePrefix("192.0.2.0/24"), "wlan": netip.MustParsePrefix("198.51.100.0/24"),
}

func hashOf(parts ...[]byte) login.Tag {
	sum := sha256.Sum256(bytes.Join(parts, []byte{0}))
	return login.Tag(sum[:16])
}

func newReplayWorld(t *testing.T, seed int64) *replayWorld {
	w := &replayWorld{t: t, r: rand.New(rand.NewSource(seed)), known: make(map[string]*sentPacket)}
	judge := func(tag login.Tag, client string) (login.Reply, error) {
		p := w.judging
		w.judged++
		if tag != hashOf([]byte(client), p.bytes) {
			t.Error("another packet is judged than the one that was served")
		}
		if p.done && w.now().Sub(p.at) < judgedFor {
			t.Errorf("a packet was judged again %v after its reply", w.now().Sub(p.at))
		}
		if w.down {
			return login.Reply{}, &login.UnavailableError{Code: login.CodeDirectoryUnavail, Err: errDirectoryGone}
		}
		// Now and then the reply is lost in a panic of the program.
		if w.r.Intn(30) == 0 {
			panic("lost")
		}
		p.done, p.at, p.reply = true, w.now(), nil
		verdict := []login.Verdict{login.Reject, login.Accept, login.Challenge}[w.r.Intn(3)]
		return login.Reply{Verdict: verdict, Message: hex.EncodeToString(tag[:]), State: "s"}, nil
	}
	l := &logins{begin: func(_ context.Context, r login.Request) (login.Reply, error) { return judge(r.RequestKey, r.Client) }}
	w.b = newBench(t, l, func(cfg *Config, c *Client) {
		cfg.Tag, cfg.Queue, cfg.Logger = hashOf, 1000, slog.New(slog.DiscardHandler)
		c.MessageAuthenticator, c.Addresses = RuleOptional, []netip.Prefix{replayNets["vpn"]}
		other := *c
		other.Name, other.Addresses = "wlan", []netip.Prefix{replayNets["wlan"]}
		cfg.Clients = append(cfg.Clients, other)
	})
	for range 2 {
		w.sockets = append(w.sockets, &postbox{w.sent})
	}
	return w
}

func (w *replayWorld) now() time.Time { return w.b.clock.Now() }

// step does one thing.
func (w *replayWorld) step() {
	switch n := w.r.Intn(20); {
	case n < 4:
		w.arrive(w.compose(), w.client())
	case n < 10 && len(w.packets) > 0:
		w.arrive(w.any().bytes, w.client())
	case n < 12 && len(w.packets) > 0:
		w.arrive(w.alter(w.any().bytes), w.client())
	case n < 17:
		w.serve()
	case n < 18:
		w.down = !w.down
	default:
		w.b.clock.advance(time.Duration(w.r.Int63n(int64([]time.Duration{20 * time.Second, 20 * time.Minute}[w.r.Intn(2)]))))
	}
}

// any is a packet that was sent before, rather one of late.
func (w *replayWorld) any() *sentPacket {
	n := len(w.packets)
	return w.packets[n-1-min(w.r.Intn(n), w.r.Intn(n))]
}

func (w *replayWorld) client() string { return []string{"vpn", "vpn", "wlan"}[w.r.Intn(3)] }

// compose is a request under one of few Identifiers and Request Authenticators.
func (w *replayWorld) compose() []byte {
	user := []string{"alice", "bob", "carol"}[w.r.Intn(3)]
	if w.r.Intn(2) == 0 {
		return unsignedRequest(w.t, byte(w.r.Intn(2)), byte(w.r.Intn(3)), user, "p")
	}
	return signedLike(w.t, byte(w.r.Intn(2)), byte(w.r.Intn(3)), user, "p")
}

// alter changes one octet of the attributes, and at times signs what comes of it.
func (w *replayWorld) alter(packet []byte) []byte {
	packet = slices.Clone(packet)
	o, why := read(packet)
	if why != "" {
		return packet
	}
	const password = 2 + 16                        // is the last attribute
	at := len(packet) - password - 1 - w.r.Intn(3) // part of the name
	packet[at] ^= byte(1 + w.r.Intn(255))
	if o.ma != 0 && w.r.Intn(2) == 0 {
		sum := testKey.messageAuthenticator(packet, o.auth, o.ma)
		copy(packet[o.ma:], sum[:])
	}
	return packet
}

// arrive lets a packet come from somewhere of a client, and checks what becomes of it at once.
func (w *replayWorld) arrive(packet []byte, client string) {
	o, why := read(packet)
	if why != "" {
		w.t.Fatal(why)
	}
	p := w.known[client+"\x00"+string(packet)]
	if p == nil {
		p = &sentPacket{client: client, bytes: packet, signed: o.ma != 0, from: make(map[returnPath]bool)}
		p.forged = p.signed && !testKey.validMessageAuthenticator(packet, o.auth, o.ma)
		w.known[client+"\x00"+string(packet)] = p
		w.packets = append(w.packets, p)
	}
	addr := replayNets[client].Addr().Next()
	if w.r.Intn(3) == 0 {
		addr = addr.Next()
	}
	path := returnPath{netip.AddrPortFrom(addr, uint16(1+w.r.Intn(2))), []netip.Addr{addr, {}}[w.r.Intn(2)], w.sockets[w.r.Intn(2)]}
	p.from[path] = true
	s := slot{path, o.identifier, o.auth}
	waiting, _ := w.b.queue.waiting()
	w.replies = 0
	w.b.receive(datagram{bytes: slices.Clone(packet), from: path.from, local: path.local, socket: path.socket})
	now, _ := w.b.queue.waiting()
	taken := now > waiting
	age, rival := w.now().Sub(p.at), w.rival(p, s)
	switch {
	case p.forged:
		w.expect(!taken && w.replies == 0, "a forged packet was taken or answered")
	case p.open:
		w.expect(!taken && w.replies == 0, "a request in progress was taken twice, or answered")
	case p.done && age < w.b.cfg.CacheFor:
		w.expect(!taken && w.replies <= 1 && (w.replies == 1 || w.joined(p, s)), "a duplicate was judged again, or has no reply")
	case p.done && age < judgedFor:
		w.expect(!taken && w.replies == 0, "a replay was judged again, or answered")
	case rival != nil && rival.signed && !p.signed:
		w.expect(!taken && w.replies == 0, "an unsigned request was taken in the place of a signed one")
	case !p.signed && w.joined(p, s):
		// Whether that one is signed and holds the slot is not modelled.
	case !p.done || age > judgedFor+batchTime:
		w.expect(taken && w.replies == 0, "a packet that was not judged was not taken")
	}
	if taken {
		w.turns++
		p.open, p.slot, p.turn = true, s, w.turns
	}
}

// rival is another request that waits under the slot.
func (w *replayWorld) rival(p *sentPacket, s slot) *sentPacket {
	for _, q := range w.packets {
		if q != p && q.open && q.slot == s {
			return q
		}
	}
	return nil
}

// joined reports whether another request waits that has come from there too.
func (w *replayWorld) joined(p *sentPacket, s slot) bool {
	return slices.ContainsFunc(w.packets, func(q *sentPacket) bool {
		return q != p && q.open && q.from[s.returnPath] && slot{s.returnPath, q.bytes[1], authenticatorOf(q.bytes)} == s
	})
}

// serve judges the next packet.
func (w *replayWorld) serve() {
	if n, _ := w.b.queue.waiting(); n == 0 {
		return
	}
	j := w.b.queue.pop()
	p := w.known[j.client.Name+"\x00"+string(j.packet)]
	w.judging, w.judged = p, 0
	if !p.open {
		w.t.Error("a packet is served that did not wait")
	}
	w.b.serve(j)
	expired := w.now().Sub(j.arrived) > w.b.cfg.Deadline-leastTime
	w.expect(w.judged == 1 || w.judged == 0 && expired, "a packet that waited was not judged once")
	p.open, w.judging = false, nil
}

// sent checks a reply.
func (w *replayWorld) sent(socket *postbox, reply []byte, to netip.AddrPort, local netip.Addr) {
	w.replies++
	path := returnPath{to, local, socket}
	for _, p := range w.packets {
		if p.from[path] && w.answers(reply, p, path) {
			return
		}
	}
	w.t.Error("a reply goes to where the request that it answers did not come from")
}

// answers reports whether it is the reply to p, and then checks it.
func (w *replayWorld) answers(reply []byte, p *sentPacket, path returnPath) bool {
	packet, o, err := verify(testKey, p.bytes, reply, true)
	if err != nil {
		return false
	}
	r, err := decode(testKey, p.bytes, packet, o, DefaultVendorID)
	if err != nil {
		w.t.Fatal(err)
	}
	if tag := hashOf([]byte(p.client), p.bytes); r.Message != hex.EncodeToString(tag[:]) {
		return false
	}
	if p.reply == nil {
		p.reply = reply
	}
	if !bytes.Equal(reply, p.reply) || w.now().Sub(p.at) >= w.b.cfg.CacheFor {
		w.t.Error("a duplicate got another reply, or a late one")
	}
	s := slot{path, p.bytes[1], authenticatorOf(p.bytes)}
	for _, q := range w.packets {
		if q == p || !q.open || q.slot != s || p.signed && !q.signed || p.open && p.slot == s && p.turn > q.turn {
			continue
		}
		w.t.Error("a reply goes to where it will be taken for that to another request")
	}
	return true
}

func (w *replayWorld) expect(ok bool, otherwise string) {
	w.t.Helper()
	if !ok {
		w.t.Error(otherwise)
	}
}
