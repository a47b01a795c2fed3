package cluster

import (
	"slices"

	"github.com/hashicorp/raft"
)

// member is a node of the cluster, as another knows it.
type member struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Voter   bool   `json:"voter"`
	// Fingerprint is that of the member's certificate; empty where it is not known.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Joining is a node that has its certificate and is not in Raft's configuration yet.
	Joining bool `json:"joining,omitempty"`
}

// roster is who belongs to the cluster, as a node sees it that has applied the log up to an entry.
type roster struct {
	Index   uint64   `json:"index"`
	Members []member `json:"members"`
}

func (r roster) find(name string) (member, bool) {
	i := slices.IndexFunc(r.Members, func(m member) bool { return m.Name == name })
	if i < 0 {
		return member{}, false
	}
	return r.Members[i], true
}

// at returns the member at an address that Raft knows.
func (r roster) at(address string) (member, bool) {
	i := slices.IndexFunc(r.Members, func(m member) bool { return m.Address == address && !m.Joining })
	if i < 0 {
		return member{}, false
	}
	return r.Members[i], true
}

// voters counts who votes.
func (r roster) voters() (n int) {
	for _, m := range r.Members {
		if m.Voter {
			n++
		}
	}
	return n
}

// quorum is how many voters must agree.
func (r roster) quorum() int { return r.voters()/2 + 1 }

// others are the members but one.
func (r roster) others(name string) []member {
	return slices.DeleteFunc(slices.Clone(r.Members), func(m member) bool { return m.Name == name })
}

// known returns the newest roster that this node has: from Raft and the state; or, while it has no leader
// and is behind, what it was told when it joined, or by a member that is further.
func (n *Node) known() roster {
	told := n.memory.roster()
	r := n.raft.Load()
	if r == nil {
		return told
	}
	future := r.GetConfiguration()
	if future.Error() != nil || len(future.Configuration().Servers) == 0 {
		return told
	}
	own := n.rosterOf(r.AppliedIndex(), future.Configuration())
	if told.Index > own.Index && n.lost(r) {
		return told
	}
	return own
}

// lost reports whether this node neither leads nor hears of a leader.
func (n *Node) lost(r *raft.Raft) bool { return r.State() != raft.Leader && n.contact(r) != nil }

// rosterOf joins Raft's configuration with what the state knows of the nodes.
func (n *Node) rosterOf(index uint64, c raft.Configuration) roster {
	view := n.fsm.machine.View()
	all := roster{Index: index}
	for _, s := range c.Servers {
		m := member{Name: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter}
		if record, ok := view.Node(m.Name); ok {
			m.Fingerprint = fingerprintText(record.Fingerprint)
		}
		all.Members = append(all.Members, m)
	}
	for _, record := range view.Nodes() {
		if _, there := all.find(record.Name); !there {
			all.Members = append(all.Members, member{
				Name: record.Name, Address: record.Address, Fingerprint: fingerprintText(record.Fingerprint), Joining: true,
			})
		}
	}
	return all
}
