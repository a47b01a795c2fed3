//go:build e2e

package e2e

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/servers"
)

// BenchmarkAuthenticate measures password checks against a real slapd with 64 in flight and every
// entry remembered: one bind each. It reports logins/s and the CPU time of this process alone.
func BenchmarkAuthenticate(b *testing.B) {
	const people, inFlight = 10_000, 64
	slapd := servers.StartSlapd(b, servers.SlapdOptions{Bulk: people})
	for name, url := range map[string]string{"cleartext": slapd.URL(), "ldaps": slapd.TLSURL()} {
		b.Run(name, func(b *testing.B) {
			d := openDirectory(b, slapdConfig(slapd, url))
			each(b, people, inFlight, func(i int) {
				if _, err := d.Find(b.Context(), servers.BulkUser(i)); err != nil {
					b.Error(err)
				}
			})
			before, start := cpu(b), time.Now()
			b.ResetTimer()
			each(b, b.N, inFlight, func(int) {
				n := rand.IntN(people)
				if _, err := d.Authenticate(b.Context(), servers.BulkUser(n), servers.BulkPassword(n)); err != nil {
					b.Error(err)
				}
			})
			b.StopTimer()
			took, used := time.Since(start), cpu(b)-before
			b.ReportMetric(float64(b.N)/took.Seconds(), "logins/s")
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/login")
		})
	}
}

// each calls f for 0 to n-1, with so many calls at a time.
func each(b *testing.B, n, atOnce int, f func(i int)) {
	b.Helper()
	next := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// cpu returns the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
