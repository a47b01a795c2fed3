package state

// apply applies commands as an entry does whose octets are none.
func (m *Machine) apply(index uint64, stamp int64, commands []Command) []Result {
	t, results := m.batch(index, stamp, commands)
	m.publish(t, nil, results)
	return results
}
