package cluster_test

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/login"
)

// BenchmarkSettleOnThree settles answers on three nodes in this process, which share the machine and its
// disk: at the leader, at one follower, and at all nodes.
func BenchmarkSettleOnThree(b *testing.B) {
	s := newSite(b, 3)
	leader := s.leader()
	var all, followers []*cluster.Node
	for name, n := range s.nodes {
		all = append(all, n)
		if name != leader {
			followers = append(followers, n)
		}
	}
	places := []struct {
		name  string
		nodes []*cluster.Node
	}{{"leader", []*cluster.Node{s.nodes[leader]}}, {"follower", followers[:1]}, {"all", all}}
	var serial atomic.Uint64
	for _, p := range places {
		for _, parallel := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("%s/%d", p.name, parallel), func(b *testing.B) {
				ring, err := all[0].Keys(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				b.SetParallelism((parallel + 1) / 2) // times the processors, which are two
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := serial.Add(1)
						if err := settleOne(b, p.nodes[i%uint64(len(p.nodes))], ring, i); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settled/s")
			})
		}
	}
}

// settleOne settles a wrong answer of a user of its own.
func settleOne(b *testing.B, n *cluster.Node, ring *login.KeyRing, i uint64) error {
	id := fmt.Sprintf("corp:%d", i)
	settlement := login.Settlement{
		Client: "vpn", UserID: id, Handle: ring.Handle(id), ClusterEpoch: 1, Factor: "totp", Decoy: true,
		Expires: time.Now().Add(2 * time.Second),
		Limits:  login.Limits{Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, Keep: time.Second},
	}
	binary.BigEndian.PutUint64(settlement.Challenge[:], i)
	binary.BigEndian.PutUint64(settlement.Token[:], i)
	binary.BigEndian.PutUint64(settlement.Answer[:], i)
	_, err := n.Settle(b.Context(), settlement)
	return err
}
