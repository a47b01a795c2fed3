package cluster

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// beginSnapshot begins a snapshot in dir.
func beginSnapshot(t *testing.T, dir string) (*privateSnapshots, raft.SnapshotSink) {
	t.Helper()
	store, err := openSnapshots(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	_, transport := raft.NewInmemTransport("")
	sink, err := store.Create(raft.SnapshotVersionMax, 7, 1, raft.Configuration{}, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	return store, sink
}

func TestASnapshotOfSeveralFlushesIsReadWhole(t *testing.T) {
	store, sink := beginSnapshot(t, t.TempDir())
	want := bytes.Repeat([]byte("0123456789abcdef"), 3*flushStep/16)
	for part := want; len(part) > 0; part = part[min(len(part), 100_000):] {
		if _, err := sink.Write(part[:min(len(part), 100_000)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	_, r, err := store.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d octets of %d, %v", len(got), len(want), err)
	}
}

func TestACancelledSnapshotLeavesNothing(t *testing.T) {
	store, sink := beginSnapshot(t, t.TempDir())
	if _, err := sink.Write(make([]byte, flushStep+1)); err != nil {
		t.Fatal(err)
	}
	if err := sink.Cancel(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(store.dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
