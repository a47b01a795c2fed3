package stats

import (
	"math/bits"
	"time"
)

// The histogram's buckets: each power of two of microseconds is cut in 64, so that a quantile is
// within 1.6 % of the truth; 2^27 µs are more than two minutes.
const (
	cutBits = 6
	cuts    = 1 << cutBits
	powers  = 27
	buckets = (powers - cutBits + 1) * cuts
)

// Histogram holds durations. The zero value is empty and ready; it is not safe for concurrent use.
type Histogram struct {
	counts [buckets]uint32
	total  int64
	max    time.Duration
}

// Add counts d; what is negative counts as zero, what exceeds two minutes as that, its maximum apart.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.max = max(h.max, d)
}

// Merge adds all that is in o.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}

// Count is how many durations were added.
func (h *Histogram) Count() int64 { return h.total }

// Max is the longest duration, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the duration that a share q (0 to 1) of all do not exceed, zero when empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, int64(q*float64(h.total)+0.5))
	for i, n := range h.counts {
		if rank -= int64(n); rank <= 0 && n > 0 {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// bucket is exact below 64 µs, and above keeps the seven highest bits.
func bucket(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < cuts {
		return int(us)
	}
	power := bits.Len64(us) - 1 - cutBits
	return min(buckets-1, power*cuts+int(us>>power))
}

// upper is the end of a bucket.
func upper(i int) time.Duration {
	power, us := 0, i
	if i >= cuts {
		power = i/cuts - 1
		us = i%cuts + cuts
	}
	return time.Duration((us+1)<<power) * time.Microsecond
}
