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
	if replies := b.exchange(packet); asked != 1 || len(replies) != 2 {
		t.Errorf("asked %d times, %d replies: the reply is forgotten, that the packet was judged is not", asked, len(replies))
	}
	b.wantDrops(t, DropReplayed, 1)
	b.clock.advance(judgedFor)
	if b.exchange(packet); asked != 2 {
		t.Errorf("asked %d times, want 2: the packet is forgotten", asked)
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

// Both are answered: a reply to the first does not verify as one to the second.
func TestReusedIdentifierIsANewRequest(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	first, second := request(t, 1, aliceMessage()), request(t, 1, aliceMessage())
	b.put(first, second)
	b.serveAll()
	replies := b.wire.replies()
	if asked != 2 || len(replies) != 2 {
		t.Fatalf("asked %d times, %d replies", asked, len(replies))
	}
	open(t, first, replies[0])
	open(t, second, replies[1])
	if _, _, err := verify(testKey, second, replies[0], true); err == nil {
		t.Error("the reply to the first request verifies as one to the second")
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

// arrivalOf is a packet of a client that is told apart by n alone.
func arrivalOf(client string, n int) arrival {
	return arrival{client: client, digest: digest{byte(n), byte(n >> 8), byte(n >> 16), 1}, slot: slot{auth: [16]byte{byte(n), byte(n >> 8)}}}
}

func TestDuplicateCacheIsBounded(t *testing.T) {
	const room = 10
	d := newDuplicates(time.Minute, room*(entrySize+100), 1000)
	now := time.Unix(0, 0)
	reply := make([]byte, 100)
	for n := range 200 {
		x, _, _ := d.begin(arrivalOf("vpn", n), now)
		if to := d.finish(x, reply, now); len(to) != 1 {
			t.Fatalf("the reply of exchange %d goes to %v", n, to)
		}
	}
	if n, bytes := d.size(); n != room || bytes > d.limit {
		t.Errorf("%d entries, %d octets", n, bytes)
	}
	if _, reply, _ := d.begin(arrivalOf("vpn", 199), now); reply == nil {
		t.Error("the newest reply is gone")
	}
	if x, reply, why := d.begin(arrivalOf("vpn", 189), now); x != nil || reply != nil || why != DropReplayed {
		t.Error("a reply beyond the bound is still there, or its packet is judged again")
	}
	d.begin(arrivalOf("vpn", 200), now.Add(time.Minute))
	if _, bytes := d.size(); bytes != 0 || d.oldest != nil || d.newest != nil {
		t.Errorf("%d octets are kept after all have expired", bytes)
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
