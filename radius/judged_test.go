package radius

import (
	"testing"
	"time"
)

// digestOf is a digest of its own for each number.
func digestOf(n int) digest { return digest{byte(n), byte(n >> 8), byte(n >> 16), 1} }

// S4: a packet is remembered for an hour at least, and forgotten soon after it.
func TestS4JudgedForAnHour(t *testing.T) {
	j, start := newJudged(1000), time.Unix(0, 0)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute / 4) }
	for n := range 400 { // one each 15 seconds, for 100 minutes
		j.add("vpn", digestOf(n), at(n))
		for back := 0; back <= n; back++ {
			known, age := j.has("vpn", digestOf(back), at(n)), at(n).Sub(at(back))
			if !known && age < judgedFor {
				t.Fatalf("a packet is forgotten after %v", age)
			}
			if known && age > judgedFor+batchTime {
				t.Fatalf("a packet is remembered after %v", age)
			}
		}
	}
	if h := j.clients["vpn"]; h.forgotten != 0 || h.count != len(j.packets) {
		t.Errorf("%+v of %d packets", h, len(j.packets))
	}
}

// S4: beyond the bound the oldest of whoever has most go first, and are counted.
func TestS4JudgedIsBoundedAndFair(t *testing.T) {
	const limit = 4 * batchSize
	j, now := newJudged(limit), time.Unix(0, 0)
	for n := range 10 {
		j.add("quiet", digestOf(n), now)
	}
	const flood = 20 * batchSize
	for n := range flood {
		j.add("flood", digestOf(1000+n), now)
		if len(j.packets) > limit {
			t.Fatalf("%d packets are remembered", len(j.packets))
		}
	}
	for n := range 10 {
		if !j.has("quiet", digestOf(n), now) {
			t.Errorf("packet %d of the quiet client is forgotten", n)
		}
	}
	for n := range limit / 2 {
		if !j.has("flood", digestOf(1000+flood-1-n), now) {
			t.Errorf("packet %d from the end of the flood is forgotten", n)
		}
	}
	if j.has("flood", digestOf(1000), now) {
		t.Error("the first packet of the flood is remembered")
	}
	q, f := j.clients["quiet"], j.clients["flood"]
	if q.forgotten != 0 || f.forgotten == 0 || int(f.forgotten)+f.count != flood || q.count+f.count != len(j.packets) {
		t.Errorf("quiet %d, flood %d of %d; %d forgotten", q.count, f.count, flood, f.forgotten)
	}
	// What is old enough goes before what is not, whosever it is.
	later := now.Add(judgedFor)
	for n := range limit {
		j.add("third", digestOf(10_000+n), later)
	}
	if n := j.clients["third"]; n.forgotten != 0 || n.count != limit {
		t.Errorf("%d of the third client are remembered, %d forgotten, beside %d that are too old", n.count, n.forgotten, len(j.packets)-n.count)
	}
}

func TestJudgedSurvivesAClockThatGoesBack(t *testing.T) {
	j, now := newJudged(1000), time.Unix(1_000_000, 0)
	j.add("vpn", digestOf(1), now)
	j.add("vpn", digestOf(2), now.Add(-24*time.Hour))
	if later := now.Add(judgedFor - 1); !j.has("vpn", digestOf(1), later) {
		t.Error("a packet was forgotten early")
	}
}
