package cluster

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

// answering is a transport whose answers to entries are given.
type answering struct {
	raft.Transport
	answer func(*raft.AppendEntriesResponse) error
}

func (a *answering) AppendEntries(_ raft.ServerID, _ raft.ServerAddress, _ *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return a.answer(resp)
}

func TestTheErrorOfANodeThatIsAwayIsHeldBack(t *testing.T) {
	m, err := openMemory("")
	if err != nil {
		t.Fatal(err)
	}
	waited := 0
	inner := &answering{answer: func(*raft.AppendEntriesResponse) error { return errors.New("connection refused") }}
	transport := watchedTransport{inner, &acked{}, m, func(raft.ServerID, uint64) { waited++ }, nil}
	entries := &raft.AppendEntriesRequest{Term: 2, Entries: []*raft.Log{{Index: 7, Term: 2}}}
	send := func(args *raft.AppendEntriesRequest) error {
		return transport.AppendEntries("n2", "n2:1", args, &raft.AppendEntriesResponse{})
	}
	for i, want := range []int{0, 1, 2} {
		if send(entries) == nil || waited != want {
			t.Errorf("after failure %d: waited %d times, want %d", i+1, waited, want)
		}
	}
	if send(&raft.AppendEntriesRequest{Term: 2}) == nil || waited != 2 {
		t.Error("a heartbeat was held back")
	}
	inner.answer = func(r *raft.AppendEntriesResponse) error { r.Success = true; return nil }
	if err := send(entries); err != nil {
		t.Error(err)
	}
	inner.answer = func(*raft.AppendEntriesResponse) error { return errors.New("connection refused") }
	if send(entries) == nil || waited != 2 {
		t.Error("one failure after a success was held back")
	}
}

func TestANodeThatHasLessThanItAcknowledgedIsNotBelieved(t *testing.T) {
	m, err := openMemory("")
	if err != nil {
		t.Fatal(err)
	}
	has := uint64(6)
	inner := &answering{answer: func(r *raft.AppendEntriesResponse) error { r.Success, r.LastLog = true, has; return nil }}
	transport := watchedTransport{inner, &acked{}, m, nil, nil}
	send := func(term, index uint64) error {
		return transport.AppendEntries("n2", "n2:1", &raft.AppendEntriesRequest{Term: term, Entries: []*raft.Log{{Index: index, Term: term}}}, &raft.AppendEntriesResponse{})
	}
	if err := send(2, 7); err != nil {
		t.Fatal(err)
	}
	if send(2, 7) == nil {
		t.Error("it has entry 6 and had acknowledged 7")
	}
	has = 7
	if err := send(2, 8); err != nil {
		t.Error(err)
	}
	has = 3 // another leader may have shortened its log in between
	if err := send(4, 4); err != nil {
		t.Error(err)
	}
}

// heartbeats keeps the handler that a transport is given.
type heartbeats struct {
	raft.Transport
	handle func(raft.RPC)
}

func (h *heartbeats) SetHeartbeatHandler(f func(raft.RPC)) { h.handle = f }

// TestAHeartbeatChangesNoTerm: one that would waits for Raft's own goroutine, as every other message.
func TestAHeartbeatChangesNoTerm(t *testing.T) {
	inner, handled := &heartbeats{}, 0
	transport := watchedTransport{Transport: inner, follows: func(term uint64) bool { return term == 3 }}
	transport.SetHeartbeatHandler(func(r raft.RPC) {
		handled++
		r.Respond(&raft.AppendEntriesResponse{}, nil)
	})
	for term, want := range map[uint64]error{2: errNewTerm, 3: nil, 4: errNewTerm} {
		said := make(chan raft.RPCResponse, 1)
		inner.handle(raft.RPC{Command: &raft.AppendEntriesRequest{Term: term}, RespChan: said})
		if got := <-said; !errors.Is(got.Error, want) {
			t.Errorf("term %d: %v", term, got.Error)
		}
	}
	if handled != 1 {
		t.Errorf("%d heartbeats were handled, want 1", handled)
	}
}
