package radius

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// nowhere is a socket whose replies are lost.
type nowhere struct{ sent int }

func (n *nowhere) send([]byte, netip.AddrPort, netip.Addr) error {
	n.sent++
	return nil
}

// vpnRequest has the ten attributes that a VPN sends.
func vpnRequest(b *testing.B) []byte {
	return handmade(b, codec.CodeAccessRequest, 1, unsignedMA(),
		avp(rfc2865.UserName_Type, "alice@corp.example"), pap(b, 1, "wonderland-1"),
		avp(rfc2865.NASIPAddress_Type, "\xc0\x00\x02\x07"), avp(rfc2865.NASPort_Type, "\x00\x00\x00\x01"),
		avp(rfc2865.NASPortType_Type, "\x00\x00\x00\x05"), avp(rfc2865.ServiceType_Type, "\x00\x00\x00\x01"),
		avp(rfc2865.CalledStationID_Type, "203.0.113.1"), avp(rfc2865.CallingStationID_Type, "198.51.100.9"),
		avp(rfc2869.ConnectInfo_Type, "vpn 1.0"))
}

// BenchmarkPacket is all the work on a packet but the sockets and the login: from the datagram
// through cache and queue to the signed challenge.
func BenchmarkPacket(b *testing.B) {
	calls := 0
	rep := registering()
	rep.Prompt = login.Prompt{Step: login.StepOTP, Expires: time.Minute, AttemptsLeft: 3}
	rep.Message = "Enter your one-time code: "
	s := newBench(b, &logins{begin: replying(&calls, rep)}, func(c *Config, _ *Client) {
		c.Now, c.Logger, c.CacheFor = time.Now, slog.New(slog.DiscardHandler), time.Millisecond
	})
	packet, out := vpnRequest(b), &nowhere{}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		renew(b, packet, n)
		s.receive(datagram{bytes: packet, from: netAddr(testFrom, uint16(n)), socket: out})
		if waiting, _ := s.queue.waiting(); waiting > 0 {
			s.serve(s.queue.pop())
		}
	}
	if got := s.vpn(); got.Challenges != got.Requests || out.sent != calls {
		b.Fatalf("not every packet was served as a new one: %+v", got)
	}
}

// renew makes another packet of one, under another Request Authenticator. Hiding the password and signing are part of
// what is measured, and as much work as reading and checking.
func renew(b *testing.B, packet []byte, n int) {
	binary.BigEndian.PutUint64(packet[4:], uint64(n))
	hidden, err := codec.NewUserPassword([]byte("wonderland-1"), testKey.secret, packet[4:headerSize])
	if err != nil {
		b.Error(err)
	}
	for i := headerSize; i < len(packet); i += int(packet[i+1]) {
		if codec.Type(packet[i]) == rfc2865.UserPassword_Type {
			copy(packet[i+2:], hidden)
		}
	}
	testKey.signRequest(packet)
}

// BenchmarkDuplicate is a retransmission that is answered from the cache.
func BenchmarkDuplicate(b *testing.B) {
	calls := 0
	s := newBench(b, &logins{begin: replying(&calls, registering())}, func(c *Config, _ *Client) { c.Now = time.Now })
	packet, out := vpnRequest(b), &nowhere{}
	d := datagram{bytes: packet, from: testFrom, socket: out}
	s.receive(d)
	s.serveAll()
	b.ReportAllocs()
	for b.Loop() {
		s.receive(d)
	}
}

// BenchmarkForgery is a packet under a wrong shared secret: what a flood costs.
func BenchmarkForgery(b *testing.B) {
	s := newBench(b, &logins{}, func(c *Config, _ *Client) { c.Now, c.Logger = time.Now, slog.New(slog.DiscardHandler) })
	packet := vpnRequest(b)
	packet[headerSize+2] ^= 1
	d := datagram{bytes: packet, from: testFrom, socket: &nowhere{}}
	b.ReportAllocs()
	for b.Loop() {
		s.receive(d)
	}
}

// BenchmarkName is what it costs to know a packet by its bytes.
func BenchmarkName(b *testing.B) {
	d, packet := newDuplicates(time.Minute, cacheBytes, maxJudged), vpnRequest(b)
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	for b.Loop() {
		d.name("vpn", packet)
	}
}

// BenchmarkJudged remembers and looks up one packet after the other, beyond the bound, and reports the
// memory that a full one takes.
func BenchmarkJudged(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	j, now := newJudged(maxJudged), time.Unix(0, 0)
	packet := func(n int) (d digest) {
		binary.BigEndian.PutUint64(d[:], uint64(n)*0x9e3779b97f4a7c15)
		return d
	}
	n := 0
	for ; n < 2*maxJudged; n++ {
		j.add("vpn", packet(n), now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		if j.has("vpn", packet(n), now) {
			b.Fatal("a packet is known that never came")
		}
		j.add("vpn", packet(n), now)
		n++
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/maxJudged, "B/packet")
}

// BenchmarkLoginOverUDP is a whole round trip over loopback, the asking side included.
func BenchmarkLoginOverUDP(b *testing.B) {
	rep := login.Reply{Verdict: login.Accept, Message: "Welcome."}
	l := &logins{begin: func(context.Context, login.Request) (login.Reply, error) { return rep, nil }}
	s := newBench(b, l, func(c *Config, _ *Client) {
		c.Now, c.Logger, c.Workers, c.Queue = time.Now, slog.New(slog.DiscardHandler), 0, 0
	})
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	server := s.Addrs()[0].String()
	var serial atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("udp", server)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		packet, reply := request(b, 1, aliceMessage()), make([]byte, maxPacket)
		for pb.Next() {
			renew(b, packet, int(serial.Add(1)))
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				b.Error(err)
			}
			if _, err := conn.Write(packet); err != nil {
				b.Error(err)
			}
			if size, err := conn.Read(reply); err != nil || size < headerSize {
				b.Errorf("%d octets, %v", size, err)
				return
			}
		}
	})
	if err := s.Shutdown(b.Context()); err != nil {
		b.Error(err)
	}
	if got := s.vpn(); got.Accepts != got.Requests {
		b.Errorf("not every packet was served as a new one: %+v", got)
	}
}
