package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
)

const frame, snapshot = 64 << 10, 256 << 10

func bounded(c *link.Config) { c.Frame, c.Snapshot = frame, snapshot }

// TestTheBoundOfAMessage sends messages of a kind, whole and one octet longer. Each is answered before
// the next.
func TestTheBoundOfAMessage(t *testing.T) {
	w := newWorld(t, "c1")
	a, b := w.listen(t, w.member(t, "a"), bounded), w.listen(t, w.member(t, "b"), bounded)
	for name, c := range map[string]struct {
		class link.Class
		kind  byte // the first octet of each
		most  int
		free  bool
	}{
		"entries":     {link.Raft, 0, frame, false},
		"a vote":      {link.Raft, 1, frame, false},
		"a snapshot":  {link.Raft, 2, snapshot, false},
		"a pre-vote":  {link.Raft, 4, frame, false},
		"of no kind":  {link.Raft, 255, frame, false},
		"not of raft": {link.Call, 0, snapshot, true},
	} {
		t.Run(name, func(t *testing.T) {
			sends, receives := connect(t, a, b, c.class)
			message := bytes.Repeat([]byte{2}, c.most)
			message[0] = c.kind
			for range 2 {
				arrives(t, sends, receives, message)
				passes(t, receives, sends)
			}
			if c.free {
				arrives(t, sends, receives, append(message, 0))
				return
			}
			go func() { _, _ = sends.Write(append(message, 0)) }()
			n, err := io.Copy(io.Discard, receives)
			if n > int64(c.most) || err == nil || !strings.Contains(err.Error(), "longer than") {
				t.Errorf("read %d of %d octets, %v", n, c.most+1, err)
			}
			ends(t, sends)
		})
	}
}

// TestTheBoundOfAnAnswer has the node that is called answer too much.
func TestTheBoundOfAnAnswer(t *testing.T) {
	w := newWorld(t, "c1")
	a, b := w.listen(t, w.member(t, "a"), bounded), w.listen(t, w.member(t, "b"), bounded)
	asks, answers := connect(t, a, b, link.Raft)
	answer := bytes.Repeat([]byte{2}, frame) // the first octet of an answer is no type
	for range 2 {
		passes(t, asks, answers)
		arrives(t, answers, asks, answer)
	}
	passes(t, asks, answers)
	go func() { _, _ = answers.Write(append(answer, 0)) }()
	if n, err := io.Copy(io.Discard, asks); n > frame || err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("read %d octets, %v", n, err)
	}
	ends(t, answers)
}

// arrives sends a message and reads it at the other end.
func arrives(t *testing.T, from, to net.Conn, message []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(message)
		sent <- err
	}()
	got := make([]byte, len(message))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, message) {
		t.Fatalf("read: %v", err)
	}
	if err := <-sent; err != nil {
		t.Fatalf("write: %v", err)
	}
}

// stream is raft's way to the port of a node.
type stream struct {
	net.Listener
	from, to *node
}

func (s stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.from.Dial(ctx, link.Raft, s.to.name, string(address))
}

// transport is raft's own, on the port of a node.
func transport(t *testing.T, from, to *node) *raft.NetworkTransport {
	t.Helper()
	tr := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: stream{from.Listener(link.Raft), from, to}, MaxPool: 3, MaxRPCsInFlight: 1, Timeout: 10 * time.Second, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// TestRaftsOwnMessages sends with the transport that is used, and shows that its type octets are those
// that are judged, and that it answers each message before it reads the next.
func TestRaftsOwnMessages(t *testing.T) {
	w := newWorld(t, "c1")
	a, b := w.listen(t, w.member(t, "a"), bounded), w.listen(t, w.member(t, "b"), bounded)
	sender, receiver := transport(t, a, b), transport(t, b, a)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answer(ctx, receiver.Consumer())
	}()
	defer func() {
		cancel()
		<-answered
	}()
	to := raft.ServerAddress(b.address())

	small := &raft.AppendEntriesRequest{Entries: []*raft.Log{{Index: 1, Data: make([]byte, frame-1000)}}}
	for range 3 {
		if err := sender.AppendEntries("b", to, small, new(raft.AppendEntriesResponse)); err != nil {
			t.Fatalf("entries: %v", err)
		}
		if err := sender.RequestVote("b", to, new(raft.RequestVoteRequest), new(raft.RequestVoteResponse)); err != nil {
			t.Fatalf("vote: %v", err)
		}
	}
	for range 2 {
		if err := install(sender, to, snapshot-1000); err != nil {
			t.Fatalf("snapshot: %v", err)
		}
	}
	big := &raft.AppendEntriesRequest{Entries: []*raft.Log{{Index: 1, Data: make([]byte, frame)}}}
	if err := sender.AppendEntries("b", to, big, new(raft.AppendEntriesResponse)); err == nil {
		t.Error("entries longer than a frame arrived")
	}
	if err := install(sender, to, snapshot); err == nil {
		t.Error("a snapshot that is too long arrived")
	}
	if got := strings.Count(b.log.String(), "cut for what it sends"); got != 2 {
		t.Errorf("%d cuts are logged, want 2:\n%s", got, b.log)
	}
}

func install(from *raft.NetworkTransport, to raft.ServerAddress, size int) error {
	return from.InstallSnapshot("b", to, &raft.InstallSnapshotRequest{Size: int64(size)}, new(raft.InstallSnapshotResponse), bytes.NewReader(make([]byte, size)))
}

// answer says yes to everything.
func answer(ctx context.Context, rpcs <-chan raft.RPC) {
	for {
		select {
		case <-ctx.Done():
			return
		case rpc := <-rpcs:
			switch rpc.Command.(type) {
			case *raft.AppendEntriesRequest:
				rpc.Respond(new(raft.AppendEntriesResponse), nil)
			case *raft.RequestVoteRequest:
				rpc.Respond(new(raft.RequestVoteResponse), nil)
			case *raft.InstallSnapshotRequest:
				_, err := io.Copy(io.Discard, rpc.Reader)
				rpc.Respond(new(raft.InstallSnapshotResponse), err)
			default:
				rpc.Respond(nil, errors.New("not sent by this test"))
			}
		}
	}
}
