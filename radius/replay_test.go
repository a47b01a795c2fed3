package radius

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// S4: an exact packet that was judged is never judged again, from wherever it comes.
func TestS4TheSameBytesAreJudgedOnce(t *testing.T) {
	elsewhere := &wire{}
	for name, from := range map[string]datagram{
		"another port":     {from: addrPort("192.0.2.7:40001")},
		"another address":  {from: addrPort("198.51.100.9:40000")},
		"another listener": {from: testFrom, local: netip.MustParseAddr("192.0.2.2")},
		"another socket":   {from: testFrom, socket: elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rule := range []Rule{RuleRequired, RuleOptional} {
				asked := 0
				b := newBench(t, accepting(&asked), func(_ *Config, c *Client) { c.MessageAuthenticator = rule })
				packet := request(t, 1, aliceMessage())
				if rule == RuleOptional {
					packet = unsignedRequest(t, 1, 7, "alice", "wonderland-1")
				}
				first := b.exchange(packet)
				d := from
				d.bytes = packet
				out := d.socket
				if out == nil {
					out, d.socket = b.wire, b.wire
				}
				before := len(out.(*wire).replies())
				b.receive(d)
				b.serveAll()
				replies := out.(*wire).replies()
				if asked != 1 || len(replies) != before+1 || !bytes.Equal(replies[before], first[0]) {
					t.Errorf("asked %d times, %d replies; want the same reply again", asked, len(replies)-before)
				}
				if to := out.(*wire).to; to[len(to)-1] != d.from {
					t.Errorf("the reply went to %v, want %v", to[len(to)-1], d.from)
				}
				for _, later := range []time.Duration{b.cfg.CacheFor, time.Minute, 30 * time.Minute, 25 * time.Minute} {
					b.clock.advance(later)
					b.receive(d)
					b.put(packet)
					b.serveAll()
				}
				if n := len(out.(*wire).replies()); asked != 1 || n != before+1 {
					t.Errorf("asked %d times, %d replies within the hour", asked, n-before)
				}
				b.wantDrops(t, DropReplayed, 8)
			}
		})
	}
}

// S4: every verdict counts, not the Accept alone.
func TestS4RejectsAndChallengesAreNotJudgedAgain(t *testing.T) {
	for name, rep := range map[string]login.Reply{
		"reject":    {Message: "No."},
		"challenge": {Verdict: login.Challenge, Message: "Code: ", State: "s"},
	} {
		calls := 0
		b := newBench(t, &logins{begin: replying(&calls, rep)}, nil)
		packet := request(t, 1, aliceMessage())
		b.exchange(packet)
		for port := range uint16(4) {
			b.clock.advance(61 * time.Second)
			b.receive(datagram{bytes: packet, from: netAddr(testFrom, port), socket: b.wire})
			b.serveAll()
		}
		if calls != 1 {
			t.Errorf("%s: asked %d times, want once", name, calls)
		}
	}
}

// S4: what got no answer stays open to a fresh try of the same bytes, from anywhere.
func TestS4UnansweredPacketsStayOpen(t *testing.T) {
	calls, down := 0, true
	l := &logins{begin: func(ctx context.Context, r login.Request) (login.Reply, error) {
		calls++
		if down {
			return outage(new(int))(ctx, r)
		}
		return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
	}}
	b := newBench(t, l, nil)
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	b.clock.advance(time.Minute)
	down = false
	b.receive(datagram{bytes: packet, from: netAddr(testFrom, 1), socket: b.wire})
	b.serveAll()
	if replies := b.wire.replies(); calls != 2 || len(replies) != 1 {
		t.Errorf("asked %d times, %d replies; want the second try answered", calls, len(replies))
	}
}

// S4: copies that come while the first is judged are judged with it, and each sender gets the reply.
func TestS4CopiesAtOnceAreOneRequest(t *testing.T) {
	asked := 0
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	other := &wire{}
	b.put(packet)
	b.receive(datagram{bytes: packet, from: netAddr(testFrom, 1), socket: b.wire})
	b.receive(datagram{bytes: packet, from: testFrom, socket: other})
	b.put(packet)
	b.serveAll()
	if asked != 1 {
		t.Fatalf("asked %d times", asked)
	}
	if to := b.wire.to; !slices.Equal(to, []netip.AddrPort{testFrom, netAddr(testFrom, 1)}) {
		t.Errorf("replies went to %v", to)
	}
	if len(other.replies()) != 1 {
		t.Errorf("%d replies through the other listener", len(other.replies()))
	}
	if got := b.vpn(); got.Duplicates != 3 || got.Accepts != 1 {
		t.Errorf("counted %+v", got)
	}
}

