package radius

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

const testSecret login.Secret = "a-shared-secret-of-some-length"

var (
	testKey  = newSigner(testSecret)
	testFrom = netip.MustParseAddrPort("192.0.2.7:40000")
)

// logins is a Logins made of functions; a test sets those that it expects to be called.
type logins struct {
	begin  func(ctx context.Context, r login.Request) (login.Reply, error)
	resume func(ctx context.Context, a login.Answer) (login.Reply, error)
	vouch  func(state, client string) bool
}

func (l *logins) Begin(ctx context.Context, r login.Request) (login.Reply, error) {
	return l.begin(ctx, r)
}

func (l *logins) Continue(ctx context.Context, a login.Answer) (login.Reply, error) {
	return l.resume(ctx, a)
}

func (l *logins) Vouch(state, client string) bool { return l.vouch != nil && l.vouch(state, client) }

// accepting is a Logins that accepts and counts.
func accepting(count *int) *logins {
	return &logins{begin: func(context.Context, login.Request) (login.Reply, error) {
		*count++
		return login.Reply{Verdict: login.Accept, Code: login.CodeAccepted, Message: "Welcome.", Proof: login.ProofSecret}, nil
	}}
}

// memory is a Memory in a map, which forgets nothing.
type memory struct {
	mu    sync.Mutex
	now   func() time.Time
	known map[sighted]login.Sighting
	signs map[string]bool
	news  chan login.Lesson
}

type sighted struct {
	client   string
	addr     netip.Addr
	unsigned bool
}

func newMemory(now func() time.Time) *memory {
	return &memory{now: now, known: map[sighted]login.Sighting{}, signs: map[string]bool{}, news: make(chan login.Lesson, 1024)}
}

func (m *memory) Learned(client string, _ netip.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signs[client]
}

func (m *memory) Sighted(client string, addr netip.Addr) (signed, unsigned login.Sighting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[sighted{client, addr, false}], m.known[sighted{client, addr, true}]
}

func (m *memory) Learn(_ context.Context, one login.Lesson) error {
	m.mu.Lock()
	key := sighted{one.Client, one.Address, one.Unsigned}
	s := m.known[key]
	if s.Since.IsZero() {
		s.Since = m.now()
	}
	if s.Seen = m.now(); !slices.Contains(s.Senders, one.Sender) {
		s.Senders = append(slices.Clone(s.Senders), one.Sender)
	}
	m.known[key] = s
	m.signs[one.Client] = m.signs[one.Client] || !one.Unsigned
	m.mu.Unlock()
	m.news <- one
	return nil
}

// wire is a socket that keeps what is sent.
type wire struct {
	mu   sync.Mutex
	sent [][]byte
	to   []netip.AddrPort
	at   []time.Time
}

func (w *wire) send(reply []byte, to netip.AddrPort, _ netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.to = append(w.sent, reply), append(w.to, to)
	w.at = append(w.at, time.Now())
	return nil
}

func (w *wire) replies() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a server without sockets and workers: packets are put in, and served one after the other.
type bench struct {
	*Server
	wire   *wire
	clock  *clock
	memory *memory
}

// newBench returns a bench with one client for all addresses, which change may alter.
func newBench(t testing.TB, l Logins, change func(*Config, *Client)) *bench {
	t.Helper()
	b := &bench{wire: &wire{}, clock: &clock{now: time.Unix(1_700_000_000, 0)}}
	b.memory = newMemory(b.clock.Now)
	c := Client{Name: "vpn", Addresses: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, Secret: testSecret, Policy: "staff"}
	cfg := Config{
		Listen: []string{"127.0.0.1:0"}, RejectDelay: -1, Queue: 4, Workers: 2, Now: b.clock.Now,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg, &c)
	}
	cfg.Clients = append(cfg.Clients, c)
	var err error
	if b.Server, err = New(cfg, l, b.memory); err != nil {
		t.Fatal(err)
	}
	return b
}

// put lets packets of the test's client arrive.
func (b *bench) put(packets ...[]byte) {
	for _, p := range packets {
		b.receive(datagram{bytes: p, from: testFrom, socket: b.wire})
	}
}

