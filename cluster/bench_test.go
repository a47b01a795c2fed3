package cluster_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// BenchmarkSettle settles one right answer per login on a real disk, at several numbers in flight.
func BenchmarkSettle(b *testing.B) {
	for _, inFlight := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("inflight=%d", inFlight), func(b *testing.B) {
			config := testConfig(b.TempDir(), nil)
			config.QueueSize = 1 << 16 // all enrol at once
			n := openNode(b, config)
			users := enrolMany(b, n, max(1024, b.N/16+1)) // 16 logins each, as many as are remembered
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for range inFlight {
				all.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						o, err := n.Settle(context.Background(), rightAnswer(users[i%int64(len(users))], i))
						if err != nil || o.Code == login.CodeStateInvalid {
							b.Errorf("Settle: %v, %v", o, err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settles/s")
		})
	}
}

// enrolMany registers users and returns the settlement that each login begins from.
func enrolMany(b *testing.B, n *cluster.Node, count int) []login.Settlement {
	b.Helper()
	ctx := context.Background()
	ring, err := n.Keys(ctx)
	if err != nil {
		b.Fatal(err)
	}
	users := make([]login.Settlement, count)
	var all sync.WaitGroup
	for i := range users {
		all.Go(func() {
			id := fmt.Sprintf("corp:%08x-0000-4000-8000-00000000beef", i)
			if err := n.Register(ctx, cluster.Registration{UserID: id, Name: "user", Factor: "totp", Record: []byte("record")}); err != nil {
				b.Error(err)
			}
			users[i] = login.Settlement{
				Client: "vpn", UserID: id, Handle: ring.Handle(id), ClusterEpoch: 1, Epoch: 1,
				Factor: "totp", Version: 1, Expires: time.Now().Add(2 * time.Minute),
				Limits: login.Limits{Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, SoftLockMax: time.Hour, HardLock: 50, Keep: 40 * time.Second, Capacity: 1 << 24},
			}
		})
	}
	all.Wait()
	return users
}

func rightAnswer(s login.Settlement, i int64) login.Settlement {
	n := uint64(i) * 0x9e3779b97f4a7c15 // ids are evenly spread
	binary.BigEndian.PutUint64(s.Challenge[:], n)
	binary.BigEndian.PutUint64(s.Token[:], n+1)
	binary.BigEndian.PutUint64(s.Answer[:], n+2)
	binary.BigEndian.PutUint64(s.Request[:], n+3)
	s.Number = uint64(i)
	return s
}