// S4: copies from ever new ports get no reply each beyond a few.
func TestS4CopiesInProgressAreBounded(t *testing.T) {
	asked := 0
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	for port := range uint16(1000) {
		b.receive(datagram{bytes: packet, from: netAddr(testFrom, port), socket: b.wire})
	}
	b.serveAll()
	if n := len(b.wire.replies()); asked != 1 || n != maxCopies {
		t.Errorf("asked %d times, %d replies, want %d", asked, n, maxCopies)
	}
	b.wantDrops(t, DropInProgress, 1000-maxCopies)
	if n := len(b.duplicates.slots); n != 0 {
		t.Errorf("%d slots are left", n)
	}
}

// S4: a forged copy poisons nothing.
func TestS4ForgedCopyLeavesNoTrace(t *testing.T) {
	asked := 0
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	forged := slices.Clone(packet)
	forged[headerSize+2] ^= 1
	b.exchange(forged)
	if replies := b.exchange(packet); asked != 1 || len(replies) != 1 {
		t.Errorf("asked %d times, %d replies", asked, len(replies))
	}
	b.wantDrops(t, DropBadSignature, 1)
}

// S4: the packet of another client is another packet, also under the same shared secret.
func TestS4AnotherClientIsJudgedByItself(t *testing.T) {
	asked := 0
	b := newBench(t, accepting(&asked), func(cfg *Config, c *Client) {
		other := *c
		other.Name, other.Addresses = "wlan", []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		cfg.Clients = append(cfg.Clients, other)
	})
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	b.receive(datagram{bytes: packet, from: addrPort("198.51.100.9:40000"), socket: b.wire})
	b.serveAll()
	if asked != 2 {
		t.Errorf("asked %d times, want twice", asked)
	}
}

// S4: a change of the clients forgets nothing.
func TestS4MemoryOutlivesAReload(t *testing.T) {
	asked := 0
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	if err := b.SetClients(b.cfg.Clients); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Minute)
	if b.exchange(packet); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// R1: other bytes under the same Identifier and Request Authenticator are another request, and get
// their own reply or none.
func TestR1OtherBytesAreAnotherRequest(t *testing.T) {
	rightForAlice := func(calls *int) *logins {
		return &logins{begin: func(_ context.Context, r login.Request) (login.Reply, error) {
			*calls++
			if r.Username == "alice" && r.Password == "wonderland-1,123456" {
				return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
			}
			return login.Reply{Message: "No."}, nil
		}}
	}
	for _, mode := range []login.Mode{login.ModeChallenge, login.ModeAppend, login.ModeOTPOnly} {
		for _, signed := range []bool{false, true} {
			calls := 0
			make := unsignedRequest
			if signed {
				make = signedLike
			}
			b := newBench(t, rightForAlice(&calls), func(_ *Config, c *Client) {
				c.MessageAuthenticator, c.Mode = RuleOptional, mode
			})
			alice, mallory := make(t, 9, 7, "alice", "wonderland-1,123456"), make(t, 9, 7, "mallory", "guess")
			wantVerdict(t, alice, b.exchange(alice)[0], login.Accept)
			replies := b.exchange(mallory)
			if len(replies) != 2 || calls != 2 {
				t.Fatalf("mode %v, signed %v: %d replies, asked %d times", mode, signed, len(replies), calls)
			}
			wantVerdict(t, mallory, replies[1], login.Reject)
			// Each retransmission has its own reply again.
			replies = b.exchange(alice, mallory)
			wantVerdict(t, alice, replies[2], login.Accept)
			wantVerdict(t, mallory, replies[3], login.Reject)

			// While the first is in progress, its reply would be taken for that of the second.
			b.clock.advance(time.Hour)
			alice, mallory = make(t, 9, 8, "alice", "wonderland-1,123456"), make(t, 9, 8, "mallory", "guess")
			b.put(alice, mallory)
			b.serveAll()
			if replies = b.wire.replies(); len(replies) != 5 || calls != 4 {
				t.Fatalf("mode %v, signed %v: %d replies, asked %d times", mode, signed, len(replies), calls)
			}
			wantVerdict(t, mallory, replies[4], login.Reject)
			b.wantDrops(t, DropSuperseded, 1)
			if replies = b.exchange(alice); calls != 4 {
				t.Errorf("mode %v, signed %v: alice's packet was judged twice", mode, signed)
			}
			wantVerdict(t, alice, replies[5], login.Accept)
		}
	}
}

