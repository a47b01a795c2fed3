package state

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
)

// BenchmarkFootprint measures what enrolled users and 100,000 kept verdicts cost: live heap, and
// the processor time of one cycle of the garbage collector.
func BenchmarkFootprint(b *testing.B) {
	for _, users := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				m := foundedMachine()
				m.enrolMany(users)
				perUser := float64(heap()-before) / float64(users)
				for i, batch := range benchBatches(100_000/benchBatch, users, 1) {
					m.Apply(uint64(i+2), batch)
				}
				if got := m.View().Sizes(); got.Users != users || got.Verdicts != 100_000/benchBatch*benchBatch {
					b.Fatalf("%+v", got)
				}
				live := heap() - before
				cycle := collectorSeconds()
				b.ReportMetric(perUser, "B/user")
				b.ReportMetric(float64(live)/1e6, "liveMB")
				b.ReportMetric(cycle*1e3, "gc-ms/cycle")
				runtime.KeepAlive(m)
			}
		})
	}
}

// enrolMany registers the TOTP of as many users, with records of the usual length.
func (m *Machine) enrolMany(users int) {
	record := make([]byte, 80)
	for i := 0; i < users; i += benchBatch {
		commands := make([][]byte, 0, benchBatch)
		for j := i; j < min(i+benchBatch, users); j++ {
			c := settleNumber(j, users)
			commands = append(commands, Encode(&Register{
				UserID: c.UserID, Name: fmt.Sprintf("user%07d", j), Handle: c.Handle, Factor: "totp", Record: record,
			}))
		}
		m.Apply(uint64(i+2), EncodeBatch(0, commands))
	}
}

// collectorSeconds is the mean processor time of a collection of what is alive now.
func collectorSeconds() float64 {
	const cycles = 5
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	runtime.GC()
	metrics.Read(sample)
	before := sample[0].Value.Float64()
	for range cycles {
		runtime.GC()
	}
	metrics.Read(sample)
	return (sample[0].Value.Float64() - before) / cycles
}
