package radius

import (
	"net/netip"
	"testing"
	"time"

	codec "layeh.com/radius"
)

// S3: whoever sends captured Status-Server packets again, at 200 a second, takes no answer from the client's
// own probes, on the port for logins and on that for accounting.
func TestS3ReplaysTakeNoAllowance(t *testing.T) {
	elsewhere := []netip.AddrPort{addrPort("192.0.2.7:40001"), addrPort("198.51.100.9:40000"), testFrom}
	for name, tt := range map[string]struct {
		captured int
		// from is where the n-th replay comes from.
		from func(n int) netip.AddrPort
		// lost means that the server has never seen what was captured, or long ago.
		lost bool
	}{
		"one packet from another port":               {1, func(int) netip.AddrPort { return elsewhere[0] }, false},
		"one packet from another address":            {1, func(int) netip.AddrPort { return elsewhere[1] }, false},
		"one packet from the port itself":            {1, func(int) netip.AddrPort { return elsewhere[2] }, false},
		"a thousand packets from ever new ports":     {1000, func(n int) netip.AddrPort { return netAddr(testFrom, uint16(n)) }, false},
		"a thousand packets of yesterday's":          {1000, func(int) netip.AddrPort { return elsewhere[0] }, true},
		"forty packets of yesterday, ever new ports": {40, func(n int) netip.AddrPort { return netAddr(testFrom, uint16(n)) }, true},
	} {
		for _, accounting := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := newBench(t, &logins{}, func(c *Config, _ *Client) {
					c.Accounting.Listen = []string{"127.0.0.1:0"}
				})
				in := b.receive
				if accounting {
					in = b.accounting.receive
				}
				arrive := func(packet []byte, from netip.AddrPort) {
					in(datagram{bytes: packet, from: from, socket: b.wire})
					b.serveAll()
				}
				captured := make([][]byte, tt.captured)
				for n := range captured {
					captured[n] = request(t, byte(n), Message{Status: true})
					if !tt.lost {
						arrive(captured[n], testFrom)
						b.clock.advance(2 * time.Second)
					}
				}
				answered := 0
				for n := range 20 * 200 {
					b.clock.advance(time.Second / 200)
					arrive(captured[n%tt.captured], tt.from(n))
					if n%200 == 100 {
						probe := request(t, byte(n), Message{Status: true})
						before := len(b.wire.replies())
						arrive(probe, testFrom)
						if replies := b.wire.replies(); len(replies) > before && codec.IsAuthenticResponse(replies[before], probe, testKey.secret) {
							answered++
						}
					}
				}
				if answered != 20 {
					t.Errorf("accounting %v: %d of 20 probes were answered", accounting, answered)
				}
			})
		}
	}
}

// S3: a probe that is sent again since its reply was lost is answered, as the server is now.
func TestS3ARepeatedProbeIsAnsweredTruthfully(t *testing.T) {
	var down error
	b := newBench(t, &logins{}, func(c *Config, _ *Client) { c.CanServe = func(Client) error { return down } })
	probe := request(t, 1, Message{Status: true})
	if n := len(b.exchange(probe, probe)); n != 2 {
		t.Errorf("%d answers, want 2", n)
	}
	down = errDirectoryGone
	if n := len(b.exchange(probe)); n != 2 {
		t.Error("a repeated probe was answered while the node cannot serve")
	}
	down = nil
	for range 100 {
		b.exchange(probe)
	}
	if n := len(b.wire.replies()); n != 1+repeatedStatusBurst-1 {
		t.Errorf("%d answers to one packet", n)
	}
}

// S3: however many ports are used, what is remembered of them is bounded, and nobody's allowance shrinks.
func TestS3SourcesAreBounded(t *testing.T) {
	l, now := newStatusLimits(), time.Unix(1_700_000_000, 0)
	for n := range 20 * maxStatusSources {
		now = now.Add(time.Second / (2 * statusPerSecond))
		l.allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1), false, now)
		if len(l.sources) > maxStatusSources {
			t.Fatalf("%d sources are remembered", len(l.sources))
		}
		if n%(2*statusPerSecond) == 0 && !l.allow(testFrom, false, now) {
			t.Fatalf("a probe was refused after %d others", n)
		}
	}
}
