package cluster

import (
	"bytes"
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"sallyport/login"
)

func TestAnInterruptedBeginningIsBegunAgain(t *testing.T) {
	config := Config{Name: "node1", DataDir: t.TempDir(), MasterKey: bytes.Repeat([]byte{7}, masterKeySize)}
	dir := filepath.Join(config.DataDir, raftDir)
	if err := makePrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	store, err := openLogStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SetUint64(termName, 1); err != nil { // as BootstrapCluster does first
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := Open(config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer n.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := n.WaitReady(ctx); err != nil {
		t.Errorf("WaitReady: %v", err)
	}
}

func TestLearnedIsCheapEnoughForEachPacket(t *testing.T) {
	m := NewMemory(nil)
	addr := netip.MustParseAddr("192.0.2.1")
	if err := m.Learn(t.Context(), login.Lesson{Client: "vpn", Address: addr}); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(100, func() { m.Learned("vpn", addr) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
