package cluster

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func openReady(t *testing.T, config Config) *Node {
	t.Helper()
	n, err := Open(config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := n.WaitReady(ctx); err != nil {
		t.Fatalf("WaitReady: %v", err)
	}
	return n
}

func TestKeysAreRenewedWhileServing(t *testing.T) {
	var passed atomic.Int64
	begun := time.Now()
	n := openReady(t, Config{
		Name: "node1", DataDir: t.TempDir(), MasterKey: bytes.Repeat([]byte{7}, masterKeySize),
		Now: func() time.Time { return begun.Add(time.Duration(passed.Load())) },
	})
	defer n.Close()
	before, err := n.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n.renewKeys(t.Context())
	if same, err := n.Keys(t.Context()); err != nil || same != before {
		t.Errorf("a fresh key was renewed (%v)", err)
	}
	passed.Store(int64(25 * time.Hour))
	n.renewKeys(t.Context())
	after, err := n.Keys(t.Context())
	if err != nil || after == before || len(n.machine.View().Meta().Keys) != 2 {
		t.Errorf("an old key was not renewed: %d keys, %v", len(n.machine.View().Meta().Keys), err)
	}
	if after.Handle("corp:alice") != before.Handle("corp:alice") || after.AddressTag("x", "y") != before.AddressTag("x", "y") {
		t.Error("tags have changed with the State key")
	}
}

// TestTheStateKnowsItsMasterKey has a log store that fits the key and a state that does not: part of
// the data was copied from another cluster.
func TestTheStateKnowsItsMasterKey(t *testing.T) {
	config := Config{Name: "node1", DataDir: t.TempDir(), MasterKey: bytes.Repeat([]byte{7}, masterKeySize)}
	n := openReady(t, config)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	config.MasterKey = bytes.Repeat([]byte{8}, masterKeySize)
	other := testSealer(t, 8)
	store, err := openLogStore(filepath.Join(config.DataDir, raftDir))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Set(keyCheckName, other.check()), store.Close()); err != nil {
		t.Fatal(err)
	}
	n, err = Open(config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer n.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := n.WaitReady(ctx); !errors.Is(err, ErrMasterKey) {
		t.Errorf("WaitReady: %v", err)
	}
	if _, err := n.Keys(ctx); !errors.Is(err, ErrMasterKey) {
		t.Errorf("Keys: %v", err)
	}
}
