package state

import (
	"testing"

	"pgregory.net/rapid"
)

// exactly counts the sends of the last so many seconds.
func exactly(sends []int64, window, now int64) (n uint64) {
	for _, at := range sends {
		if at+window*second > now {
			n++
		}
	}
	return n
}

// coarse is how much later than need be a send may be refused: by the second while a tally has an entry
// for each send, else by what entries are merged into.
func coarse(limit uint32, window int64) int64 {
	switch {
	case window == hour:
		return (minute + 1) * second
	case limit <= exactEntries:
		return second
	}
	return (hour + 1) * second
}

// TestNoWindowHasMoreThanItsLimit sends whenever a tally lets it, and compares with every send.
func TestNoWindowHasMoreThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]uint32{1, 5, 32, 40, 60}).Draw(t, "limit")
		window := rapid.SampledFrom([]int64{hour, day}).Draw(t, "window")
		y := &tally{}
		var sends []int64
		var now int64
		for range 4 * limit {
			now += rapid.Int64Range(0, 1000).Draw(t, "pause") * window * second / int64(limit) / 1000
			at, before := y.free(limit, window, now), exactly(sends, window, now)
			switch {
			case at < now:
				t.Fatalf("free at %d, before %d", at, now)
			case at == now && before >= uint64(limit):
				t.Fatalf("%d of %d were sent, and one more is allowed", before, limit)
			case before < uint64(limit) && at > now+coarse(limit, window):
				t.Fatalf("%d of %d were sent, and one more is refused for %d s", before, limit, (at-now)/second)
			}
			if later := y.free(limit, window, at); later != at {
				t.Fatalf("allowed at %d, and then at %d", at, later)
			}
			if at == now {
				y.add(now)
				sends = append(sends, now)
			}
			if len(y.entries) > 120 {
				t.Fatalf("%d entries", len(y.entries))
			}
		}
	})
}

func TestTheBoundsOfAWindow(t *testing.T) {
	y := &tally{}
	y.add(100 * second)
	for _, c := range []struct {
		window, now, want int64
	}{
		{hour, (100 + hour - 1) * second, (100 + hour) * second},
		{hour, (100 + hour) * second, (100 + hour) * second},
		{day, (100+day)*second - 1, (100 + day) * second},
		{day, (100 + day + 1) * second, (100 + day + 1) * second},
	} {
		if got := y.free(1, c.window, c.now); got != c.want {
			t.Errorf("window %d at %d: %d, want %d", c.window, c.now, got, c.want)
		}
	}
	if got := y.free(0, day, 100*second); got != 100*second {
		t.Errorf("no bound: %d", got)
	}
}

func TestManySendsTakeLittleRoom(t *testing.T) {
	y := &tally{}
	for i := range int64(20_000) {
		y.add(i * 4 * second) // nearly a day
	}
	var total uint64
	for _, e := range y.entries {
		total += e.count
	}
	if len(y.entries) > 100 || total != 20_000 {
		t.Errorf("%d entries of %d sends", len(y.entries), total)
	}
}
