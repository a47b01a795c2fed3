package state

import "sync/atomic"

// Machine applies log entries. Apply and Restore are called by one goroutine at a time; everything
// else is safe for concurrent use and never waits for them.
type Machine struct {
	now         atomic.Pointer[root]
	checkpoints atomic.Pointer[[]checkpoint] // the oldest first; what it points to never changes
	edit        uint64
	wire        wire     // of Apply and Restore
	digester    digester // of Apply

	applied, ignored, panics atomic.Uint64
}

// New returns an empty machine.
func New() *Machine {
	r := newRoot()
	return NewFrom(View{&r})
}

// Counters count since the process started.
type Counters struct {
	Applied uint64 // commands applied
	Ignored uint64 // commands that were unknown, undecodable, of a level above the cluster's, or panicked
	Panics  uint64
}

// Counters returns the counters.
func (m *Machine) Counters() Counters {
	return Counters{Applied: m.applied.Load(), Ignored: m.ignored.Load(), Panics: m.panics.Load()}
}

// Apply applies the log entry with this index and returns a result for each of its commands; none
// when the entry itself cannot be decoded. It never panics.
func (m *Machine) Apply(index uint64, entry []byte) []Result {
	stamp, encoded, err := decodeBatch(entry)
	if err != nil {
		m.ignored.Add(1)
		now := m.now.Load()
		m.publish(m.begin(now, index, now.time), entry, nil)
		return nil
	}
	m.wire.names = m.now.Load().names
	commands := make([]Command, len(encoded))
	for i, b := range encoded {
		if commands[i], err = decode(&m.wire, b); err != nil {
			m.ignored.Add(1)
		}
	}
	t, results := m.batch(index, stamp, commands)
	m.publish(t, entry, results)
	return results
}

// batch applies decoded commands; nil stands for one that could not be decoded.
func (m *Machine) batch(index uint64, stamp int64, commands []Command) (*txn, []Result) {
	m.applied.Add(uint64(len(commands)))
	results := make([]Result, len(commands))
	t := m.begin(m.now.Load(), index, stamp)
	t.forget(forgetPerBatch + forgetPerCommand*len(commands))
	if m.run(t, commands, results) {
		return t, results
	}
	// One of them panicked, and the whole transaction with it: apply each by itself, so that
	// only the bad one is lost. Every node does the same.
	t = m.begin(m.now.Load(), index, stamp)
	for i := range commands {
		next := m.begin(t.commit(), index, stamp)
		if m.run(next, commands[i:i+1], results[i:i+1]) {
			t = next
			continue
		}
		results[i] = Result{}
		m.ignored.Add(1)
	}
	return t, results
}

// begin makes a transaction on top of r.
func (m *Machine) begin(r *root, index uint64, stamp int64) *txn {
	m.edit++
	t := newTxn(r, m.edit, &m.wire)
	t.index = index
	t.time = max(t.time, stamp)
	return t
}

// publish makes what an entry has changed the state, with the digest of it.
func (m *Machine) publish(t *txn, entry []byte, results []Result) {
	previous := m.now.Load()
	t.digest = m.digester.next(previous.digest, t.index, entry, results)
	r := t.commit()
	m.now.Store(r)
	m.mark(previous.index, r)
}

// run reports whether all commands were applied without a panic. A command that needs a higher level than
// the cluster has is passed over, as by programs that do not know it.
func (m *Machine) run(t *txn, commands []Command, results []Result) (ok bool) {
	defer func() {
		if recover() != nil {
			m.panics.Add(1)
			ok = false
		}
	}()
	for i, c := range commands {
		switch {
		case c == nil:
		case LevelOf(c.kind()) > t.meta.level():
			m.ignored.Add(1)
		default:
			results[i] = c.apply(t)
		}
	}
	return true
}