// teach lets everything be learned that is to be learned, at once.
func (b *bench) teach() {
	for {
		select {
		case one := <-b.learner.todo:
			b.learner.commit(one)
		default:
			return
		}
	}
}

// serveAll serves what is queued.
func (b *bench) serveAll() {
	for n, _ := b.queue.waiting(); n > 0; n, _ = b.queue.waiting() {
		b.serve(b.queue.pop())
	}
}

// exchange serves packets and returns all replies so far.
func (b *bench) exchange(packets ...[]byte) [][]byte {
	b.put(packets...)
	b.serveAll()
	return b.wire.replies()
}

// finish ends the workers that startWorkers has started, when all is answered.
func (b *bench) finish() {
	b.queue.close()
	b.workers.Wait()
	b.replies.Wait()
	b.learner.close()
}

// vpn returns the counts of the test's client.
func (b *bench) vpn() ClientStats { return b.Stats().Clients["vpn"] }

// wantDrops fails unless exactly these packets were dropped.
func (b *bench) wantDrops(t *testing.T, why Reason, n uint64) {
	t.Helper()
	if got := b.vpn().Dropped; got[why] != n || len(got) != 1 {
		t.Errorf("dropped %v, want %s: %d", got, why, n)
	}
}

// request encodes a signed Access-Request.
func request(t testing.TB, id byte, m Message) []byte {
	t.Helper()
	packet, err := m.encode(testKey, id, DefaultVendorID)
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// aliceMessage is the first request of a login.
func aliceMessage() Message { return Message{Username: "alice", Password: "wonderland-1"} }

// handmade writes a packet with these attributes, in this order, and signs it when it has a
// well-formed Message-Authenticator.
func handmade(t testing.TB, code codec.Code, id byte, attributes ...*codec.AVP) []byte {
	t.Helper()
	p := codec.Packet{Code: code, Identifier: id, Authenticator: [16]byte{1, 2, 3, id}, Attributes: attributes}
	packet, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := read(packet); o.ma != 0 && !o.badMA {
		sum := testKey.messageAuthenticator(packet, o.auth, o.ma)
		copy(packet[o.ma:], sum[:])
	}
	return packet
}

func avp(t codec.Type, value string) *codec.AVP {
	return &codec.AVP{Type: t, Attribute: codec.Attribute(value)}
}

// unsignedMA is a Message-Authenticator that handmade fills in.
func unsignedMA() *codec.AVP {
	return avp(rfc2869.MessageAuthenticator_Type, string(make([]byte, authSize)))
}

// pap hides a password for a handmade packet with this Identifier.
func pap(t testing.TB, id byte, password string) *codec.AVP {
	t.Helper()
	hidden, err := codec.NewUserPassword([]byte(password), testKey.secret, []byte{1, 2, 3, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	return &codec.AVP{Type: rfc2865.UserPassword_Type, Attribute: hidden}
}

// open verifies a reply as a client would, and decodes it.
func open(t testing.TB, request, reply []byte) *Response {
	t.Helper()
	packet, o, err := verify(testKey, request, reply, true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode(testKey, request, packet, o, DefaultVendorID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func addrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

var errDirectoryGone = errors.New("directory did not answer")

// outage is a Begin that cannot decide, and counts.
func outage(calls *int) func(context.Context, login.Request) (login.Reply, error) {
	return func(context.Context, login.Request) (login.Reply, error) {
		*calls++
		return login.Reply{}, &login.UnavailableError{Code: login.CodeDirectoryUnavail, Err: errDirectoryGone, Trace: "0123456789abcdef"}
	}
}

// replying is a Begin that always replies the same, and counts.
func replying(calls *int, rep login.Reply) func(context.Context, login.Request) (login.Reply, error) {
	return func(context.Context, login.Request) (login.Reply, error) {
		*calls++
		return rep, nil
	}
}

// netAddr is a with another port.
func netAddr(a netip.AddrPort, port uint16) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), port) }
