//go:build e2e

package e2e

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/directory/ldap"
	"sallyport/e2e/servers"
)

// BenchmarkAuthenticate measures password checks against a real slapd with 64 in flight: warm, where
// every entry is remembered, with one bind each, and cold, with a search and a bind. It reports
// logins/s and the CPU time and allocations of this process alone.
func BenchmarkAuthenticate(b *testing.B) {
	const people = 10_000
	slapd := servers.StartSlapd(b, servers.SlapdOptions{Bulk: people})
	for _, c := range []struct {
		name string
		urls []string
		cold bool
	}{
		{"cleartext/warm", []string{slapd.URL()}, false},
		{"cleartext/cold", []string{slapd.URL()}, true},
		{"two servers/warm", []string{slapd.URL(), slapd.TLSURL()}, false},
		{"two servers/cold", []string{slapd.URL(), slapd.TLSURL()}, true},
		{"ldaps/warm", []string{slapd.TLSURL()}, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			cfg := slapdConfig(slapd, c.urls...)
			if c.cold {
				cfg.EntryCache = new(ldap.Duration)
			}
			authenticate(b, openDirectory(b, cfg), people)
		})
	}
}

// authenticate logs random people in, after each was found once.
func authenticate(b *testing.B, d *ldap.Directory, people int) {
	b.Helper()
	const inFlight = 64
	each(b, people, inFlight, func(i int) {
		if _, err := d.Find(b.Context(), servers.BulkUser(i)); err != nil {
			b.Error(err)
		}
	})
	b.ReportAllocs()
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