// S8: a packet that somebody else put in between takes no reply away, whether client and junk sign or not.
func TestS8JunkBetweenTakesNoReplyAway(t *testing.T) {
	for name, tt := range map[string]struct {
		signed, before bool
		auth           byte // of the junk; the genuine request has 7
		drops          map[Reason]uint64
	}{
		"a signed request":                                    {signed: true, auth: 8},
		"a signed request, its authenticator":                 {signed: true, auth: 7, drops: map[Reason]uint64{DropUnsigned: 1}},
		"a signed request, its authenticator, the junk first": {signed: true, before: true, auth: 7, drops: map[Reason]uint64{DropSuperseded: 1}},
		"an unsigned request":                                 {auth: 8},
		"an unsigned request, the junk first":                 {before: true, auth: 8},
	} {
		t.Run(name, func(t *testing.T) {
			l := &logins{begin: func(_ context.Context, r login.Request) (login.Reply, error) {
				if r.Username == "alice" {
					return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
				}
				return login.Reply{Message: "No."}, nil
			}}
			b := newBench(t, l, func(_ *Config, c *Client) { c.MessageAuthenticator = RuleOptional })
			genuine := unsignedRequest(t, 9, 7, "alice", "wonderland-1")
			if tt.signed {
				genuine = signedLike(t, 9, 7, "alice", "wonderland-1")
			}
			order := [][]byte{genuine, unsignedRequest(t, 9, tt.auth, "junk", "x")}
			if tt.before {
				slices.Reverse(order)
			}
			b.put(order...)
			b.serveAll()
			accepts := 0
			for _, reply := range b.wire.replies() {
				if codec.Code(reply[0]) == codec.CodeAccessAccept {
					wantVerdict(t, genuine, reply, login.Accept)
					accepts++
				}
			}
			if accepts != 1 {
				t.Errorf("%d Accepts in %d replies", accepts, len(b.wire.replies()))
			}
			if got := b.vpn().Dropped; len(got) != len(tt.drops) || len(tt.drops) == 1 && !equalCounts(got, tt.drops) {
				t.Errorf("dropped %v, want %v", got, tt.drops)
			}
		})
	}
}

func equalCounts(a, b map[Reason]uint64) bool {
	for why, n := range b {
		if a[why] != n {
			return false
		}
	}
	return true
}

// wantVerdict verifies a reply against the request to which it was sent.
func wantVerdict(t *testing.T, request, reply []byte, want login.Verdict) {
	t.Helper()
	if r := open(t, request, reply); r.Verdict != want {
		t.Errorf("the verdict is %v, want %v", r.Verdict, want)
	}
}

// unsignedRequest is a login without Message-Authenticator, under a Request Authenticator of this octet.
func unsignedRequest(t testing.TB, id, auth byte, username, password string) []byte {
	t.Helper()
	return handmadeLogin(t, id, auth, username, password)
}

// signedLike is the same with it.
func signedLike(t testing.TB, id, auth byte, username, password string) []byte {
	t.Helper()
	return handmadeLogin(t, id, auth, username, password, unsignedMA())
}

func handmadeLogin(t testing.TB, id, auth byte, username, password string, first ...*codec.AVP) []byte {
	t.Helper()
	p := codec.Packet{Code: codec.CodeAccessRequest, Identifier: id, Authenticator: [16]byte{0: auth, 15: 1}}
	hidden, err := codec.NewUserPassword([]byte(password), testKey.secret, p.Authenticator[:])
	if err != nil {
		t.Fatal(err)
	}
	p.Attributes = append(first, avp(rfc2865.UserName_Type, username), &codec.AVP{Type: rfc2865.UserPassword_Type, Attribute: hidden})
	packet, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := read(packet); o.ma != 0 {
		sum := testKey.messageAuthenticator(packet, o.auth, o.ma)
		copy(packet[o.ma:], sum[:])
	}
	return packet
}
