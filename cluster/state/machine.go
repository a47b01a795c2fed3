package state

import "sync/atomic"

// Machine applies log entries. Apply and Restore are called by one goroutine at a time; everything
// else is safe for concurrent use and never waits for them.
type Machine struct {
	now  atomic.Pointer[root]
	edit uint64
	wire wire // of Apply and Restore

	applied, ignored, panics atomic.Uint64
}

// New returns an empty machine.
func New() *Machine {
	m := &Machine{}
	r := newRoot()
	m.now.Store(&r)
	return m
}

// Counters count since the process started.
type Counters struct {
	Applied uint64 // commands applied
	Ignored uint64 // commands that were unknown, undecodable, or panicked
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
		m.publish(m.begin(index, m.now.Load().time))
		return nil
	}
	m.wire.names = m.now.Load().names
	commands := make([]Command, len(encoded))
	for i, b := range encoded {
		if commands[i], err = decode(&m.wire, b); err != nil {
			m.ignored.Add(1)
		}
	}
	return m.apply(index, stamp, commands)
}

// apply applies decoded commands; nil stands for one that could not be decoded.
func (m *Machine) apply(index uint64, stamp int64, commands []Command) []Result {
	m.applied.Add(uint64(len(commands)))
	results := make([]Result, len(commands))
	t := m.begin(index, stamp)
	t.forget(forgetPerBatch + forgetPerCommand*len(commands))
	if m.run(t, commands, results) {
		m.publish(t)
		return results
	}
	// One of them panicked, and the whole transaction with it: apply each by itself, so that
	// only the bad one is lost. Every node does the same.
	for i := range commands {
		t := m.begin(index, stamp)
		if m.run(t, commands[i:i+1], results[i:i+1]) {
			m.publish(t)
			continue
		}
		results[i] = Result{}
		m.ignored.Add(1)
	}
	return results
}

func (m *Machine) begin(index uint64, stamp int64) *txn {
	m.edit++
	t := newTxn(m.now.Load(), m.edit, &m.wire)
	t.index = index
	t.time = max(t.time, stamp)
	return t
}

func (m *Machine) publish(t *txn) { m.now.Store(t.commit()) }

// run reports whether all commands were applied without a panic.
func (m *Machine) run(t *txn, commands []Command, results []Result) (ok bool) {
	defer func() {
		if recover() != nil {
			m.panics.Add(1)
			ok = false
		}
	}()
	for i, c := range commands {
		if c != nil {
			results[i] = c.apply(t)
		}
	}
	return true
}
