package state

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"testing"
)

// settleNumber is a right answer of one of many users, with its own challenge, token and request.
func settleNumber(i, users int) *Settle {
	c := &Settle{
		Client: "vpn", UserID: fmt.Sprintf("corp:%08x-0000-4000-8000-00000000beef", i%users),
		ClusterEpoch: 1, Factor: "totp", Number: uint64(i + 1), Expires: 120 * second,
		Limits: Limits{Attempts: 3, SoftLock: 5, SoftLockFor: 60 * second, HardLock: 50, Keep: 40 * second},
	}
	for j, t := range [][]byte{c.Challenge[:], c.Token[:], c.Answer[:], c.Request[:]} {
		x := uint64(i*4+j+1) * 0x9e3779b97f4a7c15
		x ^= x >> 29
		binary.BigEndian.PutUint64(t, x*0xbf58476d1ce4e5b9)
	}
	binary.BigEndian.PutUint64(c.Handle[:], uint64(i%users+1))
	return c
}

// foundedMachine has a cluster epoch of 1, this program's level, and nobody in it.
func foundedMachine() *Machine { return foundedAt(Level) }

// foundedAt is a machine whose cluster has this feature level.
func foundedAt(level uint32) *Machine {
	m := New()
	m.Apply(1, EncodeBatch(0, [][]byte{Encode(&Found{ClusterID: "test", Key: StateKey{ID: 1, Sealed: []byte("key")}, Level: level})}))
	return m
}

const benchBatch = 64

// benchBatches are batches of right answers, 10,000 a second, by users of this epoch and version.
func benchBatches(count, users int, epoch uint32) [][]byte {
	batches := make([][]byte, count)
	for i := range batches {
		commands := make([][]byte, benchBatch)
		for j := range commands {
			c := settleNumber(i*benchBatch+j, users)
			c.Epoch, c.Version = epoch, epoch
			c.Expires = int64(i*benchBatch+j)*100_000 + 120*second
			commands[j] = Encode(c)
		}
		batches[i] = EncodeBatch(int64(i*benchBatch)*100_000, commands)
	}
	return batches
}

// BenchmarkApply applies batches of 64 settlements by 100,000 enrolled users, which is what the garbage
// collector goes through meanwhile; the figure is for one command.
func BenchmarkApply(b *testing.B) {
	const users = 100_000
	m := foundedMachine()
	m.enrolMany(users)
	batches := benchBatches((b.N+benchBatch-1)/benchBatch, users, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for i, batch := range batches {
		m.Apply(uint64(i+2), batch)
	}
}

// BenchmarkKeptVerdicts measures the memory of a kept verdict, and of its snapshot, with 160 s of
// 2,500 logins a second.
func BenchmarkKeptVerdicts(b *testing.B) {
	const kept = 400_000
	for b.Loop() {
		m := foundedMachine()
		before := heap()
		for i := range kept / benchBatch {
			commands := make([][]byte, benchBatch)
			for j := range commands {
				commands[j] = Encode(settleNumber(i*benchBatch+j, kept/maxChallenges))
			}
			m.Apply(uint64(i+2), EncodeBatch(1, commands))
		}
		b.ReportMetric(float64(heap()-before)/kept, "B/verdict")
		var size counter
		if err := m.View().WriteSnapshot(&size); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/kept, "snapshotB/verdict")
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// BenchmarkSnapshot writes the state with 100,000 verdicts.
func BenchmarkSnapshot(b *testing.B) {
	m := foundedMachine()
	for i, batch := range benchBatches(100_000/benchBatch, 10_000, 0) {
		m.Apply(uint64(i+2), batch)
	}
	for b.Loop() {
		if err := m.View().WriteSnapshot(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
