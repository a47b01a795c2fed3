package cluster

// Beats is how often the node has noted that it lives, HeardBeats how often another is known to have.
func (n *Node) Beats() uint64 {
	beats, _ := n.memory.beats()
	return beats
}

func (n *Node) HeardBeats(of string) uint64 {
	t, _ := n.memory.of(of)
	return t.Beats
}
