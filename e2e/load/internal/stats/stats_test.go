package stats

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreWithinTwoPercent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var whole, half Histogram
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond))
		all = append(all, d)
		if i%2 == 0 {
			whole.Add(d)
		} else {
			half.Add(d)
		}
	}
	whole.Merge(&half)
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		got := whole.Quantile(q)
		if diff := (got - want).Abs(); diff > want/50+2*time.Microsecond {
			t.Errorf("p%g = %v, want %v", q*100, got, want)
		}
	}
	if whole.Max() != all[len(all)-1] || whole.Quantile(1) != whole.Max() || whole.Count() != 20_000 {
		t.Errorf("max %v, p100 %v of %d, want %v of 20000", whole.Max(), whole.Quantile(1), whole.Count(), all[len(all)-1])
	}
}

func TestHistogramHoldsTheExtremes(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Errorf("median of nothing = %v", h.Quantile(0.5))
	}
	h.Add(-time.Second)
	h.Add(time.Hour)
	if h.Quantile(0.1) > time.Microsecond || h.Max() != time.Hour || h.Quantile(1) > time.Hour {
		t.Errorf("p10 %v, p100 %v, max %v", h.Quantile(0.1), h.Quantile(1), h.Max())
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var a, b Tally
	for i := range 1000 {
		a.Reject(fmt.Sprint("reason ", i))
	}
	b.Reject("reason 1")
	b.Merge(&a)
	if b.Rejected != 1001 || b.Reasons["reason 1"] != 2 || b.Reasons["other reasons"] != 1000-maxReasons {
		t.Errorf("%d rejected, %d reasons: %v", b.Rejected, len(b.Reasons), b.Reasons)
	}
}
