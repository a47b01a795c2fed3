package cluster_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
)

// masterKey is the master key of the tests.
var masterKey = bytes.Repeat([]byte{7}, 32)

func testConfig(dir string, now func() time.Time) cluster.Config {
	return cluster.Config{
		Name: "node1", DataDir: dir, MasterKey: masterKey, Now: now,
		// Elections of one are not worth waiting for.
		HeartbeatTimeout: 20 * time.Millisecond, ElectionTimeout: 20 * time.Millisecond, LeaderLeaseTimeout: 20 * time.Millisecond,
	}
}

// openNode opens a node and waits until it serves. It is closed when the test ends.
func openNode(t testing.TB, c cluster.Config) *cluster.Node {
	t.Helper()
	n, err := cluster.Open(c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := n.WaitReady(ctx); err != nil {
		t.Fatalf("WaitReady: %v", err)
	}
	return n
}

func TestMemoryIsALedger(t *testing.T) {
	ledgertest.Run(t, func(_ *testing.T, now func() time.Time) ledgertest.Ledger {
		return cluster.NewMemory(now)
	})
}

func TestNodeIsALedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T, now func() time.Time) ledgertest.Ledger {
		return openNode(t, testConfig(t.TempDir(), now))
	})
}

func TestNodeIsALedgerWhileSnapshotsAreWritten(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T, now func() time.Time) ledgertest.Ledger {
		config := testConfig(t.TempDir(), now)
		config.SnapshotInterval, config.SnapshotThreshold, config.TrailingLogs = 5*time.Millisecond, 1, 1
		return openNode(t, config)
	})
}
