package radius

import (
	"slices"
	"testing"
	"time"

	"sallyport/login"
)

func TestRetransmissionsGetTheSameBytes(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	for range 5 {
		b.exchange(packet)
		b.clock.advance(2 * time.Second)
	}
	replies := b.wire.replies()
	if asked != 1 || len(replies) != 5 {
		t.Fatalf("asked %d times, %d replies", asked, len(replies))
	}
	for _, r := range replies {
		if !slices.Equal(r, replies[0]) {
			t.Error("a retransmission was answered with other bytes")
		}
	}
	if got := b.vpn(); got.Duplicates != 4 || got.Accepts != 1 || got.Requests != 5 {
		t.Errorf("counted %+v", got)
	}
}

func TestRepliesAreForgottenAfterTheirTime(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	b.clock.advance(b.cfg.CacheFor - 1)
	b.exchange(packet)
	if asked != 1 {
		t.Fatalf("asked %d times within the cache time", asked)
	}
	b.clock.advance(1)
	b.exchange(packet)
	if asked != 2 {
		t.Errorf("asked %d times, want 2: the entry has expired", asked)
	}
}

func TestDuplicateOfARequestInProgressIsDropped(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	b.put(packet, packet, packet)
	b.serveAll()
	if asked != 1 || len(b.wire.replies()) != 1 {
		t.Errorf("asked %d times, %d replies", asked, len(b.wire.replies()))
	}
	b.wantDrops(t, DropInProgress, 2)
}

func TestReusedIdentifierIsANewRequest(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	first, second := request(t, 1, aliceMessage()), request(t, 1, aliceMessage())
	b.put(first, second) // the first is given up while it waits
	b.serveAll()
	replies := b.wire.replies()
	if asked != 2 || len(replies) != 1 {
		t.Fatalf("asked %d times, %d replies", asked, len(replies))
	}
	open(t, second, replies[0])
	b.wantDrops(t, DropSuperseded, 1)
	b.exchange(first) // its entry was purged, so this is a request like any other
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
}

func TestUnansweredRequestMayBeTriedAgain(t *testing.T) {
	calls := 0
	b := newBench(t, &logins{begin: outage(&calls)}, nil)
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	b.exchange(packet)
	if calls != 2 {
		t.Errorf("asked %d times, want 2", calls)
	}
}

func TestDuplicatesAreToldApartByPort(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	b.exchange(packet)
	b.receive(datagram{bytes: packet, from: addrPort("192.0.2.7:40001"), socket: b.wire})
	b.receive(datagram{bytes: packet, from: addrPort("192.0.2.7:40000"), socket: &wire{}})
	b.serveAll()
	if asked != 3 {
		t.Errorf("asked %d times, want 3: another port and another socket are other requests", asked)
	}
}

func TestDuplicateCacheIsBounded(t *testing.T) {
	const room = 10
	d := newDuplicates(time.Minute, room*(entrySize+100))
	now := time.Unix(0, 0)
	reply := make([]byte, 100)
	for id := range 200 {
		x, _ := d.begin(exchangeKey{identifier: byte(id)}, [16]byte{}, now)
		if !d.finish(x, reply, now) {
			t.Fatalf("exchange %d was purged", id)
		}
	}
	if n, bytes := d.size(); n != room || bytes > d.limit {
		t.Errorf("%d entries, %d octets", n, bytes)
	}
	if fresh, _ := d.begin(exchangeKey{identifier: 199}, [16]byte{}, now); fresh != nil {
		t.Error("the newest reply is gone")
	}
	if fresh, _ := d.begin(exchangeKey{identifier: 189}, [16]byte{}, now); fresh == nil {
		t.Error("a reply beyond the bound is still there")
	}
	d.begin(exchangeKey{identifier: 0}, [16]byte{}, now.Add(time.Minute))
	if _, bytes := d.size(); bytes != 0 || d.oldest != nil || d.newest != nil {
		t.Errorf("%d octets are kept after all have expired", bytes)
	}
}

func TestPurgedEntryLeavesTheList(t *testing.T) {
	d := newDuplicates(time.Minute, 1<<20)
	now := time.Unix(0, 0)
	for _, auth := range []byte{1, 2, 3} {
		for id := range 3 {
			x, _ := d.begin(exchangeKey{identifier: byte(id)}, [16]byte{auth}, now)
			d.finish(x, []byte("reply"), now)
		}
	}
	if n, bytes := d.size(); n != 3 || bytes != 3*(entrySize+5) {
		t.Errorf("%d entries, %d octets", n, bytes)
	}
	length := 0
	for x := d.oldest; x != nil; x = x.newer {
		length++
	}
	if length != 3 {
		t.Errorf("%d entries in the list", length)
	}
}

func TestRejectedIsCachedToo(t *testing.T) {
	calls := 0
	b := newBench(t, &logins{begin: replying(&calls, login.Reply{Message: "No."})}, nil)
	packet := request(t, 1, aliceMessage())
	if replies := b.exchange(packet, packet); len(replies) != 1 {
		t.Fatalf("%d replies", len(replies))
	}
	if replies := b.exchange(packet); len(replies) != 2 || calls != 1 {
		t.Errorf("asked %d times, %d replies", calls, len(replies))
	}
}
