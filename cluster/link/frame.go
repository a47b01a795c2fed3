package link

import (
	"fmt"
	"sync"
)

// installSnapshot is the first octet of raft's message that brings a snapshot: rpcInstallSnapshot in
// net_transport.go of hashicorp/raft 1.7.
const installSnapshot = 2

// meter bounds what raft's transport reads before it decodes it. Raft sends a message, the type in its
// first octet, and the next one only after the answer (with MaxRPCsInFlight = 1); so what was read
// since the last write is one message, and where messages are sent, one answer. It is safe for
// concurrent use.
type meter struct {
	frame, snapshot int64
	typed           bool // messages are read, not answers

	mu           sync.Mutex
	octets, most int64
}

// read counts what was read, and returns an error when it is too much for one message.
func (m *meter) read(p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(p) > 0 && m.octets == 0 {
		m.most = m.frame
		if m.typed && p[0] == installSnapshot {
			m.most = m.snapshot
		}
	}
	m.octets += int64(len(p))
	if m.octets > m.most {
		return fmt.Errorf("a message of raft is longer than %d octets", m.most)
	}
	return nil
}

// written ends the message that was being read.
func (m *meter) written() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.octets = 0
}
