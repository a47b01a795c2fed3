package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// Memory is the ledger of a [Node] without Raft and without disk: the same state machine, the same
// commands, the same sealing, under a master key of its own. It is for tests, and is gone when the
// process ends. It is safe for concurrent use.
type Memory struct {
	*ledger
	mu    sync.Mutex
	index uint64
}

var _ login.Ledger = (*Memory)(nil)

// NewMemory returns an empty ledger, founded and ready. now is its clock; nil means time.Now.
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	masterKey := make([]byte, masterKeySize)
	_, _ = rand.Read(masterKey) // never fails (crypto/rand)
	seal, err := newSealer(masterKey)
	if err != nil {
		panic(fmt.Sprintf("cluster: %v", err)) // 32 octets always derive
	}
	m, machine := &Memory{}, state.New()
	m.ledger = &ledger{
		machine: machine, sealer: seal, keyLife: 24 * time.Hour,
		clock:   newLogClock(now, sinceNow(now), machine),
		propose: m.commit, readable: func() error { return nil },
	}
	if err := m.found(context.Background(), newClusterID()); err != nil {
		panic(fmt.Sprintf("cluster: %v", err)) // commit fails only with its context
	}
	return m
}

func (m *Memory) commit(ctx context.Context, c state.Command) (state.Result, error) {
	if err := ctx.Err(); err != nil {
		return state.Result{}, fmt.Errorf("%w: %w", login.ErrUnavailable, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.index++
	entry := state.EncodeBatch(m.Now().UnixNano(), [][]byte{state.Encode(c)})
	return m.machine.Apply(m.index, entry)[0], nil
}
